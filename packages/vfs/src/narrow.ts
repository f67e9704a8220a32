import type { OpContext, Settlement } from "@bulkhead/contract";

/**
 * Makes what a backend may know of a request, by construction: no field of `ctx` but these gets below the mount table,
 * least of all who is asking.
 */
export const narrow = (ctx: OpContext, settlement: Settlement = ctx.settlement): OpContext => ({
  signal: ctx.signal,
  requestId: ctx.requestId,
  now: ctx.now,
  settlement,
  commit: ctx.commit,
});
