import { type Backend, FileError, nameOf, type ReadResult } from "@bulkhead/contract";
import { resolveRange } from "@bulkhead/kit";
import type { FileHandlePort } from "./port.ts";
import { notFound, served } from "./source.ts";
import { statOf } from "./stat.ts";
import { checkMatch, isDirectory } from "./target.ts";
import { answerFor } from "./disk-fault.ts";
import { checkAborted, readExactly, transferBytes } from "./transfer.ts";
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
      return { ...about, ...streamed(handle, close, start, length, ctx.signal) };
    } catch (error) {
      await close().catch(() => undefined);
      throw error;
    }
  };

const streamed = (
  handle: FileHandlePort,
  close: () => Promise<void>,
  start: number,
  length: number,
  signal: AbortSignal,
): Pick<ReadResult, "content" | typeof Symbol.asyncDispose> => {
  let over = false;
  const finish = (): Promise<void> => {
    over = true;
    return close();
  };
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0; at < length; at += transferBytes) {
        checkAborted(signal);
        if (over)
          throw new FileError(
            "aborted",
            "The content was let go of before it was read to its end.",
          );
        yield await readExactly(handle, start + at, Math.min(transferBytes, length - at));
      }
    } catch (error) {
      throw answerFor(error);
    } finally {
      await finish();
    }
  }
  return { content: { [Symbol.asyncIterator]: chunks }, [Symbol.asyncDispose]: finish };
};
