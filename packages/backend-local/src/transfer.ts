import { type Body, FileError } from "@bulkhead/contract";
import type { FileHandlePort } from "./port.ts";

/** Bytes that are read or written at once. */
export const transferBytes: number = 256 * 1024;

const aborted = (): FileError =>
  new FileError("aborted", "The request was given up; nothing changed.");

/** Throws `aborted` if the request has been given up. */
export const checkAborted = (signal: AbortSignal): void => {
  if (signal.aborted) throw aborted();
};

/** Reads `length` bytes from `start`. Throws `unavailable` if the file has fewer: it was cut off beneath. */
export const readExactly = async (
  handle: FileHandlePort,
  start: number,
  length: number,
): Promise<Uint8Array> => {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const read = await handle.read(bytes.subarray(at), start + at);
    if (read === 0)
      throw new FileError(
        "unavailable",
        "The file became shorter while it was read; another program changed it.",
      );
    at += read;
  }
  return bytes;
};

/** Writes all of `bytes`, however little the system takes at once. */
export const writeAll = async (handle: FileHandlePort, bytes: Uint8Array): Promise<void> => {
  for (let at = 0; at < bytes.length;) at += await handle.write(bytes.subarray(at));
};

/** The next chunk, or `aborted` as soon as `signal` fires: a sender that stalls is not waited for. */
const next = (
  chunks: AsyncIterator<Uint8Array>,
  signal: AbortSignal,
): Promise<IteratorResult<Uint8Array, unknown>> =>
  new Promise((resolve, reject) => {
    const abort = (): void => reject(aborted());
    signal.addEventListener("abort", abort, { once: true });
    chunks
      .next()
      .then(resolve, (error: unknown) => reject(signal.aborted ? aborted() : error))
      .finally(() => signal.removeEventListener("abort", abort));
  });

/**
 * Pulls a body into a file, at most one buffer of it in memory. Answers the bytes written. Throws `invalid-request` if
 * they are not as many as declared, `aborted` if given up, and the body's own error as it is.
 */
export const pullInto = async (
  handle: FileHandlePort,
  body: Body,
  signal: AbortSignal,
): Promise<number> => {
  const wrong = (): FileError =>
    new FileError(
      "invalid-request",
      `The body does not have the ${body.size} bytes it declared; nothing was stored.`,
    );
  const buffer = new Uint8Array(Math.min(body.size ?? transferBytes, transferBytes));
  let filled = 0;
  let total = 0;
  const flush = async (): Promise<void> => {
    await writeAll(handle, buffer.subarray(0, filled));
    filled = 0;
  };
  const chunks = body.open()[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      checkAborted(signal);
      const step = await next(chunks, signal).catch((error: unknown) => {
        ended = !signal.aborted;
        throw error;
      });
      if (step.done === true) {
        ended = true;
        break;
      }
      const chunk = step.value;
      total += chunk.length;
      if (body.size !== undefined && total > body.size) throw wrong();
      // Copied, because a sender may use its buffer again.
      if (filled + chunk.length > buffer.length) await flush();
      if (chunk.length >= buffer.length) await writeAll(handle, chunk);
      else {
        buffer.set(chunk, filled);
        filled += chunk.length;
      }
    }
  } finally {
    // Not awaited: a generator that hangs in its own `next` would never answer.
    if (!ended) void Promise.resolve(chunks.return?.()).catch(() => undefined);
  }
  await flush();
  if (body.size !== undefined && total !== body.size) throw wrong();
  return total;
};
