import type { RateState } from "./place.ts";

/** Whether to try again: `never` helps, `safe` may, and `exhausted` was already tried until the limit. */
export type Retry = "never" | "safe" | "exhausted";

export type ErrorCode =
  | "invalid-path"
  | "invalid-request"
  | "unauthenticated"
  | "outside-workspace"
  | "not-found"
  | "forbidden"
  | "scope-required"
  | "tenant-suspended"
  | "tenant-mismatch"
  | "already-exists"
  | "not-empty"
  | "is-directory"
  | "not-directory"
  | "conflict"
  | "idempotency-in-flight"
  | "idempotency-mismatch"
  | "confirmation-required"
  | "precondition-failed"
  | "range-not-satisfiable"
  | "too-large"
  | "quota-exceeded"
  | "plan-limit"
  | "rate-limited"
  | "residency"
  | "wrong-region"
  | "unavailable"
  | "timeout"
  | "aborted"
  | "internal";

/** Whether the same request may succeed later unchanged. */
const retries = {
  "invalid-path": "never",
  "invalid-request": "never",
  unauthenticated: "never",
  "outside-workspace": "never",
  "not-found": "never",
  forbidden: "never",
  "scope-required": "never",
  "tenant-suspended": "never",
  "tenant-mismatch": "never",
  "already-exists": "never",
  "not-empty": "never",
  "is-directory": "never",
  "not-directory": "never",
  conflict: "safe",
  "idempotency-in-flight": "safe",
  "idempotency-mismatch": "never",
  "confirmation-required": "never",
  "precondition-failed": "never",
  "range-not-satisfiable": "never",
  "too-large": "never",
  "quota-exceeded": "never",
  "plan-limit": "never",
  "rate-limited": "safe",
  residency: "never",
  "wrong-region": "never",
  unavailable: "safe",
  timeout: "safe",
  aborted: "safe",
  internal: "never",
} as const satisfies Record<ErrorCode, Retry>;

const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(retries, code);
export const errorCodes: readonly ErrorCode[] = Object.keys(retries).filter(isErrorCode);

/** What an error may tell beside its code. Bytes and counts are integers; `retryAfter` is in seconds. */
export interface ErrorFields {
  readonly etag?: string;
  readonly resource?: string;
  readonly limit?: number;
  readonly used?: number;
  readonly requested?: number;
  readonly retryAfter?: number;
  readonly location?: string;
  /** What a deletion without `confirm` would remove. */
  readonly counts?: Readonly<Record<string, number>>;
  /** What a change that was refused would have done, a sentence each. */
  readonly effects?: readonly string[];
  /** What a request that came too soon was counted against. */
  readonly rates?: readonly RateState[];
}

export interface ErrorOptions {
  readonly retry?: Retry;
  readonly fields?: ErrorFields;
  /** Why policy refused, for the audit log alone; never sent to the caller. */
  readonly denial?: string;
  readonly cause?: unknown;
}

/** The one error that crosses packages. `detail` is written for the caller: what was wrong and what to do next. */
export class FileError extends Error {
  override readonly name = "FileError";
  readonly code: ErrorCode;
  readonly retry: Retry;
  readonly fields: ErrorFields;
  readonly denial: string | undefined;

  constructor(code: ErrorCode, detail: string, options: ErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retry = options.retry ?? retries[code];
    this.fields = options.fields ?? {};
    this.denial = options.denial;
  }

  get detail(): string {
    return this.message;
  }
}

/** True for a `FileError`, of that code if one is named. */
export const isFileError = (error: unknown, code?: ErrorCode): error is FileError =>
  error instanceof FileError && (code === undefined || error.code === code);
