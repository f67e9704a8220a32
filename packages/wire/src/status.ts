import type { ErrorCode } from "@bulkhead/contract";

/** How HTTP says an error: the status, and the sentence that is the same for every error of the code. */
export interface ErrorStatus {
  readonly status: number;
  readonly title: string;
}

/** What every error code is over HTTP: the one table. */
export const errorStatuses: Readonly<Record<ErrorCode, ErrorStatus>> = {
  "invalid-path": { status: 400, title: "The path is malformed" },
  "invalid-request": { status: 400, title: "The request is malformed" },
  unauthenticated: { status: 401, title: "A valid key is required" },
  "outside-workspace": { status: 403, title: "Outside the workspace of this key" },
  "not-found": { status: 404, title: "Not found" },
  forbidden: { status: 403, title: "Not allowed" },
  "scope-required": { status: 403, title: "The key lacks a scope" },
  "tenant-suspended": { status: 403, title: "The tenant is suspended" },
  "tenant-mismatch": { status: 403, title: "The tenant named is not the key's" },
  "already-exists": { status: 409, title: "Already exists" },
  "not-empty": { status: 409, title: "The directory is not empty" },
  "is-directory": { status: 409, title: "Is a directory" },
  "not-directory": { status: 409, title: "Is not a directory" },
  conflict: { status: 409, title: "Changed meanwhile" },
  "idempotency-in-flight": { status: 409, title: "A request with this Idempotency-Key is running" },
  "idempotency-mismatch": {
    status: 422,
    title: "This Idempotency-Key was used for another request",
  },
  "confirmation-required": { status: 400, title: "Confirmation required" },
  "precondition-failed": { status: 412, title: "The precondition failed" },
  "range-not-satisfiable": { status: 416, title: "The range selects nothing" },
  "too-large": { status: 413, title: "Too large" },
  "quota-exceeded": { status: 507, title: "The quota is exceeded" },
  "plan-limit": { status: 403, title: "The plan does not include this" },
  "rate-limited": { status: 429, title: "Too many requests" },
  residency: { status: 403, title: "A residency rule forbids this" },
  "wrong-region": { status: 421, title: "The data lives in another region" },
  unavailable: { status: 503, title: "Temporarily unavailable" },
  timeout: { status: 504, title: "The storage did not answer in time" },
  aborted: { status: 499, title: "The request was given up" },
  internal: { status: 500, title: "The server failed" },
};
