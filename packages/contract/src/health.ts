import type { Context } from "./context.ts";

/** What the ledger knows of all tenants together; deleted ones are not among them. */
export interface TenantTotals {
  readonly totalTenants: number;
  /** By the plan's name, and `none`. */
  readonly byPlan: Readonly<Record<string, number>>;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly totalUsers: number;
  /** Of live content: older versions are not in it. */
  readonly totalBytes: number;
  /** How many tenants use more than 80 % of one of their limits. */
  readonly above80: number;
}

/** How all tenants are. */
export interface TenantsHealth extends TenantTotals {
  /** To one decimal. */
  readonly avgUsersPerTenant: number;
  /** Rounded. */
  readonly avgBytesPerTenant: number;
  /** How many mounts, of the configuration and of the API, do not answer. */
  readonly failingMounts: number;
}

/** The operators' view: the platform's key alone. */
export interface HealthControl {
  readonly tenants: (ctx: Context) => Promise<TenantsHealth>;
}
