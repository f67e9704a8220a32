import type { ByteRange, ReadResult } from "@bulkhead/contract";
import { resolveRange } from "@bulkhead/kit";
import { checkSignal } from "./gather.ts";
import type { FileNode } from "./node.ts";

/** Content up to this many bytes is answered as one buffer, longer content in chunks of as many. */
const chunkBytes = 256 * 1024;

async function* chunks(bytes: Uint8Array, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    checkSignal(signal);
    yield bytes.slice(at, at + chunkBytes);
  }
}

/** Answers a file or a part of it, always as copies: whoever reads owns what it gets. Throws `range-not-satisfiable`. */
export const served = (
  file: FileNode,
  range: ByteRange | undefined,
  signal: AbortSignal,
): ReadResult => {
  const resolved = range === undefined ? undefined : resolveRange(range, file.bytes.length);
  const part =
    resolved === undefined ? file.bytes : file.bytes.subarray(resolved.start, resolved.end + 1);
  return {
    stat: file.stat,
    ...(resolved && { range: resolved }),
    content: part.length <= chunkBytes ? part.slice() : chunks(part, signal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
};
