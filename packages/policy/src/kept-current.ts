import type { Context, Layer, Principal, VirtualPath, WholeTree } from "@bulkhead/contract";
import { guardWhole } from "@bulkhead/kit";
import type { Admission, Authority } from "./ports.ts";

interface Seen {
  /** By this process's clock, in milliseconds. */
  at: number;
  latest: Admission | undefined;
}

/**
 * Admits a request again that goes on for longer than `everyMs`: one that walks a tree is decided at each step, and not
 * on what was true when it began. Outside all other policy of the tree.
 */
export const keptCurrent = (
  authority: Pick<Authority, "readmit">,
  everyMs: number = 1000,
): Layer<WholeTree> => {
  const requests = new WeakMap<Principal, Seen>();
  return guardWhole<VirtualPath, Context>(async (ctx, _call, next) => {
    const now = performance.now();
    const seen = requests.get(ctx.principal);
    if (seen === undefined) {
      requests.set(ctx.principal, { at: now, latest: undefined });
      return next(ctx);
    }
    if (now - seen.at >= everyMs) {
      seen.latest = await authority.readmit(ctx.principal);
      seen.at = now;
    }
    if (seen.latest === undefined) return next(ctx);
    const { principal, revisions, now: at } = seen.latest;
    ctx.settlement.revisions = revisions;
    return next({ ...ctx, principal, now: at });
  });
};
