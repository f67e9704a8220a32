import type { ErrorCode } from "@bulkhead/contract";
import { acceptedJob, fileStat, recordPage } from "@bulkhead/wire";
import { z } from "zod";
import type { AnswerHeader, RequestHeader } from "./openapi/headers.ts";

/** A parameter of a query. */
export interface QueryParameter {
  readonly name: string;
  readonly does: string;
  readonly schema: z.ZodType;
  readonly required?: boolean;
}

/** What a route answers with one status. */
export interface Answered {
  readonly does: string;
  readonly json?: z.ZodType;
  /** Media types of what is answered instead of JSON, or beside it where it is asked for. */
  readonly types?: readonly string[];
  readonly headers?: readonly AnswerHeader[];
}

/** The body that a route takes: JSON that a schema checks, with an example that it accepts, or bytes as they come. */
export type Taken = { readonly json: z.ZodType; readonly example: unknown } | "bytes";

/** What a route is to those who call it. The OpenAPI document and the reference are made of it, and of nothing else. */
export interface Described {
  /** The name of the operation in the document, in camel case; unique. */
  readonly id: string;
  /** What it does, in Markdown. */
  readonly does: string;
  readonly query?: readonly QueryParameter[];
  /** Headers that mean something here, beside those of every request. */
  readonly headers?: readonly RequestHeader[];
  readonly takes?: Taken;
  /** What is answered where it succeeds, by status. */
  readonly answers: Readonly<Record<number, Answered>>;
  /** Codes it is refused with, beside those of every route. */
  readonly refuses?: readonly ErrorCode[];
}

type Answers = Described["answers"];

/** 200 with JSON. */
export const found = (json: z.ZodType, does = "It is answered."): Answers => ({
  200: { does, json },
});

/** 201 with what was made, and where it is from now on. */
export const made = (json: z.ZodType, does = "It was made."): Answers => ({
  201: { does, json, headers: ["Location"] },
});

/** 201 with what was made, or 200 where it took the place of another of its name. */
export const put = (json: z.ZodType): Answers => ({
  ...made(json),
  200: { does: "It took another's place.", json, headers: ["Location"] },
});

/** 200 with a page of what `item` describes. */
export const pageOf = <T>(item: z.ZodType<T>): Answers => ({
  200: { does: "A page.", json: recordPage(item), headers: ["Link"] },
});

/** 204: it is done, and there is nothing to say. */
export const done: Answers = { 204: { does: "It is done." } };

/** 202: it goes on as a job. */
export const begunJob: Answers = {
  202: { does: "It goes on as a job.", json: acceptedJob, headers: ["Location"] },
};

const stated: Answered["headers"] = ["ETag", "Last-Modified", "Bulkhead-Version"];

/** A stat of what stands at a path now, with one status. */
export const statWith = (status: number, does: string): Answers => ({
  [status]: { does, json: fileStat, headers: stated },
});

const content: NonNullable<Answered["headers"]> = [
  ...(stated ?? []),
  "Accept-Ranges",
  "Content-Disposition",
  "Content-Security-Policy",
  "Bulkhead-Meta-{name}",
];

/** A file's content, whole or in part, or that there is nothing new. */
export const contentAnswers: Answers = {
  200: { does: "The content.", types: ["*/*"], headers: content },
  206: {
    does: "A part of the content.",
    types: ["*/*"],
    headers: [...content, "Content-Range"],
  },
  304: { does: "The caller has it already.", headers: stated ?? [] },
};

/** `?limit=` and `?after=` of a list. */
export const paging: readonly QueryParameter[] = [
  {
    name: "limit",
    does: "How many at most; 1,000 by default.",
    schema: z.int().min(1).max(1000),
  },
  {
    name: "after",
    does: "What an earlier answer to the same request gave as `next`.",
    schema: z.string(),
  },
];

/** `?tenant=`: which tenant's, for keys that reach several. */
export const tenantParameter: QueryParameter = {
  name: "tenant",
  does: "A tenant's id: what is answered is that tenant's alone.",
  schema: z.string(),
};

/** `?format=` of what can be a table. */
export const formatParameter: QueryParameter = {
  name: "format",
  does: "JSON by default; CSV also for `Accept: text/csv`.",
  schema: z.enum(["json", "csv"]),
};

/** What a change of files can be refused with. */
export const changing: readonly ErrorCode[] = [
  "already-exists",
  "conflict",
  "is-directory",
  "not-directory",
  "not-empty",
  "plan-limit",
  "precondition-failed",
  "quota-exceeded",
  "residency",
  "too-large",
];

/** What a look at a file or directory can be refused with. */
export const looking: readonly ErrorCode[] = ["is-directory", "not-directory"];

/** What making or changing a record can be refused with. */
export const recording: readonly ErrorCode[] = [
  "already-exists",
  "conflict",
  "plan-limit",
  "quota-exceeded",
  "residency",
];
