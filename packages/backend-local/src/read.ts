import {
  type Backend,
  FileError,
  nameOf,
  type ReadOptions,
  type ReadResult,
} from "@bulkhead/contract";
import { resolveRange } from "@bulkhead/kit";
import type { FileHandlePort } from "./port.ts";
import { notFound, served } from "./source.ts";
import { statOf } from "./stat.ts";
import { checkMatch, isDirectory } from "./target.ts";
import { answerFor } from "./disk-fault.ts";
import { checkAborted, newBuffer, readExactly, transferBytes } from "./transfer.ts";
import type { Volume } from "./volume.ts";

/** Content up to this many bytes is answered as one buffer. */
const bufferedBytes = 64 * 1024;

/** Closes once, however often it is asked. */
const closing = (handle: FileHandlePort): (() => Promise<void>) => {
  let closed: Promise<void> | undefined;
  return () => (closed ??= handle.close());
};

/** `Backend.read`: stat and content are of one open file, which a later write replaces but never changes. */
export const read =
  (volume: Volume): Backend["read"] =>
  async (ctx, path, options = {}) => {
    checkAborted(ctx.signal);
    const found = served(await volume.place.find(path));
    if (found.state === "directory") throw isDirectory();
    const handle = await volume.fs.open(found.disk, "read");
    const close = closing(handle);
    try {
      const stat = await handle.stat();
      if (stat.kind === "directory") throw isDirectory();
      if (stat.kind === "other") throw notFound();
      checkMatch(options.ifMatch, stat);
      const range = options.range && resolveRange(options.range, stat.size);
      const start = range?.start ?? 0;
      const length = range === undefined ? stat.size : range.end - range.start + 1;
      const about = { stat: statOf(nameOf(path), stat), ...(range && { range }) };
      if (length <= bufferedBytes) {
        const content = await readExactly(handle, start, length);
        await close();
        return { ...about, content, [Symbol.asyncDispose]: async () => {} };
      }
      return {
        ...about,
        ...streamed(
          handle,
          close,
          { start, length, piece: options.piece, reuse: options.reuse },
          ctx.signal,
        ),
      };
    } catch (error) {
      await close().catch(() => undefined);
      throw error;
    }
  };

interface Part {
  readonly start: number;
  readonly length: number;
  readonly piece: ReadOptions["piece"] | undefined;
  readonly reuse: ReadOptions["reuse"] | undefined;
}

const streamed = (
  handle: FileHandlePort,
  close: () => Promise<void>,
  { start, length, piece, reuse }: Part,
  signal: AbortSignal,
): Pick<ReadResult, "content" | typeof Symbol.asyncDispose> => {
  let over = false;
  let buffer: Uint8Array | undefined;
  /** The buffer of the piece before, unless it is too short, or far longer than what is asked for. */
  const bufferFor = (bytes: number): Uint8Array => {
    const fits = buffer !== undefined && buffer.length >= bytes && buffer.length <= 4 * bytes;
    if (buffer === undefined || !fits || reuse?.() !== true) buffer = newBuffer(bytes);
    return buffer;
  };
  const finish = (): Promise<void> => {
    over = true;
    return close();
  };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0; at < length;) {
        checkAborted(signal);
        if (over)
          throw new FileError(
            "aborted",
            "The content was let go of before it was read to its end.",
          );
        const next = Math.max(1, Math.min(transferBytes, piece?.() ?? transferBytes, length - at));
        at += next;
        yield await readExactly(handle, start + at - next, next, bufferFor(next));
      }
    } catch (error) {
      throw answerFor(error);
    } finally {
      await finish();
    }
  }
  return { content: { [Symbol.asyncIterator]: chunks }, [Symbol.asyncDispose]: finish };
};
