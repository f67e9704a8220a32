import {
  type ErrorCode,
  errorCodes,
  type ErrorFields,
  FileError,
  isFileError,
} from "@bulkhead/contract";
import { z } from "zod";
import { errorStatuses } from "./status.ts";

/** The media type of every error (RFC 9457). */
export const problemType = "application/problem+json";

/** An error as it travels (RFC 9457). `code` is what a program looks at; `detail` is for people. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly requestId: string;
  /** False where the same request cannot succeed later unchanged. */
  readonly retryable: boolean;
  readonly etag?: string | undefined;
  readonly resource?: string | undefined;
  readonly limit?: number | undefined;
  readonly used?: number | undefined;
  /** The same as `used`, as answers about counters name it. */
  readonly current?: number | undefined;
  readonly requested?: number | undefined;
  readonly location?: string | undefined;
  readonly counts?: Readonly<Record<string, number>> | undefined;
  readonly effects?: readonly string[] | undefined;
  /** Names of what is not ready (`/readyz`). */
  readonly unready?: readonly string[] | undefined;
}

export const problemSchema: z.ZodType<Problem> = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(errorCodes),
  requestId: z.string(),
  retryable: z.boolean(),
  etag: z.string().optional(),
  resource: z.string().optional(),
  limit: z.number().optional(),
  used: z.number().optional(),
  current: z.number().optional(),
  requested: z.number().optional(),
  location: z.string().optional(),
  counts: z.record(z.string(), z.number()).optional(),
  effects: z.array(z.string()).optional(),
  unready: z.array(z.string()).optional(),
});

// Answers that would tell something if they differed, or that would repeat what the server says to itself.
const constant: Partial<Record<ErrorCode, string>> = {
  unauthenticated: "Send a valid key as 'Authorization: Bearer <key>'.",
  "outside-workspace": "This key cannot reach the path; paths start at its workspace.",
  internal: "The server failed to answer. The request id finds the reason in its log.",
};

type Fields = Omit<ErrorFields, "retryAfter" | "rates">;

const fieldsOf = (from: { readonly [K in keyof Fields]?: Fields[K] | undefined }): Fields => ({
  ...(from.etag !== undefined && { etag: from.etag }),
  ...(from.resource !== undefined && { resource: from.resource }),
  ...(from.limit !== undefined && { limit: from.limit }),
  ...(from.used !== undefined && { used: from.used }),
  ...(from.requested !== undefined && { requested: from.requested }),
  ...(from.location !== undefined && { location: from.location }),
  ...(from.counts !== undefined && { counts: from.counts }),
  ...(from.effects !== undefined && { effects: from.effects }),
});

/**
 * Renders what was thrown. Anything but a `FileError` is `internal`; the details of `internal`, `unauthenticated` and
 * `outside-workspace` are constant, whatever the error says.
 */
export const problemOf = (error: unknown, requestId: string): Problem => {
  const known = isFileError(error) ? error : new FileError("internal", "");
  const { status, title } = errorStatuses[known.code];
  const detail = constant[known.code];
  return {
    type: `urn:bulkhead:problem:${known.code}`,
    title,
    status,
    detail: detail ?? known.detail,
    code: known.code,
    requestId,
    retryable: known.retry !== "never",
    ...(detail === undefined && {
      ...fieldsOf(known.fields),
      ...(known.fields.used !== undefined && { current: known.fields.used }),
    }),
  };
};

/** Turns a problem back into the error it was. `retryAfter` is what the header `Retry-After` said, in seconds. */
export const errorOf = (problem: Problem, retryAfter?: number): FileError =>
  new FileError(problem.code, problem.detail, {
    retry: problem.retryable ? "safe" : "never",
    fields: { ...fieldsOf(problem), ...(retryAfter !== undefined && { retryAfter }) },
  });

/** The code that stands for a status where an answer carries no problem: a proxy's, say. */
export const codeOfStatus = (status: number): ErrorCode =>
  fallback[status] ?? (status >= 500 ? "unavailable" : "invalid-request");

const fallback: Readonly<Record<number, ErrorCode>> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not-found",
  408: "timeout",
  409: "conflict",
  412: "precondition-failed",
  413: "too-large",
  416: "range-not-satisfiable",
  421: "wrong-region",
  422: "invalid-request",
  429: "rate-limited",
  499: "aborted",
  500: "internal",
  501: "internal",
  504: "timeout",
  507: "quota-exceeded",
};
