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

/** Uninitialised: all of it is read into, or nobody sees it. */
export const newBuffer = (length: number): Uint8Array =>
  new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);

/** Reads `length` bytes from `start`, into a buffer that is given or a new one. Throws `unavailable` if the file has fewer: it was cut off beneath. */
export const readExactly = async (
  handle: FileHandlePort,
  start: number,
  length: number,
  into: Uint8Array = newBuffer(length),
): Promise<Uint8Array> => {
  const bytes = into.subarray(0, length);
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

/** So much is written at once at most, while the next is pulled into a second buffer. */
const bufferBytes = 256 * 1024;
/** After so many bytes the disk is asked to begin. */
const beginBytes = 16 * 1024 * 1024;

/** Work of which at most one is under way, and whose failure is told to whoever waits for it, however late. */
const oneAtATime = (): {
  readonly idle: () => boolean;
  readonly begin: (work: () => Promise<void>) => void;
  readonly end: () => Promise<void>;
} => {
  let running: Promise<void> | undefined;
  let failed: { readonly error: unknown } | undefined;
  return {
    idle: () => running === undefined,
    begin: (work) => {
      running = work().then(
        () => void (running = undefined),
        (error: unknown) => {
          running = undefined;
          failed ??= { error };
        },
      );
    },
    end: async () => {
      await running;
      if (failed !== undefined) throw failed.error;
    },
  };
};

/**
 * Pulls a body into a file, at most two buffers of it in memory: one is filled while the other is written. `sync`, where
 * bytes have to outlive power loss, is called now and then while they come, so that the last one has little left to do;
 * it has to be called once more afterwards. Answers the bytes written. Throws `invalid-request` if they are not as many
 * as declared, `aborted` if given up, and the body's own error as it is; nothing is under way by then.
 */
export const pullInto = async (
  handle: FileHandlePort,
  body: Body,
  signal: AbortSignal,
  sync?: () => Promise<void>,
): Promise<number> => {
  const wrong = (): FileError =>
    new FileError(
      "invalid-request",
      `The body does not have the ${body.size} bytes it declared; nothing was stored.`,
    );
  const length = Math.min(body.size ?? transferBytes, bufferBytes);
  const free: Uint8Array[] = [];
  let buffer: Uint8Array | undefined;
  let filled = 0;
  let total = 0;
  let begun = 0;
  const writing = oneAtATime();
  const syncing = oneAtATime();
  const flush = async (full: Uint8Array): Promise<void> => {
    await writing.end();
    const bytes = full.subarray(0, filled);
    buffer = undefined;
    filled = 0;
    // What is written already is on its way to the disk while more comes.
    if (sync !== undefined && total - begun >= beginBytes && syncing.idle()) {
      begun = total;
      syncing.begin(sync);
    }
    writing.begin(async () => {
      await writeAll(handle, bytes);
      free.push(full);
    });
  };
  /** Copied, because a sender may use its buffer again. */
  const take = async (chunk: Uint8Array): Promise<void> => {
    for (let at = 0; at < chunk.length;) {
      if (buffer !== undefined && filled === length) await flush(buffer);
      buffer ??= free.pop() ?? new Uint8Array(length);
      const part = chunk.subarray(at, at + length - filled);
      buffer.set(part, filled);
      filled += part.length;
      at += part.length;
    }
  };
  const settled = (): readonly Promise<void>[] => [writing.end(), syncing.end()];
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
      total += step.value.length;
      if (body.size !== undefined && total > body.size) throw wrong();
      await take(step.value);
    }
    if (body.size !== undefined && total !== body.size) throw wrong();
    if (buffer !== undefined) await flush(buffer);
    await Promise.all(settled());
  } finally {
    // Not awaited: a generator that hangs in its own `next` would never answer.
    if (!ended) void Promise.resolve(chunks.return?.()).catch(() => undefined);
    // A file is not closed, and its buffer not let go of, under a call that uses it.
    await Promise.allSettled(settled());
  }
  return total;
};
