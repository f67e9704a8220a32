import {
  type Backend,
  type BackendPath,
  type Body,
  FileError,
  isFileError,
  type Layer,
  type OpContext,
  type Operation,
  type Recovery,
} from "@bulkhead/contract";
import { checkSignal, natures, overrideBackend } from "@bulkhead/kit";
import pRetry from "p-retry";
import { type Attempt, beginAttempt } from "./attempt.ts";
import { exactLength } from "./exact-length.ts";

export interface RetryOptions {
  /** After the first attempt; 3 by default. */
  readonly retries?: number;
  /** Before the first repetition, doubled before each other, up to twice as long by chance; 50 by default. */
  readonly minDelayMs?: number;
  /** 1,000 by default. */
  readonly maxDelayMs?: number;
  /**
   * The storage's own answer whether a committed effect stands. Without one, a mutation that failed after its commit was
   * asked is not repeated.
   */
  readonly recovery?: Recovery;
}

type Outcome<R> = { readonly value: R } | { readonly error: unknown; readonly again: boolean };

/** Wakes the loop for one more attempt; never leaves this file. */
class Again extends Error {}

const exhausted = (error: unknown): unknown =>
  isFileError(error)
    ? new FileError(error.code, error.detail, {
        retry: "exhausted",
        fields: error.fields,
        cause: error,
      })
    : error;

/**
 * Repeats what failed and may be repeated: the error says `safe` and is the storage's own, and either the operation is
 * declared idempotent, or its commit was never asked and its body can be sent again. Before the commit nothing is
 * visible, so such a repetition meets no trace of itself, whatever its condition. After it nothing is guessed: a
 * repetition would find its own effect and call it somebody else's (`precondition-failed`, `already-exists`), or count
 * it twice. Then `recovery` decides, and where there is none, or it says that the effect stands, the answer is the
 * failure as it came, and whoever repeats looks first. Short readings and torn writes fail here too: `exactLength`.
 * What was repeated in vain answers `exhausted`.
 */
export const retry = (options: RetryOptions = {}): Layer<Backend> => {
  const { retries = 3, minDelayMs = 50, maxDelayMs = 1000, recovery } = options;

  const mayRepeat = async (
    ctx: OpContext,
    operation: Operation,
    paths: readonly BackendPath[],
    one: Attempt,
    replayable: boolean,
    error: unknown,
  ): Promise<boolean> => {
    if (!isFileError(error) || error.retry !== "safe" || error.code === "aborted") return false;
    if (one.isForeign(error) || ctx.signal.aborted) return false;
    if (natures[operation].idempotent) return true;
    if (one.opened() && !replayable) return false;
    const staged = one.committed();
    if (staged === undefined) return true;
    // After a timeout the attempt may still be running, and its effect still come.
    if (recovery === undefined || error.code === "timeout") return false;
    const interrupted = { operation, paths, staged: staged.id };
    // A recovery that fails decides nothing; the failure it was asked about is the better answer.
    return (await recovery.recover(ctx, interrupted).catch(() => "unknown")) === "undone";
  };

  const run = async <R>(
    ctx: OpContext,
    operation: Operation,
    paths: readonly BackendPath[],
    replayable: boolean,
    work: (one: Attempt) => Promise<R>,
  ): Promise<R> => {
    const attempt = async (): Promise<Outcome<R>> => {
      const one = beginAttempt(ctx);
      try {
        return { value: await work(one) };
      } catch (error) {
        one.giveUp();
        return { error, again: await mayRepeat(ctx, operation, paths, one, replayable, error) };
      }
    };
    let outcome = await attempt();
    if ("error" in outcome && outcome.again && retries > 0) {
      const repeat = async (count: number): Promise<void> => {
        // The first attempt was made outside: its failure only starts the clock.
        if (count > 1) outcome = await attempt();
        if ("error" in outcome && outcome.again) throw new Again();
      };
      // Its rejection says nothing that `outcome` does not, and an abort must not hide a success.
      await pRetry(repeat, {
        retries,
        minTimeout: minDelayMs,
        maxTimeout: maxDelayMs,
        randomize: true,
        signal: ctx.signal,
      }).catch(() => undefined);
    }
    if ("value" in outcome) return outcome.value;
    if (!outcome.again) throw outcome.error;
    checkSignal(ctx.signal);
    throw exhausted(outcome.error);
  };

  return (plain) => {
    const inner = exactLength(plain);
    return overrideBackend(inner, {
      stat: (ctx, path) => run(ctx, "stat", [path], true, (one) => inner.stat(one.ctx, path)),
      read: (ctx, path, read) =>
        run(ctx, "read", [path], true, (one) => inner.read(one.ctx, path, read)),
      list: (ctx, path, list) =>
        run(ctx, "list", [path], true, (one) => inner.list(one.ctx, path, list)),
      write: (ctx, path, body: Body, write) =>
        run(ctx, "write", [path], body.replayable, (one) =>
          inner.write(one.ctx, path, one.watch(body), write),
        ),
      mkdir: (ctx, path) => run(ctx, "mkdir", [path], true, (one) => inner.mkdir(one.ctx, path)),
      remove: (ctx, path, remove) =>
        run(ctx, "remove", [path], true, (one) => inner.remove(one.ctx, path, remove)),
      copy: (ctx, from, to, copy) =>
        run(ctx, "copy", [from, to], true, (one) => inner.copy(one.ctx, from, to, copy)),
      move: (ctx, from, to, move) =>
        run(ctx, "move", [from, to], true, (one) => inner.move(one.ctx, from, to, move)),
    });
  };
};
