import { once } from "node:events";
import type { Writable } from "node:stream";

/** Writes a chunk and waits while the reader is behind. */
export const writeAll = async (
  stream: Writable,
  chunk: string | Uint8Array,
  signal?: AbortSignal,
): Promise<void> => {
  if (!stream.write(chunk)) await once(stream, "drain", signal === undefined ? {} : { signal });
};
