import { type Body, FileError } from "@bulkhead/contract";
import { Foreign } from "./answering.ts";
import { answerFor } from "./fault.ts";

/** A body that is being pulled. */
export interface Pull {
  /** The next chunk that holds something; undefined once the body has ended and was as long as it said. */
  readonly next: () => Promise<Uint8Array | undefined>;
  /** Lets the body go. */
  readonly end: () => void;
}

/** Throws `aborted` once the signal is. */
export const checkAborted = (signal: AbortSignal): void => {
  if (signal.aborted) throw answerFor(signal.reason, signal);
};

const wrongSize = (size: number): FileError =>
  new FileError("invalid-request", `The content is not ${size} bytes long, as was declared.`);

const opened = (body: Body): AsyncIterator<Uint8Array> => {
  try {
    return body.open()[Symbol.asyncIterator]();
  } catch (error) {
    throw new Foreign(error);
  }
};

/**
 * Begins to pull a body. Throws `aborted` as soon as the signal is, even if the body never answers, `invalid-request`
 * where it is not as long as it says, `too-large` past `limit`, and what the body throws.
 */
export const pull = (body: Body, signal: AbortSignal, limit: number | undefined): Pull => {
  const source = opened(body);
  let size = 0;
  let ended = false;

  /** One step, or the abort: with a listener of its own, since a promise kept for all steps would keep all of them. */
  const step = async (): Promise<IteratorResult<Uint8Array>> => {
    const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<Uint8Array>>();
    const onAbort = (): void => reject(answerFor(signal.reason, signal));
    signal.addEventListener("abort", onAbort, { once: true });
    source.next().then(resolve, (error: unknown) => reject(new Foreign(error)));
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  };

  return {
    next: async () => {
      for (;;) {
        checkAborted(signal);
        const { value, done } = await step();
        checkAborted(signal);
        if (done === true) {
          ended = true;
          if (body.size !== undefined && size !== body.size) throw wrongSize(body.size);
          return undefined;
        }
        size += value.length;
        if (body.size !== undefined && size > body.size) throw wrongSize(body.size);
        if (limit !== undefined && size > limit)
          throw new FileError("too-large", `A file of this storage has at most ${limit} bytes.`, {
            fields: { limit },
          });
        if (value.length > 0) return value;
      }
    },
    end: () => {
      if (ended) return;
      ended = true;
      // Not awaited: a sender that hangs would hold the refusal up.
      void Promise.resolve(source.return?.()).catch(() => undefined);
    },
  };
};

/** Pulls up to `size` bytes into memory of its own; `rest` is what of the last chunk did not fit any more. */
export const fill = async (
  source: Pull,
  size: number,
  first: Uint8Array | undefined,
): Promise<{
  readonly bytes: Uint8Array;
  readonly rest: Uint8Array | undefined;
  readonly ended: boolean;
}> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let chunk = first;
  for (;;) {
    chunk ??= await source.next();
    if (chunk === undefined) return { bytes: joined(chunks, length), rest: undefined, ended: true };
    const room = size - length;
    // A copy: the sender may fill the same buffer again.
    chunks.push(chunk.slice(0, room));
    length += Math.min(chunk.length, room);
    // What is left over is the sender's as well, and outlives the next step.
    if (chunk.length > room)
      return { bytes: joined(chunks, length), rest: chunk.slice(room), ended: false };
    chunk = undefined;
  }
};

const joined = (chunks: readonly Uint8Array[], length: number): Uint8Array => {
  const [only] = chunks;
  if (chunks.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
};
