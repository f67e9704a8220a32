import { type BackendPath, nameOf, type OpContext, type WriteOptions } from "@bulkhead/contract";
import { contentTypeOf } from "@bulkhead/kit";
import { encodeMetadata } from "./metadata.ts";
import type { Store } from "./store.ts";

/** One body on its way to one key. */
export interface Upload {
  readonly ctx: OpContext;
  readonly path: BackendPath;
  readonly options: WriteOptions;
  /** The id that the object is told from others by. */
  readonly write: string;
}

/** Which object, and what is stored with its content. */
export interface ObjectHeaders {
  readonly Bucket: string;
  readonly Key: string;
  readonly ContentType: string;
  readonly Metadata: Record<string, string>;
}

/** What is stored with an upload's content. */
export const headersOf = (
  store: Store,
  { path, options, write }: Pick<Upload, "path" | "options" | "write">,
): ObjectHeaders => ({
  Bucket: store.bucket,
  Key: store.keys.of(path),
  ContentType: options.contentType ?? contentTypeOf(nameOf(path)),
  Metadata: encodeMetadata(options.metadata, write),
});
