import {
  type Backend,
  type BackendPath,
  FileError,
  type Layer,
  type OpContext,
  type Operation,
  type Recovery,
  type Settlement,
} from "@bulkhead/contract";
import { overrideBackend } from "@bulkhead/kit";
import type { Intents, Outcome } from "./ports.ts";
import type { Afterwork } from "./afterwork.ts";

export interface SettleOptions {
  readonly intents: Intents;
  readonly afterwork: Afterwork;
  readonly mount: string;
  /** The uid of the tenant on whose ground the mount lies at that moment: a mount may be there before its tenant, and after. */
  readonly tenant: () => string | undefined;
  readonly fencing: number | undefined;
  /** Asked when an effect fails half-way; a storage that has none does nothing by halves. */
  readonly recovery: Recovery | undefined;
  /** What an effect that was found done had changed; nothing is told of it without. */
  readonly outcome?: (ctx: OpContext, staged: string) => Promise<Outcome | undefined>;
  /** Told of each effect that was settled. */
  readonly settled?: (staged: string) => void;
}

/** How often a commit is decided again before the caller is told to come back. */
const decisions = 5;

/**
 * Makes storage outside the ledger exact: a row before the effect, a step to `committing` under the tenants' fences
 * before anything becomes visible, and its settling afterwards. An effect without a row cannot exist.
 */
export const settle = (options: SettleOptions): Layer<Backend> => {
  const { intents, afterwork, mount, fencing, recovery } = options;

  const run = async <R>(
    ctx: OpContext,
    operation: Operation,
    paths: readonly BackendPath[],
    size: number | undefined,
    effect: (ctx: OpContext) => Promise<R>,
    outcomeOf: (result: R) => Outcome,
  ): Promise<R> => {
    // Read at each step: a decision made again replaces the revisions of the caller's draft.
    const tenant = options.tenant();
    const settlement = (): Settlement => ({ ...ctx.settlement, tenant });
    const id = await intents.begin(settlement(), { mount, fencing, operation, paths, size });
    const stop = afterwork.streaming(id);
    let staged: string | undefined;
    const commit: OpContext["commit"] = async (content) => {
      for (let i = 0; i < decisions; i++) {
        if ((await intents.commit(settlement(), id, content)) === "committing") {
          staged = content.id;
          return;
        }
        await ctx.commit(content);
      }
      throw new FileError(
        "conflict",
        "Access rules are changing faster than this write can commit; try again.",
      );
    };
    try {
      const result = await effect({ ...ctx, commit });
      await afterwork.settle(id, outcomeOf(result));
      if (staged !== undefined) options.settled?.(staged);
      return result;
    } catch (error) {
      if (staged === undefined) afterwork.discard(id);
      // A storage that cannot say now is asked again before its mount opens next; why it failed is the answer all the same.
      else if (!afterwork.pending(id))
        await resolve(ctx, operation, paths, id, staged).catch(() => undefined);
      throw error;
    } finally {
      stop();
    }
  };

  /** The effect failed after its commit was granted: the storage says which side it ended on. */
  const resolve = async (
    ctx: OpContext,
    operation: Operation,
    paths: readonly BackendPath[],
    id: string,
    staged: string,
  ): Promise<void> => {
    // The caller may be gone, and what happened has to be found out all the same.
    const own = { ...ctx, signal: AbortSignal.timeout(30_000) };
    const side =
      recovery === undefined ? "undone" : await recovery.recover(own, { operation, paths, staged });
    if (side === "undone") afterwork.discard(id);
    else {
      await afterwork.settle(id, (await options.outcome?.(own, staged)) ?? {});
      options.settled?.(staged);
    }
  };

  return (inner) =>
    overrideBackend(inner, {
      write: (ctx, path, body, write) =>
        run(
          ctx,
          "write",
          [path],
          body.size,
          (c) => inner.write(c, path, body, write),
          (result) => ({
            files: result.created ? 1 : 0,
            bytes: result.size - (result.replaced?.size ?? 0),
            created: result.created,
            etag: result.etag,
          }),
        ),
      mkdir: (ctx, path) =>
        run(
          ctx,
          "mkdir",
          [path],
          undefined,
          (c) => inner.mkdir(c, path),
          () => ({ created: true }),
        ),
      remove: (ctx, path, remove) =>
        run(
          ctx,
          "remove",
          [path],
          undefined,
          (c) => inner.remove(c, path, remove),
          (result) => ("job" in result ? {} : { files: -result.files, bytes: -result.bytes }),
        ),
      copy: (ctx, from, to, copy) =>
        run(
          ctx,
          "copy",
          [from, to],
          undefined,
          (c) => inner.copy(c, from, to, copy),
          (result) => {
            if ("job" in result) return {};
            if ("files" in result)
              return { files: result.files, bytes: result.bytes, created: true };
            const { created, etag, size, replaced } = result;
            return { files: created ? 1 : 0, bytes: size - (replaced?.size ?? 0), created, etag };
          },
        ),
      move: (ctx, from, to, move) =>
        run(
          ctx,
          "move",
          [from, to],
          undefined,
          (c) => inner.move(c, from, to, move),
          (result) =>
            "replaced" in result && result.replaced !== undefined
              ? { files: -1, bytes: -result.replaced.size, created: false }
              : { created: true },
        ),
    });
};
