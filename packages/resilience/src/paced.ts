import type { Body, ReadResult } from "@bulkhead/contract";
import { bodyLate, storageLate, type Watchdog } from "./watchdog.ts";

/** How long to wait, in milliseconds: between two chunks, and for an answer. */
export interface Pace {
  readonly progressMs: number;
  readonly answerMs: number;
}

/** While the sender is awaited its own clock runs; while the storage works on a chunk, the storage's. */
export const pacedBody = (body: Body, watch: Watchdog, { progressMs, answerMs }: Pace): Body => {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    watch.arm(progressMs, bodyLate);
    for await (const chunk of body.open()) {
      watch.arm(progressMs, storageLate);
      yield chunk;
      watch.arm(progressMs, bodyLate);
    }
    watch.arm(answerMs, storageLate);
  }
  const open = (): AsyncGenerator<Uint8Array> => {
    const source = chunks();
    // A storage that hangs would never let its sender go.
    watch.expired.catch(() => source.return(undefined)).catch(() => undefined);
    return source;
  };
  return { size: body.size, replayable: body.replayable, open };
};

/** A reading each of whose chunks has its own time; `end` is called once it has ended or was let go of. */
export const pacedRead = (
  result: ReadResult,
  content: AsyncIterable<Uint8Array>,
  watch: Watchdog,
  end: () => void,
  { progressMs, answerMs }: Pace,
): ReadResult => {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const source = content[Symbol.asyncIterator]();
    let ended = false;
    try {
      for (;;) {
        const step = await watch.within(() => source.next(), progressMs, storageLate);
        if (step.done === true) {
          ended = true;
          return;
        }
        yield step.value;
      }
    } finally {
      // One that hangs would hold this up too.
      if (!ended) void source.return?.().then(undefined, () => undefined);
      end();
    }
  }
  return {
    stat: result.stat,
    ...(result.range && { range: result.range }),
    content: chunks(),
    [Symbol.asyncDispose]: async () => {
      const letGo = Promise.resolve(result[Symbol.asyncDispose]());
      try {
        // What has been given up on is not waited for, and has been told already.
        if (watch.fired() === undefined) await watch.within(() => letGo, answerMs, storageLate);
        else letGo.catch(() => undefined);
      } finally {
        end();
      }
    },
  };
};
