import type { Idempotency } from "@bulkhead/contract";
import { checkServing } from "../decision.ts";

/**
 * Gives stored answers only to those who are served: an answer that is given again asks no other policy, and it may hold
 * what files hold.
 */
export const servedIdempotency = (inner: Idempotency): Idempotency => ({
  claim: async (ctx, route, key, digest) => {
    checkServing(ctx.principal.tenant, ctx.principal);
    return inner.claim(ctx, route, key, digest);
  },
  answer: inner.answer,
  release: inner.release,
});
