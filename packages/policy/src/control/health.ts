import type { HealthControl, TenantsHealth, TenantTotals } from "@bulkhead/contract";
import type { Audited } from "./audited.ts";
import { checkPlatform } from "./check-admin.ts";

export interface TenantsHealthOptions {
  readonly totals: () => Promise<TenantTotals>;
  readonly failingMounts: () => Promise<number>;
}

/** Finds how all tenants are. */
export const tenantsHealth = async ({
  totals,
  failingMounts,
}: TenantsHealthOptions): Promise<TenantsHealth> => {
  const [all, failing] = await Promise.all([totals(), failingMounts()]);
  // Nobody divides by no tenants.
  const tenants = Math.max(1, all.totalTenants);
  return {
    ...all,
    avgUsersPerTenant: Math.round((all.totalUsers / tenants) * 10) / 10,
    avgBytesPerTenant: Math.round(all.totalBytes / tenants),
    failingMounts: failing,
  };
};

/** Answers the platform's key alone. */
export const healthControl = (
  options: TenantsHealthOptions & { readonly audited: Audited },
): HealthControl => ({
  tenants: (ctx) =>
    options.audited(ctx, "tenants.health", "tenants", async () => {
      checkPlatform(ctx.principal);
      return tenantsHealth(options);
    }),
});
