import { checkSignal } from "@bulkhead/kit";

/** Places that are taken and given back, first come first served. */
export interface Slots {
  /** Waits for a place and answers how to give it back, which counts once. Throws `aborted` if `signal` fires first. */
  readonly take: (signal: AbortSignal) => Promise<() => void>;
  readonly taken: () => number;
  readonly waiting: () => number;
}

/** Makes `limit` places. Throws `RangeError` unless it is a positive integer. */
export const slots = (limit: number): Slots => {
  if (!Number.isInteger(limit) || limit < 1)
    throw new RangeError("A limit of slots is a positive integer.");
  const queue = new Set<() => void>();
  let taken = 0;

  const release = (): (() => void) => {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const [next] = queue;
      if (next === undefined) taken -= 1;
      // The place is handed on, never free in between: nobody overtakes the queue.
      else {
        queue.delete(next);
        next();
      }
    };
  };

  return {
    taken: () => taken,
    waiting: () => queue.size,
    take: async (signal) => {
      checkSignal(signal);
      if (taken < limit) {
        taken += 1;
        return release();
      }
      const turn = Promise.withResolvers<"turn" | "aborted">();
      const wake = (): void => turn.resolve("turn");
      const leave = (): void => {
        // Already woken: the place is this one's, and is given back below.
        if (queue.delete(wake)) turn.resolve("aborted");
      };
      queue.add(wake);
      signal.addEventListener("abort", leave, { once: true });
      try {
        if ((await turn.promise) === "turn") {
          const give = release();
          if (signal.aborted) give();
          checkSignal(signal);
          return give;
        }
        checkSignal(signal);
        throw new Error("A queue is left for an abort alone.");
      } finally {
        signal.removeEventListener("abort", leave);
      }
    },
  };
};
