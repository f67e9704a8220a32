import type { IncomingMessage } from "node:http";
import { FileError, isFileError } from "@bulkhead/contract";

/** Completes the address of another region's server with what was asked for, as it was sent. */
export const located = (
  error: unknown,
  request: IncomingMessage & { readonly originalUrl?: string },
): unknown => {
  if (!isFileError(error, "wrong-region") || error.fields.location === undefined) return error;
  // The router saw another one.
  const url = request.originalUrl ?? request.url ?? "/";
  // An absolute-form target names a host of its own, which is not the right one.
  const target = url.startsWith("/") ? url : "/";
  return new FileError(error.code, error.detail, {
    fields: { ...error.fields, location: `${error.fields.location}${target}` },
  });
};
