import {
  type Exceeded,
  FileError,
  type PlanControl,
  type PlanSettings,
  type TenantRecord,
  type UpgradePreview,
  type Quota,
} from "@bulkhead/contract";
import type { TenantStore } from "../ports.ts";
import type { QuotaStore, TenantPlanStore } from "../ports-quota.ts";
import type { Audited } from "./audited.ts";
import { checkPlatform } from "./check-admin.ts";
import { existingTenant } from "./visible-tenant.ts";

export interface PlanControlOptions {
  readonly tenants: Pick<TenantStore, "get"> & Pick<TenantPlanStore, "upgrade">;
  readonly quota: Pick<QuotaStore, "of">;
  readonly plans: PlanSettings;
  readonly audited: Audited;
}

/** Throws `invalid-request` for a plan that is none. */
export const checkPlan = ({ plans }: Pick<PlanSettings, "plans">, name: string): void => {
  if (!Object.hasOwn(plans, name))
    throw new FileError(
      "invalid-request",
      `There is no such plan; known are ${Object.keys(plans).join(", ") || "none"}.`,
    );
};

const without = (these: readonly string[], those: readonly string[]): readonly string[] =>
  these.filter((one) => !those.includes(one));

const exceededBy = ({ used }: Quota, limits: Quota["limits"]): readonly Exceeded[] =>
  Object.entries(limits).flatMap(([resource, limit]) => {
    const there = used[resource] ?? 0;
    return limit !== null && there > limit ? [{ resource, used: there, limit }] : [];
  });

/** Changes plans of tenants, and says before what that would change. */
export const planControl = (options: PlanControlOptions): PlanControl => {
  const { tenants, quota, plans, audited } = options;

  const previewOf = async (tenant: TenantRecord, to: string): Promise<UpgradePreview> => {
    const now = await quota.of(tenant.uid);
    const { limits, features = [], baseMinor = 0 } = plans.plans[to] ?? {};
    const after = { ...limits, ...now.overrides };
    return {
      preview: true,
      tenant: tenant.id,
      from: tenant.plan,
      to,
      limits: { before: now.included, after },
      features: {
        gained: without(features, now.features),
        lost: without(now.features, features),
      },
      baseMinor: {
        before: tenant.plan === null ? 0 : (plans.plans[tenant.plan]?.baseMinor ?? 0),
        after: baseMinor,
      },
      currency: plans.currency,
      exceeded: exceededBy(now, after),
      endsTrial: tenant.trialEndsAt !== null,
    };
  };

  return {
    upgrade: (ctx, id, { plan, preview = false }) =>
      audited(ctx, "tenant.upgrade", `tenant:${id}`, async (settlement) => {
        checkPlatform(ctx.principal);
        checkPlan(plans, plan);
        const tenant = await existingTenant(tenants, id);
        if (preview) return previewOf(tenant, plan);
        settlement.tenant = tenant.uid;
        if (settlement.audit !== undefined)
          settlement.audit.detail = { from: tenant.plan, to: plan };
        return tenants.upgrade(settlement, tenant.uid, plan);
      }),
  };
};
