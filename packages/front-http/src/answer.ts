import type { ReadResult } from "@bulkhead/contract";
import { FileError } from "@bulkhead/contract";
import { problemType, quoteEtag } from "@bulkhead/wire";
import { HttpFault, problemOfAny } from "./fault.ts";
import type { Sending } from "./flow.ts";
import { rateHeaders } from "./rate-headers.ts";

export type Headers = Readonly<Record<string, string>>;

/** What a route answers: JSON, text, a file's content, or nothing but a status. */
export interface Answer {
  readonly status: number;
  readonly headers?: Headers;
  readonly json?: unknown;
  /** Instead of JSON; its type is in the headers. */
  readonly text?: string;
  /** What a replay answers instead of `json`: the same without its secret. */
  readonly replay?: unknown;
  /** Disposed by whoever sends the answer. `length` counts the bytes of its content. */
  readonly read?: {
    readonly result: ReadResult;
    readonly length: number;
    /** What its pieces were asked with. */
    readonly sending: Sending;
  };
  /** The length that an answer to HEAD states. */
  readonly length?: number;
}

const retryAfter = (error: FileError): Headers => {
  const temporary =
    error.code === "unavailable" ||
    error.code === "timeout" ||
    error.code === "idempotency-in-flight";
  const seconds = error.fields.retryAfter ?? (temporary ? 1 : undefined);
  return seconds === undefined ? {} : { "Retry-After": String(Math.max(1, Math.ceil(seconds))) };
};

const errorHeaders = (error: unknown): Headers => {
  if (error instanceof HttpFault)
    return { ...error.headers, ...(error.close && { Connection: "close" }) };
  if (!(error instanceof FileError)) return {};
  const { etag, limit } = error.fields;
  return {
    ...(error.code === "unauthenticated" && { "WWW-Authenticate": 'Bearer realm="bulkhead"' }),
    ...(error.code === "range-not-satisfiable" &&
      limit !== undefined && { "Content-Range": `bytes */${limit}` }),
    ...(error.code === "precondition-failed" && etag !== undefined && { ETag: quoteEtag(etag) }),
    ...rateHeaders(error.fields.rates),
    ...retryAfter(error),
  };
};

/** Turns what was thrown into an answer. */
export const problemAnswer = (error: unknown, requestId: string): Answer => {
  const problem = problemOfAny(error, requestId);
  return {
    status: problem.status,
    headers: { ...errorHeaders(error), "Content-Type": problemType },
    json: problem,
  };
};
