import {
  type Context,
  type Control,
  type EffectiveRates,
  FileError,
  type JobRecord,
} from "@bulkhead/contract";
import type { AuditLog, TenantStore } from "../ports.ts";
import { checkAdmin, checkWholeTenant } from "./check-admin.ts";
import type { Audited } from "./audited.ts";

export interface RecordControlOptions {
  readonly tenants: Pick<TenantStore, "get">;
  readonly jobs: {
    readonly get: (
      id: string,
    ) => Promise<(JobRecord & { readonly tenantUid: string | undefined }) | undefined>;
  };
  readonly auditLog: AuditLog;
  readonly audited: Audited;
  readonly rateLimits: (ctx: Context) => Promise<EffectiveRates | undefined>;
}

/** What a caller may look up of itself, its jobs and its audit log. */
export const recordControl = (
  options: RecordControlOptions,
): Pick<Control, "whoami" | "jobs" | "audit"> => {
  const { tenants, jobs, auditLog, audited } = options;

  const auditedTenant = async (
    ctx: Context,
    named: string | undefined,
  ): Promise<string | undefined> => {
    const { principal } = ctx;
    checkAdmin(principal);
    if (principal.kind !== "platform") {
      if (named !== undefined && named !== principal.tenant?.id)
        throw new FileError("tenant-mismatch", "The tenant named by the request is not the key's.");
      const own = principal.tenant && (await tenants.get(principal.tenant.id));
      checkWholeTenant(principal, own?.roots ?? []);
      return principal.tenant?.uid;
    }
    if (named === undefined) return undefined;
    const tenant = await tenants.get(named);
    if (tenant === undefined) throw new FileError("not-found", "There is no such tenant.");
    return tenant.uid;
  };

  return {
    whoami: (ctx) =>
      audited(ctx, "whoami", `key:${ctx.principal.keyId}`, async () => {
        const id = ctx.principal.tenant?.id;
        return {
          principal: ctx.principal,
          tenant: id === undefined ? undefined : await tenants.get(id),
          rateLimits: await options.rateLimits(ctx),
        };
      }),
    jobs: {
      get: (ctx, id) =>
        audited(ctx, "job.get", `job:${id}`, async () => {
          const job = await jobs.get(id);
          // By uid: an id that is used again meets nothing of its predecessor.
          const own = job?.tenantUid !== undefined && job.tenantUid === ctx.principal.tenant?.uid;
          if (job === undefined || !(ctx.principal.kind === "platform" || own))
            throw new FileError("not-found", "There is no such job.");
          return job;
        }),
    },
    audit: {
      list: (ctx, { tenant, ...query }) =>
        audited(ctx, "audit.list", `tenant:${tenant ?? ""}`, async () =>
          auditLog.list(await auditedTenant(ctx, tenant), query),
        ),
      verify: (ctx, tenant) =>
        audited(ctx, "audit.verify", `tenant:${tenant ?? ""}`, async () => {
          const uid = await auditedTenant(ctx, tenant);
          const { entries, hash, signed, fault } = await auditLog.examine(uid);
          return {
            tenant: uid === undefined ? null : (tenant ?? ctx.principal.tenant?.id ?? null),
            ok: fault === undefined,
            entries,
            hash,
            signed: signed ?? null,
            fault: fault ?? null,
          };
        }),
    },
  };
};
