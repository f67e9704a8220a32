import type { ServerResponse } from "node:http";
import { FileError } from "@bulkhead/contract";
import { littleBytes, type Sending } from "./flow.ts";
import { orAborted } from "./or-aborted.ts";
import { bytesPassed } from "./scavenge.ts";

/** Resolves when `begin` calls back; rejects if that takes `stallMs`, and when `signal` aborts. */
const taken = (
  begin: (done: () => void) => void,
  stallMs: number,
  signal: AbortSignal,
): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => reject(new FileError("aborted", "The reader takes nothing.")),
    stallMs,
  );
  begin(resolve);
  return orAborted(promise, signal).finally(() => clearTimeout(timer));
};

/** A stream, and who is told how much of it is sent. */
interface Pumped {
  readonly content: AsyncIterable<Uint8Array>;
  readonly sent?: ((bytes: number) => void) | undefined;
  readonly sending: Sending;
}

/**
 * Writes a stream of exactly `length` bytes, no faster than it is taken. Rejects if the source fails, ends early or goes
 * on too long, if the reader takes nothing for `stallMs`, and when `signal` aborts; the source is ended in every case.
 */
export const pump = async (
  { content, sent: tell, sending }: Pumped,
  response: ServerResponse,
  length: number,
  stallMs: number,
  signal: AbortSignal,
): Promise<void> => {
  const iterator = content[Symbol.asyncIterator]();
  /** Where what a slow reader is waited for is copied to: the same for all of it, so that no garbage grows old. */
  let little: Buffer | undefined;

  const pass = async (bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length;) {
      const most = sending.most(bytes.length - at);
      const since = performance.now();
      let count = bytes.length - at;
      let piece = at === 0 ? bytes : bytes.subarray(at);
      if (most <= littleBytes) {
        count = Math.min(most, count);
        piece = bytes.subarray(at, at + count);
        if (bytes.buffer.byteLength > littleBytes) {
          little ??= Buffer.allocUnsafeSlow(littleBytes);
          little.set(piece);
          piece = little.subarray(0, count);
        }
      }
      // Until it is written: the source may fill its buffer again then.
      await taken((done) => response.write(piece, () => done()), stallMs, signal);
      at += count;
      sending.sent(count, performance.now() - since);
    }
    bytesPassed(bytes.length);
  };

  let sent = 0;
  let ended = false;
  try {
    for (;;) {
      const step = await orAborted(iterator.next(), signal);
      if (step.done === true) break;
      sent += step.value.length;
      if (sent > length) throw new FileError("internal", "A content is longer than its stat says.");
      if (step.value.length === 0) continue;
      tell?.(step.value.length);
      await pass(step.value);
    }
    ended = true;
    if (sent < length) throw new FileError("internal", "A content is shorter than its stat says.");
  } finally {
    // Not awaited: a source that hangs would hold this request for ever.
    if (!ended) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
};
