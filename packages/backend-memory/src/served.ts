import { type ByteRange, FileError, type ReadResult } from "@bulkhead/contract";
import { resolveRange } from "@bulkhead/kit";
import { checkSignal } from "./gather.ts";
import type { FileNode } from "./node.ts";

/** Content up to this many bytes is answered as one buffer, longer content in chunks of as many. */
const chunkBytes = 256 * 1024;

async function* chunks(
  bytes: Uint8Array,
  signal: AbortSignal,
  over: () => boolean,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    checkSignal(signal);
    if (over())
      throw new FileError("aborted", "The content was let go of before it was read to its end.");
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
  let over = false;
  return {
    stat: file.stat,
    ...(resolved && { range: resolved }),
    content: part.length <= chunkBytes ? part.slice() : chunks(part, signal, () => over),
    [Symbol.asyncDispose]: async () => {
      over = true;
    },
  };
};
