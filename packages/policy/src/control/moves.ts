import {
  type Context,
  type Control,
  FileError,
  type JobRecord,
  type Settlement,
  type TenantRecord,
} from "@bulkhead/contract";
import { checkScope } from "../decision.ts";
import type { Audited } from "./audited.ts";

/** Moves of tenants, in the ledger. */
export interface MoveStore {
  readonly begin: (
    settlement: Settlement,
    tenantUid: string,
    to: { readonly placement: string; readonly keep: boolean },
  ) => Promise<string>;
  /** The job of a tenant's latest move. */
  readonly latest: (tenantUid: string) => Promise<JobRecord | undefined>;
  /** The uid of the tenant whose move the job is. */
  readonly get: (job: string) => Promise<{ readonly tenantUid: string } | undefined>;
  readonly abort: (settlement: Settlement, job: string) => Promise<void>;
}

export interface MoveControlOptions {
  readonly moves: MoveStore;
  readonly tenants: { readonly get: (id: string) => Promise<TenantRecord | undefined> };
  readonly jobs: {
    readonly get: (id: string) => Promise<JobRecord | undefined>;
    readonly wake: () => void;
  };
  /** Rejects where what the tenant's roots stand on cannot go to that placement. */
  readonly checkMove: (tenant: TenantRecord, placement: string) => Promise<void>;
  readonly audited: Audited;
}

const platformOnly = (ctx: Context): void => {
  checkScope(ctx.principal, "admin");
  if (ctx.principal.kind !== "platform")
    throw new FileError("forbidden", "Only the platform key does this.");
};

/** Moves tenants between placements, for the platform key alone. */
export const moveControl = (options: MoveControlOptions): Control["moves"] => {
  const { moves, tenants, jobs, audited } = options;

  const existing = async (id: string): Promise<TenantRecord> => {
    const tenant = await tenants.get(id);
    if (tenant === undefined) throw new FileError("not-found", "There is no such tenant.");
    return tenant;
  };

  return {
    begin: (ctx, id, { placement, keep }) =>
      audited(ctx, "tenant.move", `tenant:${id}`, async (settlement) => {
        platformOnly(ctx);
        const tenant = await existing(id);
        await options.checkMove(tenant, placement);
        settlement.tenant = tenant.uid;
        if (settlement.audit !== undefined)
          settlement.audit.detail = { placement, source: keep ? "keep" : "erase" };
        const job = await moves.begin(settlement, tenant.uid, { placement, keep });
        jobs.wake();
        return { job };
      }),
    latest: (ctx, id) =>
      audited(ctx, "tenant.get", `tenant:${id}`, async () => {
        platformOnly(ctx);
        const job = await moves.latest((await existing(id)).uid);
        if (job === undefined) throw new FileError("not-found", "The tenant was never moved.");
        return job;
      }),
    abort: (ctx, id) =>
      audited(ctx, "job.abort", `job:${id}`, async (settlement) => {
        platformOnly(ctx);
        const job = await jobs.get(id);
        if (job === undefined) throw new FileError("not-found", "There is no such job.");
        const move = await moves.get(id);
        if (move === undefined)
          throw new FileError("conflict", `A job of kind '${job.kind}' cannot be aborted.`, {
            retry: "never",
          });
        settlement.tenant = move.tenantUid;
        await moves.abort(settlement, id);
        jobs.wake();
        return (await jobs.get(id)) ?? job;
      }),
  };
};
