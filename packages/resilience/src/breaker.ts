import {
  type Backend,
  FileError,
  isFileError,
  type Layer,
  type OpContext,
  type ReadResult,
} from "@bulkhead/contract";
import { overrideBackend, plainContext } from "@bulkhead/kit";
import { type Attempt, beginAttempt } from "./attempt.ts";

export interface BreakerOptions {
  /** Failures in a row that open it; 5 by default. */
  readonly failures?: number;
  /** How long it stays open before the storage is asked again; 5,000 by default. */
  readonly openMs?: number;
  /** Milliseconds, never going back; the process's monotonic clock by default. */
  readonly clock?: () => number;
}

/**
 * Whether an error says that the storage itself does not work. A body that stopped coming (`never`) says nothing of it,
 * nor does a storage that answers at once that trying again will not do (`exhausted`, and not by trying): a full disk
 * can be read.
 */
const isDown = (error: unknown): boolean => {
  if (!isFileError(error) || (error.code !== "unavailable" && error.code !== "timeout"))
    return false;
  return error.retry === "exhausted" ? isFileError(error.cause) : error.retry === "safe";
};

/**
 * Spares a storage that does not work, and its callers the wait. After so many failures of the storage's own in a row,
 * `unavailable` and `timeout`, every call is refused with `unavailable` and `retryAfter`; after `openMs` one call asks
 * `probe`, while the others are still refused, and its answer closes the breaker or keeps it open as long again. What the
 * body threw, a refused commit and an abort are not counted, on either side.
 */
export const breaker = (options: BreakerOptions = {}): Layer<Backend> => {
  const { failures = 5, openMs = 5000, clock = () => performance.now() } = options;
  return (inner) => {
    let inRow = 0;
    let openUntil: number | undefined;
    let probing = false;

    const failed = (): void => {
      inRow += 1;
      // A call begun before says nothing new: it does not keep an open breaker open longer.
      if (inRow >= failures) openUntil ??= clock() + openMs;
    };
    const worked = (): void => {
      if (openUntil === undefined) inRow = 0;
    };
    const judge = (error: unknown, one: Attempt): void => {
      if (one.isForeign(error) || isFileError(error, "aborted") || one.ctx.signal.aborted) return;
      if (isDown(error)) failed();
      else if (isFileError(error) && error.code !== "timeout") worked();
    };

    const refuse = (): never => {
      const left = Math.max(0, (openUntil ?? 0) - clock());
      throw new FileError("unavailable", "This storage does not work at the moment; try later.", {
        fields: { retryAfter: Math.max(1, Math.ceil(left / 1000)) },
      });
    };

    const pass = async (): Promise<void> => {
      if (openUntil === undefined) return;
      if (probing || clock() < openUntil) refuse();
      probing = true;
      try {
        // Of its own: the caller may go away, and the storage works or does not all the same.
        await inner.probe(plainContext({ requestId: "breaker" }));
        openUntil = undefined;
        inRow = 0;
      } catch {
        openUntil = clock() + openMs;
        refuse();
      } finally {
        probing = false;
      }
    };

    const run = async <R>(ctx: OpContext, work: (one: Attempt) => Promise<R>): Promise<R> => {
      await pass();
      const one = beginAttempt(ctx);
      try {
        const result = await work(one);
        worked();
        return result;
      } catch (error) {
        judge(error, one);
        throw error;
      }
    };

    const counted = (result: ReadResult, one: Attempt): ReadResult => {
      const { content } = result;
      if (content instanceof Uint8Array) return result;
      async function* chunks(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
        try {
          yield* source;
        } catch (error) {
          judge(error, one);
          throw error;
        }
      }
      return {
        stat: result.stat,
        ...(result.range && { range: result.range }),
        content: chunks(content),
        [Symbol.asyncDispose]: () => result[Symbol.asyncDispose](),
      };
    };

    return overrideBackend(inner, {
      stat: (ctx, path) => run(ctx, () => inner.stat(ctx, path)),
      read: (ctx, path, read) =>
        run(ctx, async (one) => counted(await inner.read(ctx, path, read), one)),
      list: (ctx, path, list) => run(ctx, () => inner.list(ctx, path, list)),
      write: (ctx, path, body, write) =>
        run(ctx, (one) => inner.write(one.ctx, path, one.watch(body), write)),
      mkdir: (ctx, path) => run(ctx, (one) => inner.mkdir(one.ctx, path)),
      remove: (ctx, path, remove) => run(ctx, (one) => inner.remove(one.ctx, path, remove)),
      copy: (ctx, from, to, copy) => run(ctx, (one) => inner.copy(one.ctx, from, to, copy)),
      move: (ctx, from, to, move) => run(ctx, (one) => inner.move(one.ctx, from, to, move)),
    });
  };
};
