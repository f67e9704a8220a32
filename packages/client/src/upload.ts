import { encodeMetadata, quoteEtag } from "@bulkhead/wire";
import type { Payload } from "./data.ts";
import type { WriteFileOptions } from "./options.ts";
import { checking } from "./problem-error.ts";

/** Writes an ETag as a header has it; one that is quoted already, and `*`, stay as they are. */
export const etagHeader = (etag: string | undefined): string | undefined =>
  etag === undefined || etag === "*" || (etag.length > 1 && etag.startsWith('"'))
    ? etag
    : checking(() => quoteEtag(etag));

/** What is said of a body's length where `fetch` does not find it out by itself. */
export const lengthHeaders = (
  payload: Payload,
  size: number | undefined,
): Record<string, string | undefined> => ({
  "Content-Length": payload.streamed && size !== undefined ? String(size) : undefined,
});

/** The headers of a write: conditions, type and metadata. */
export const writeHeaders = (options: WriteFileOptions): Record<string, string | undefined> => ({
  "If-Match": etagHeader(options.ifMatch),
  "If-None-Match": options.flag === "wx" ? "*" : options.ifNoneMatch,
  ...(options.contentType !== undefined && { "Content-Type": options.contentType }),
  ...Object.fromEntries(checking(() => encodeMetadata(options.metadata ?? {}))),
});
