import type { VirtualPath } from "./path.ts";
import type { PageOf, PageQuery, TenantPatch, TenantRecord } from "./records.ts";
import type { Settlement } from "./settlement.ts";

/** A tenant that is to be made. */
export interface NewTenant {
  readonly id: string;
  readonly name: string;
  readonly root: VirtualPath;
  readonly placement: string;
  readonly subdomain: string | undefined;
  readonly allowedRegions: readonly string[] | undefined;
  /** Where its files are. */
  readonly region?: string | undefined;
  readonly limits: Readonly<Record<string, number | null>>;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly plan?: string | undefined;
  readonly trialDays?: number | undefined;
}

/** Tenants in the ledger. Mutations append `settlement.audit` in their own transaction. */
export interface TenantStore {
  readonly create: (settlement: Settlement, tenant: NewTenant) => Promise<TenantRecord>;
  readonly get: (id: string) => Promise<TenantRecord | undefined>;
  readonly byUid: (uid: string) => Promise<TenantRecord | undefined>;
  readonly list: (
    query: PageQuery & { readonly status?: string | undefined },
  ) => Promise<PageOf<TenantRecord>>;
  readonly patch: (
    settlement: Settlement,
    uid: string,
    patch: TenantPatch,
  ) => Promise<TenantRecord>;
  /** Resolves when nothing the tenant's keys started can commit. */
  readonly suspend: (
    settlement: Settlement,
    uid: string,
    reason: string | undefined,
  ) => Promise<TenantRecord>;
  readonly reactivate: (settlement: Settlement, uid: string) => Promise<TenantRecord>;
  /** Cuts access and queues the job `tenant.delete` in one transaction. */
  readonly remove: (
    settlement: Settlement,
    uid: string,
    graceMs: number,
  ) => Promise<{ readonly job: string }>;
}
