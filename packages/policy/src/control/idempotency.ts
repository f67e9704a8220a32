import type { Idempotency } from "@bulkhead/contract";
import { checkServing } from "../decision.ts";

/**
 * Gives stored answers only to those who are served: an answer that is given again asks no other policy, and it may hold
 * what files hold. What is not given again decides, and records its refusal, itself.
 */
export const servedIdempotency = (inner: Idempotency): Idempotency => ({
  claim: async (ctx, route, key, digest) => {
    const claim = await inner.claim(ctx, route, key, digest);
    if (claim.state !== "new") checkServing(ctx.principal.tenant, ctx.principal);
    return claim;
  },
  answer: inner.answer,
  release: inner.release,
});
