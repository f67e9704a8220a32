import type {
  Context,
  Layer,
  Principal,
  ReadResult,
  VirtualPath,
  WholeTree,
} from "@bulkhead/contract";
import { type Call, callOf, guardWhole, overrideWhole } from "@bulkhead/kit";
import type { Decision } from "./decision.ts";
import type { Authority } from "./ports.ts";
import type { StreamWatch } from "./stream-watch.ts";

export interface FenceOptions {
  readonly authority: Authority;
  /** In the order in which they answer. */
  readonly decisions: readonly Decision[];
  readonly streams: StreamWatch;
}

/**
 * Decides every operation, and decides again where time has passed: at the commit if a revision moved, after content was
 * opened, and every second while it streams. Nothing commits and nothing is sent on a decision that a revoke outdated.
 */
export const fence = ({ authority, decisions, streams }: FenceOptions): Layer<WholeTree> => {
  const decide = (principal: Principal, call: Call<VirtualPath>): void => {
    for (const decision of decisions) decision(principal, call);
  };
  const decideAgain = async (ctx: Context, call: Call<VirtualPath>): Promise<void> => {
    const admission = await authority.readmit(ctx.principal.keyId);
    decide(admission.principal, call);
    ctx.settlement.revisions = admission.revisions;
  };
  const around = guardWhole<VirtualPath, Context>(async (ctx, call, next) => {
    decide(ctx.principal, call);
    if (!call.mutates) return next(ctx);
    return next({
      ...ctx,
      commit: async (staged) => {
        await decideAgain(ctx, call);
        await ctx.commit(staged);
      },
    });
  });
  return (inner) =>
    around(
      overrideWhole(inner, {
        write: (ctx, path, body, options) => {
          const call = callOf("write", path);
          return streams.during(
            ctx,
            body,
            (principal) => decide(principal, call),
            (watched) => inner.write(ctx, path, watched, options),
          );
        },
        read: async (ctx, path, options) => {
          const call = callOf("read", path);
          const result: ReadResult = await inner.read(ctx, path, options);
          try {
            // Opened first, decided after: what was written after a revoke is never answered to the revoked.
            await decideAgain(ctx, call);
          } catch (error) {
            await result[Symbol.asyncDispose]();
            throw error;
          }
          return streams.watch(ctx, result, (principal) => decide(principal, call));
        },
      }),
    );
};
