import type { Backend, BackendPath, Layer, OpContext, ReadResult } from "@bulkhead/contract";
import { guard, overrideBackend } from "@bulkhead/kit";
import { slots } from "./slots.ts";

export interface ConcurrencyOptions {
  /** Calls that the storage works on at once; 64 by default. */
  readonly calls?: number;
  /** Readings that are open at once, from their call until they are let go of or end; 1,024 by default. */
  readonly readings?: number;
}

/** Gives back once the content has ended or was let go of. */
const holding = (
  result: ReadResult,
  content: AsyncIterable<Uint8Array>,
  give: () => void,
): ReadResult => {
  async function* until(): AsyncGenerator<Uint8Array> {
    try {
      yield* content;
    } finally {
      give();
    }
  }
  return {
    stat: result.stat,
    ...(result.range && { range: result.range }),
    content: until(),
    [Symbol.asyncDispose]: async () => {
      try {
        await result[Symbol.asyncDispose]();
      } finally {
        give();
      }
    },
  };
};

/**
 * Bounds what one storage is asked at once; what is too much waits in turn, until its signal fires. Open readings have
 * places of their own, taken before that of the call: who reads and writes the same storage at once holds a reading
 * while it waits for a call, and never the other way round, so they cannot all wait for each other.
 */
export const concurrency = (options: ConcurrencyOptions = {}): Layer<Backend> => {
  const { calls = 64, readings = 1024 } = options;
  return (inner) => {
    const working = slots(calls);
    const open = slots(readings);
    const bounded = async <R>(ctx: OpContext, next: () => Promise<R>): Promise<R> => {
      const give = await working.take(ctx.signal);
      try {
        return await next();
      } finally {
        give();
      }
    };
    const layer = guard<BackendPath, OpContext>((ctx, _call, next) =>
      bounded(ctx, () => next(ctx)),
    );
    return overrideBackend(inner, {
      ...layer(inner),
      read: async (ctx, path, read) => {
        const give = await open.take(ctx.signal);
        try {
          const result = await bounded(ctx, () => inner.read(ctx, path, read));
          if (!(result.content instanceof Uint8Array)) return holding(result, result.content, give);
          give();
          return result;
        } catch (error) {
          give();
          throw error;
        }
      },
    });
  };
};
