import type { Backend, Layer, OpContext, ReadResult } from "@bulkhead/contract";
import { overrideBackend } from "@bulkhead/kit";
import { beginAttempt } from "./attempt.ts";
import { type Pace, pacedBody, pacedRead } from "./paced.ts";
import { storageLate, type Watchdog, watchdog } from "./watchdog.ts";

export interface TimeoutOptions {
  /** Until the first byte of an answer, or after the last byte of a body; 30,000 by default. */
  readonly answerMs?: number;
  /** Between two chunks of a body or of a reading; 30,000 by default. */
  readonly progressMs?: number;
  /** Until the answer to `copy`, `move` and `remove`, which show nothing of a long way before it; 600,000 by default. */
  readonly silentMs?: number;
}

interface Watched {
  readonly ctx: OpContext;
  readonly watch: Watchdog;
  readonly end: () => void;
}

/**
 * Answers `timeout` when a storage does not begin or does not go on; never because the whole takes long. The wait for a
 * reader, for the commit, or for a body's sender (bounded by itself, and not the storage's failure) does not count. What
 * is given up on is cancelled through the one combined signal a request has, its commit refused if it asks for it later,
 * and an answer that still comes is disposed of.
 */
export const timeout = (options: TimeoutOptions = {}): Layer<Backend> => {
  const { answerMs = 30_000, progressMs = 30_000, silentMs = 600_000 } = options;
  const pace: Pace = { progressMs, answerMs };

  const begin = (ctx: OpContext, ms: number): Watched => {
    const controller = new AbortController();
    const one = beginAttempt(ctx);
    const watch = watchdog((error) => {
      one.giveUp();
      controller.abort(error);
    });
    const follow = (): void => controller.abort(ctx.signal.reason);
    if (ctx.signal.aborted) follow();
    else ctx.signal.addEventListener("abort", follow, { once: true });
    return {
      watch,
      end: () => {
        watch.stop();
        ctx.signal.removeEventListener("abort", follow);
      },
      ctx: {
        ...one.ctx,
        signal: controller.signal,
        commit: async (staged) => {
          watch.disarm();
          try {
            await one.ctx.commit(staged);
          } finally {
            watch.arm(ms, storageLate);
          }
        },
      },
    };
  };

  const run = async <R>(
    ctx: OpContext,
    ms: number,
    work: (ctx: OpContext, watch: Watchdog) => Promise<R>,
  ): Promise<R> => {
    const { ctx: own, watch, end } = begin(ctx, ms);
    try {
      return await watch.within(() => work(own, watch), ms, storageLate);
    } finally {
      end();
    }
  };

  const read = async (
    ctx: OpContext,
    call: (ctx: OpContext) => Promise<ReadResult>,
  ): Promise<ReadResult> => {
    const watched = begin(ctx, answerMs);
    let answer: Promise<ReadResult> | undefined;
    try {
      const result = await watched.watch.within(
        () => (answer = call(watched.ctx)),
        answerMs,
        storageLate,
      );
      if (!(result.content instanceof Uint8Array))
        return pacedRead(result, result.content, watched.watch, watched.end, pace);
      watched.end();
      return result;
    } catch (error) {
      watched.end();
      if (watched.watch.fired() !== undefined)
        void answer?.then((late) => late[Symbol.asyncDispose]()).catch(() => undefined);
      throw error;
    }
  };

  return (inner) =>
    overrideBackend(inner, {
      probe: (ctx) => run(ctx, answerMs, (c) => inner.probe(c)),
      stat: (ctx, path) => run(ctx, answerMs, (c) => inner.stat(c, path)),
      read: (ctx, path, options) => read(ctx, (c) => inner.read(c, path, options)),
      list: (ctx, path, options) => run(ctx, answerMs, (c) => inner.list(c, path, options)),
      write: (ctx, path, body, options) =>
        run(ctx, answerMs, (c, watch) =>
          inner.write(c, path, pacedBody(body, watch, pace), options),
        ),
      mkdir: (ctx, path) => run(ctx, answerMs, (c) => inner.mkdir(c, path)),
      remove: (ctx, path, options) => run(ctx, silentMs, (c) => inner.remove(c, path, options)),
      copy: (ctx, from, to, options) => run(ctx, silentMs, (c) => inner.copy(c, from, to, options)),
      move: (ctx, from, to, options) => run(ctx, silentMs, (c) => inner.move(c, from, to, options)),
    });
};
