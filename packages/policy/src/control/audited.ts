import { type Context, type Settlement } from "@bulkhead/contract";
import { denialOf } from "../audit.ts";
import { checkServing } from "../decision.ts";
import type { DenialSink } from "../ports.ts";

/** Runs one administrative call under an audit entry of its own; a refusal is recorded, a success in the call's commit. */
export type Audited = <R>(
  ctx: Context,
  action: string,
  resource: string,
  run: (settlement: Settlement) => Promise<R>,
) => Promise<R>;

export const audited =
  (sink: DenialSink): Audited =>
  async (ctx, action, resource, run) => {
    const base = ctx.settlement.audit;
    const draft = base && { ...base, action, resource, detail: {} };
    try {
      checkServing(ctx.principal.tenant, ctx.principal);
      return await run({ ...ctx.settlement, audit: draft });
    } catch (error) {
      const reason = denialOf(error);
      if (reason !== undefined && draft !== undefined)
        sink.denied(ctx.principal.tenant?.uid, draft, reason);
      throw error;
    }
  };
