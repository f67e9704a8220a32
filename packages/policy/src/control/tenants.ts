import {
  type Control,
  FileError,
  type Limits,
  parseVirtualPath,
  type PlanSettings,
  type TenantInput,
  type TenantRecord,
} from "@bulkhead/contract";
import { groundOf } from "../namespace.ts";
import type { NewTenant, TenantStore } from "../ports.ts";
import { checkPlatform, checkWholeTenant } from "./check-admin.ts";
import { existingTenant, visibleTenant } from "./visible-tenant.ts";
import type { Audited } from "./audited.ts";
import { checkPlan } from "./plans.ts";
import { checkResource } from "./quota.ts";

export interface TenantControlOptions {
  readonly tenants: TenantStore;
  readonly namespaceRoots: readonly string[];
  /** Says by which template a new tenant's roots are mounted, and where that is. Throws `residency` where none fits. */
  readonly place: (wish: PlacementWish) => ChosenPlacement;
  readonly audited: Audited;
  readonly plans: Pick<PlanSettings, "plans" | "defaultPlan">;
}

/** What a new tenant says of where its files have to be. */
export interface PlacementWish {
  readonly plan: string | undefined;
  readonly region: string | undefined;
  readonly allowedRegions: readonly string[] | undefined;
}

export interface ChosenPlacement {
  readonly placement: string;
  readonly region: string | undefined;
}

const subdomainPattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Throws `invalid-request` for what cannot be a name below a domain (RFC 1123). */
export const checkSubdomain = (subdomain: string | null | undefined): void => {
  if (subdomain !== undefined && subdomain !== null && !subdomainPattern.test(subdomain))
    throw new FileError(
      "invalid-request",
      "A subdomain has 1 to 63 characters of a-z, 0-9 and '-', and begins and ends with a letter or digit.",
    );
};

const idPattern = /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/;
const reservedIds: ReadonlySet<string> = new Set(["health", "bulk", "onboard"]);

/** Throws `invalid-request` for what cannot be a tenant's id. */
export const checkTenantId = (id: string): void => {
  if (!idPattern.test(id))
    throw new FileError(
      "invalid-request",
      "A tenant id has 1 to 63 characters of a-z, 0-9, '-' and '_', and begins and ends with a letter or digit.",
    );
  if (reservedIds.has(id))
    throw new FileError("invalid-request", `'${id}' is reserved; choose another tenant id.`);
};

/** What a tenant's own admin may set; everything else is the platform's. */
const settingChecks: Readonly<Record<string, (value: unknown) => boolean>> = {
  allowPublicSharing: (value) => typeof value === "boolean",
  auditReads: (value) => typeof value === "boolean",
  dataRetentionDays: (value) =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 36_500,
  enforce2fa: (value) => typeof value === "boolean",
};

const checkSettings = (settings: Readonly<Record<string, unknown>> = {}): void => {
  for (const [name, value] of Object.entries(settings)) {
    const check = Object.hasOwn(settingChecks, name) ? settingChecks[name] : undefined;
    if (check === undefined)
      throw new FileError(
        "invalid-request",
        `Unknown setting; known are ${Object.keys(settingChecks).join(", ")}.`,
      );
    if (!check(value))
      throw new FileError("invalid-request", `The setting '${name}' does not take this value.`);
  }
};

/** Throws `invalid-request` for limits that are none. */
export const checkLimits = (limits: Limits = {}): void => {
  for (const [name, limit] of Object.entries(limits)) {
    checkResource(name);
    if (limit !== null && (!Number.isSafeInteger(limit) || limit < 0))
      throw new FileError(
        "invalid-request",
        `The limit '${name}' is a whole number, or null for none.`,
      );
  }
};

const longestTrialDays = 3660;

const checkTrial = (days: number | undefined): void => {
  if (days !== undefined && !(days > 0 && days <= longestTrialDays))
    throw new FileError(
      "invalid-request",
      `A trial is of up to ${longestTrialDays} days, or a part of one.`,
    );
};

/** Makes, shows, changes and ends tenants: the platform key all of them, a tenant's admin its own settings. */
export const tenantControl = (options: TenantControlOptions): Control["tenants"] => {
  const { tenants, audited } = options;

  const existing = (id: string): Promise<TenantRecord> => existingTenant(tenants, id);

  const visible = visibleTenant(tenants);

  const newTenant = (input: TenantInput): NewTenant => {
    checkTenantId(input.id);
    checkSettings(input.settings);
    checkLimits(input.limits);
    checkTrial(input.trialDays);
    const plan = input.plan ?? options.plans.defaultPlan;
    if (plan !== undefined) checkPlan(options.plans, plan);
    const root = parseVirtualPath(input.root ?? `/workspace/${input.id}`);
    const named = options.namespaceRoots.some((namespace) => root === `/${namespace}/${input.id}`);
    if (groundOf(options.namespaceRoots, root).kind !== "root" || !named)
      throw new FileError(
        "invalid-request",
        "A tenant's root is /workspace/<id> or /tenants/<id>.",
      );
    checkSubdomain(input.subdomain);
    const { allowedRegions } = input;
    return {
      id: input.id,
      name: input.name ?? input.id,
      root,
      ...options.place({ plan, region: input.region, allowedRegions }),
      subdomain: input.subdomain,
      allowedRegions,
      limits: input.limits ?? {},
      settings: input.settings ?? {},
      plan,
      trialDays: input.trialDays,
    };
  };

  return {
    create: (ctx, input) =>
      audited(ctx, "tenant.create", `tenant:${input.id}`, async (settlement) => {
        checkPlatform(ctx.principal);
        return tenants.create(settlement, newTenant(input));
      }),
    get: (ctx, id) => audited(ctx, "tenant.get", `tenant:${id}`, () => visible(ctx, id)),
    list: (ctx, query) =>
      audited(ctx, "tenant.list", "tenant:*", async () => {
        checkPlatform(ctx.principal);
        return tenants.list(query);
      }),
    patch: (ctx, id, patch) =>
      audited(ctx, "tenant.update", `tenant:${id}`, async (settlement) => {
        const tenant = await visible(ctx, id);
        checkWholeTenant(ctx.principal, tenant.roots);
        if (
          ctx.principal.kind !== "platform" &&
          (patch.limits !== undefined ||
            patch.rateLimits !== undefined ||
            patch.subdomain !== undefined)
        )
          throw new FileError("forbidden", "Limits and subdomain are the platform's to change.");
        checkSettings(patch.settings);
        checkLimits(patch.limits);
        checkSubdomain(patch.subdomain);
        settlement.tenant = tenant.uid;
        return tenants.patch(settlement, tenant.uid, patch);
      }),
    suspend: (ctx, id, reason) =>
      audited(ctx, "tenant.suspend", `tenant:${id}`, async (settlement) => {
        checkPlatform(ctx.principal);
        const tenant = await existing(id);
        settlement.tenant = tenant.uid;
        if (settlement.audit !== undefined && reason !== undefined)
          settlement.audit.detail = { reason };
        return tenants.suspend(settlement, tenant.uid, reason);
      }),
    reactivate: (ctx, id) =>
      audited(ctx, "tenant.reactivate", `tenant:${id}`, async (settlement) => {
        checkPlatform(ctx.principal);
        const tenant = await existing(id);
        settlement.tenant = tenant.uid;
        return tenants.reactivate(settlement, tenant.uid);
      }),
    remove: (ctx, id, confirm, graceMs) =>
      audited(ctx, "tenant.delete", `tenant:${id}`, async (settlement) => {
        checkPlatform(ctx.principal);
        const tenant = await existing(id);
        if (confirm !== id)
          throw new FileError(
            "confirmation-required",
            `Deleting a tenant removes all it holds; repeat with confirm=${id}.`,
            {
              fields: { counts: { roots: tenant.roots.length } },
            },
          );
        settlement.tenant = tenant.uid;
        return tenants.remove(settlement, tenant.uid, graceMs);
      }),
  };
};
