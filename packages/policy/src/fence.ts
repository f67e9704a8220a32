import {
  type Context,
  isFileError,
  type Layer,
  type ReadResult,
  type Snapshot,
  type WholeTree,
  type VirtualPath,
} from "@bulkhead/contract";
import { type Call, callOf, guardWhole, overrideWhole } from "@bulkhead/kit";
import { type Decide, standOn } from "./decided.ts";
import type { Authority } from "./ports.ts";
import type { Lasting, StreamWatch } from "./stream-watch.ts";

export interface FenceOptions {
  readonly authority: Authority;
  readonly decide: Decide;
  /** Whether a caller may read, where reading that is a step of another operation is decided as that; `decide` by default. */
  readonly decideReading?: Decide;
  readonly streams: StreamWatch;
}

/**
 * Decides every operation, and decides again where time has passed: at the commit if a revision moved, after content was
 * opened, and every second while it streams. Nothing commits and nothing is sent on a decision that a revoke outdated.
 */
export const fence =
  ({ authority, decide, decideReading = decide, streams }: FenceOptions): Layer<WholeTree> =>
  (inner) => {
    const lookAgain = async (ctx: Context, call: Call<VirtualPath>): Promise<Lasting> => {
      const { principal, now } = await authority.readmit(ctx.principal);
      return { until: await decide(principal, call), now };
    };
    const decideAgain = async (
      ctx: Context,
      call: Call<VirtualPath>,
      seen?: Snapshot,
    ): Promise<Lasting> => {
      const { principal, revisions, now } = await authority.readmit(ctx.principal, seen);
      const until = await decide(principal, call);
      standOn(ctx.settlement, revisions, principal, call.paths);
      return { until, now };
    };

    /** What is refused as forbidden is there: what is missing is missing for those who may not remove it, too. */
    const missing = async (
      ctx: Context,
      call: Call<VirtualPath>,
      error: unknown,
    ): Promise<void> => {
      if (ctx.principal.standing === undefined || !isFileError(error, "forbidden")) return;
      for (const { path, access } of call.touches)
        if (access === "delete") await inner.stat(ctx, path);
    };

    const mayRead = async (ctx: Context, path: VirtualPath): Promise<boolean> => {
      try {
        await decideReading(ctx.principal, callOf("read", path));
        return true;
      } catch {
        return false;
      }
    };

    const begin = async (ctx: Context, call: Call<VirtualPath>): Promise<void> => {
      try {
        await decide(ctx.principal, call);
      } catch (error) {
        await missing(ctx, call, error);
        throw error;
      }
      standOn(ctx.settlement, ctx.settlement.revisions, ctx.principal, call.paths);
    };

    const around = guardWhole<VirtualPath, Context>(async (ctx, call, next) => {
      // What no relation governs is decided in this turn.
      if (ctx.principal.standing === undefined) void decide(ctx.principal, call);
      else await begin(ctx, call);
      if (!call.mutates) return next(ctx);
      return next({
        ...ctx,
        commit: async (staged) => {
          await decideAgain(ctx, call);
          await ctx.commit(staged);
        },
      });
    });
    return around(
      overrideWhole(inner, {
        write: async (ctx, path, body, options) => {
          const call = callOf("write", path);
          const { standing } = ctx.principal;
          const until = standing === undefined ? Infinity : await decide(ctx.principal, call);
          const stored = await streams.during(
            ctx,
            body,
            { until, now: ctx.now },
            () => lookAgain(ctx, call),
            (watched) => inner.write(ctx, path, watched, options),
          );
          if (stored.times === undefined || (await mayRead(ctx, path))) return stored;
          // Since when there is a file is for those who may look at it.
          const { times: _, ...told } = stored;
          return told;
        },
        read: async (ctx, path, options) => {
          const call = callOf("read", path);
          const result: ReadResult = await inner.read(ctx, path, options);
          let lasting: Lasting;
          try {
            // Opened first, decided after, or on the very snapshot that tells what is there: what was written after a
            // revoke is never answered to the revoked.
            lasting = await decideAgain(ctx, call, result.snapshot);
          } catch (error) {
            await result[Symbol.asyncDispose]();
            throw error;
          }
          return streams.watch(ctx, result, lasting, () => lookAgain(ctx, call));
        },
      }),
    );
  };
