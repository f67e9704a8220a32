import type { ServerResponse } from "node:http";
import { FileError } from "@bulkhead/contract";
import { orAborted } from "./or-aborted.ts";

const drained = (response: ServerResponse, stallMs: number, signal: AbortSignal): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => reject(new FileError("aborted", "The reader takes nothing.")),
    stallMs,
  );
  response.once("drain", resolve);
  return orAborted(promise, signal).finally(() => {
    clearTimeout(timer);
    response.off("drain", resolve);
  });
};

/** A stream, and who is told how much of it is sent. */
interface Pumped {
  readonly content: AsyncIterable<Uint8Array>;
  readonly sent?: ((bytes: number) => void) | undefined;
}

/**
 * Writes a stream of exactly `length` bytes, no faster than it is taken. Rejects if the source fails, ends early or goes
 * on too long, if the reader takes nothing for `stallMs`, and when `signal` aborts; the source is ended in every case.
 */
export const pump = async (
  { content, sent: tell }: Pumped,
  response: ServerResponse,
  length: number,
  stallMs: number,
  signal: AbortSignal,
): Promise<void> => {
  const iterator = content[Symbol.asyncIterator]();
  let sent = 0;
  let ended = false;
  try {
    for (;;) {
      const step = await orAborted(iterator.next(), signal);
      if (step.done === true) break;
      sent += step.value.length;
      if (sent > length) throw new FileError("internal", "A content is longer than its stat says.");
      if (step.value.length > 0) tell?.(step.value.length);
      if (step.value.length > 0 && !response.write(step.value))
        await drained(response, stallMs, signal);
    }
    ended = true;
    if (sent < length) throw new FileError("internal", "A content is shorter than its stat says.");
  } finally {
    // Not awaited: a source that hangs would hold this request for ever.
    if (!ended) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
};
