import type { ErrorCode, ErrorFields } from "@bulkhead/contract";

/** What an error knows beside its code and its sentence. */
export interface BulkheadErrorInit {
  /** The HTTP status; 0 where no answer came or nothing was sent. */
  readonly status: number;
  readonly requestId?: string | undefined;
  /** True where the same request may succeed later unchanged. */
  readonly retryable: boolean;
  readonly fields?: ErrorFields | undefined;
  readonly cause?: unknown;
}

/**
 * Every failure that Bulkhead names. `code` is the one of `/v1`, `message` is written for people, `fields` holds what
 * belongs to the code (`etag`, `resource`, `limit`, `used`, `requested`, `retryAfter` in seconds, `location`, `counts`, `effects`).
 * A call that its `signal` ended rejects with the signal's reason instead, as `fetch` does.
 */
export class BulkheadError extends Error {
  override readonly name: string = "BulkheadError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly requestId: string | undefined;
  readonly retryable: boolean;
  readonly fields: ErrorFields;

  constructor(code: ErrorCode, message: string, init: BulkheadErrorInit) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = code;
    this.status = init.status;
    this.requestId = init.requestId;
    this.retryable = init.retryable;
    this.fields = init.fields ?? {};
  }
}

/** The path, the request, its range or its `Idempotency-Key` is not one the server can serve. */
export class InvalidRequestError extends BulkheadError {
  override readonly name: string = "InvalidRequestError";
}

/** The key is missing, unknown, expired or revoked (401). */
export class UnauthenticatedError extends BulkheadError {
  override readonly name: string = "UnauthenticatedError";
}

/** Every 403: outside the workspace, not allowed, scope missing, tenant suspended, and so on; `code` tells which. */
export class PermissionError extends BulkheadError {
  override readonly name: string = "PermissionError";
}

/** Missing, or not readable: the server makes no difference (404). */
export class NotFoundError extends BulkheadError {
  override readonly name: string = "NotFoundError";
}

/** What is there stands in the way (409): it exists, is not empty, is of another kind, or changed meanwhile. */
export class ConflictError extends BulkheadError {
  override readonly name: string = "ConflictError";
}

/** `ifMatch` or `ifNoneMatch` did not hold (412); `fields.etag` is the current ETag where it may be known. */
export class PreconditionFailedError extends BulkheadError {
  override readonly name: string = "PreconditionFailedError";
}

/** A limit in bytes, files, users or the size of one body (507, 413); nothing was stored. */
export class QuotaExceededError extends BulkheadError {
  override readonly name: string = "QuotaExceededError";
}

/** Too many requests (429); waiting `fields.retryAfter` seconds succeeds. */
export class RateLimitedError extends BulkheadError {
  override readonly name: string = "RateLimitedError";
}

/** No answer, or none in time: the server, the storage or the network (503, 504). */
export class UnavailableError extends BulkheadError {
  override readonly name: string = "UnavailableError";
}

type ErrorClass = new (code: ErrorCode, message: string, init: BulkheadErrorInit) => BulkheadError;

/** Which class each code is thrown as. */
const classes: Readonly<Record<ErrorCode, ErrorClass>> = {
  "invalid-path": InvalidRequestError,
  "invalid-request": InvalidRequestError,
  unauthenticated: UnauthenticatedError,
  "outside-workspace": PermissionError,
  "not-found": NotFoundError,
  forbidden: PermissionError,
  "scope-required": PermissionError,
  "tenant-suspended": PermissionError,
  "tenant-mismatch": PermissionError,
  "already-exists": ConflictError,
  "not-empty": ConflictError,
  "is-directory": ConflictError,
  "not-directory": ConflictError,
  conflict: ConflictError,
  "idempotency-in-flight": ConflictError,
  "idempotency-mismatch": InvalidRequestError,
  "confirmation-required": InvalidRequestError,
  "precondition-failed": PreconditionFailedError,
  "range-not-satisfiable": InvalidRequestError,
  "too-large": QuotaExceededError,
  "quota-exceeded": QuotaExceededError,
  "plan-limit": PermissionError,
  "rate-limited": RateLimitedError,
  residency: PermissionError,
  "wrong-region": BulkheadError,
  unavailable: UnavailableError,
  timeout: UnavailableError,
  aborted: BulkheadError,
  internal: BulkheadError,
};

/** Makes the error of a code, as the class that stands for it. */
export const bulkheadError = (
  code: ErrorCode,
  message: string,
  init: BulkheadErrorInit,
): BulkheadError => new classes[code](code, message, init);
