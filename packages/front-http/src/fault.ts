import { type ErrorCode, FileError } from "@bulkhead/contract";
import { type Problem, problemOf } from "@bulkhead/wire";

export interface FaultOptions {
  readonly code?: ErrorCode;
  readonly headers?: Readonly<Record<string, string>>;
  /** What follows on the connection cannot be trusted to be a request. */
  readonly close?: boolean;
}

/** An error that only HTTP knows: a method, a media type, an expectation. Everything else is a `FileError`. */
export class HttpFault extends Error {
  override readonly name = "HttpFault";
  readonly status: number;
  readonly title: string;
  readonly code: ErrorCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly close: boolean;

  constructor(status: number, title: string, detail: string, options: FaultOptions = {}) {
    super(detail);
    this.status = status;
    this.title = title;
    this.code = options.code ?? "invalid-request";
    this.headers = options.headers ?? {};
    this.close = options.close ?? false;
  }
}

/** Renders what was thrown; a fault keeps its own status and title. */
export const problemOfAny = (error: unknown, requestId: string): Problem =>
  error instanceof HttpFault
    ? {
        ...problemOf(new FileError(error.code, error.message), requestId),
        status: error.status,
        title: error.title,
      }
    : problemOf(error, requestId);

/** A request that is not what HTTP allows. */
export const malformed = (detail: string): FileError => new FileError("invalid-request", detail);
