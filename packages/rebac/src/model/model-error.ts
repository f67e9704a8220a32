import { FileError } from "@bulkhead/contract";

/** The `invalid-request` of a model that was refused; lines count from 1. */
export const modelError = (detail: string, line?: number): FileError =>
  new FileError("invalid-request", line === undefined ? detail : `line ${line}: ${detail}`);
