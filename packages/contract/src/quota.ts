import type { Context } from "./context.ts";

/** What the server counts itself: nobody adds to it or takes from it but by doing what is counted. */
export const countedResources = [
  "bytes",
  "files",
  "versionBytes",
  "users",
  "keys",
  "shares",
  "mounts",
  "requests",
] as const;

/** How much of a resource a tenant may have, and has. `limit` null is unlimited; beyond `soft` somebody is told. */
export interface QuotaEntry {
  readonly limit: number | null;
  readonly soft?: number;
  readonly used: number;
}

export type QuotaEntries = Readonly<Record<string, QuotaEntry>>;

/** A limit (null is unlimited), `"plan"` for the plan's own, or a limit with a soft one below it. */
export type QuotaSetting =
  | number
  | null
  | "plan"
  | {
      readonly limit?: number | null | "plan" | undefined;
      /** Null takes it away. */
      readonly soft?: number | null | undefined;
    };

export type QuotaInput = Readonly<Record<string, QuotaSetting>>;

/** What became of a question or a change. `remaining` null is unlimited. */
export interface QuotaAnswer {
  readonly allowed: boolean;
  /** Why not. */
  readonly reason?: string;
  /** How much there is, after the change. */
  readonly current: number;
  readonly limit: number | null;
  readonly remaining: number | null;
}

/** What a tenant uses of what it may. */
export interface UsageReport {
  readonly plan: string | null;
  readonly usage: Readonly<Record<string, number>>;
  /** As the plan says, and over that the tenant's own; null is unlimited. */
  readonly limits: Readonly<Record<string, number | null>>;
  /** In percent, to one decimal; null without a limit. */
  readonly utilization: Readonly<Record<string, number | null>>;
  /** One sentence for each resource above 80 % of its limit, or above its soft limit. */
  readonly warnings: readonly string[];
}

/** Bytes and files that are live, and bytes of older versions. */
export interface StoredAmounts {
  readonly bytes: number;
  readonly files: number;
  readonly versionBytes: number;
}

/** What lies in one storage outside the ledger. */
export interface StorageAudit {
  /** Where it is mounted. */
  readonly path: string;
  readonly scheme: string;
  readonly found: StoredAmounts;
  /** Files whose charge is not their size, the first of them; null where it is not there, or not charged. */
  readonly differences: readonly {
    readonly path: string;
    readonly found: number | null;
    readonly charged: number | null;
  }[];
}

/** What a tenant's counters say, and what is really there. */
export interface QuotaAudit {
  readonly tenant: string;
  readonly counted: StoredAmounts;
  readonly found: StoredAmounts;
  /** Counted less found. */
  readonly drift: StoredAmounts;
  readonly storages: readonly StorageAudit[];
}

/** Limits and counters of tenants: the platform's to change, its tenant's to see. */
export interface QuotaControl {
  readonly get: (ctx: Context, tenant: string) => Promise<QuotaEntries>;
  /** Changes the limits that are named. They hold for the next commit, on every process. */
  readonly set: (ctx: Context, tenant: string, input: QuotaInput) => Promise<QuotaEntries>;
  readonly check: (
    ctx: Context,
    tenant: string,
    resource: string,
    amount: number,
  ) => Promise<QuotaAnswer>;
  /** Adds, unless that were more than the limit. Rejects with `invalid-request` for what the server counts. */
  readonly increment: QuotaControl["check"];
  /** Takes away. Rejects with `conflict` where that were less than nothing. */
  readonly decrement: QuotaControl["check"];
  readonly usage: (ctx: Context, tenant: string) => Promise<UsageReport>;
  /** Begins to count what is really there, on every storage: the job's result is a `QuotaAudit`. */
  readonly audit: (ctx: Context, tenant: string) => Promise<{ readonly job: string }>;
}
