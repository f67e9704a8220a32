import { BulkheadError } from "@bulkhead/client";
import type { ErrorCode } from "@bulkhead/contract";
import { Failure } from "../failure.ts";

/** What concerns one file; everything else would be the same for the next one. */
const single: ReadonlySet<ErrorCode> = new Set([
  "invalid-path",
  "not-found",
  "already-exists",
  "precondition-failed",
  "is-directory",
  "not-directory",
  "conflict",
  "too-large",
  "internal",
]);

/** True for what would fail the same with every other file. */
export const endsAll = (error: unknown): boolean => {
  const why = error instanceof Failure ? error.why : error;
  return why instanceof BulkheadError && !single.has(why.code);
};
