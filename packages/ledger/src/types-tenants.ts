import type {
  PageOf,
  PageQuery,
  Settlement,
  TenantPatch,
  TenantRecord,
  VirtualPath,
} from "@bulkhead/contract";
import type { NewDatabase } from "./types-provisioning.ts";
import type { TenantPlans } from "./types-quota.ts";

export interface NewTenant {
  readonly id: string;
  readonly name: string;
  readonly root: VirtualPath;
  readonly placement: string;
  readonly subdomain: string | undefined;
  readonly allowedRegions: readonly string[] | undefined;
  /** Where its files are; the ledger's region by default. */
  readonly region?: string | undefined;
  readonly limits: Readonly<Record<string, number | null>>;
  readonly settings: Readonly<Record<string, unknown>>;
  /** Never used before; a new one by default. */
  readonly uid?: string | undefined;
  /** The database that its placement needs: the tenant is `provisioning` until a job has made it. */
  readonly database?: NewDatabase | undefined;
  /** A plan that the ledger knows; none by default. */
  readonly plan?: string | undefined;
  /** How long it is tried; without, it is no trial. */
  readonly trialDays?: number | undefined;
}

export interface TenantCounts {
  readonly keys: number;
  readonly roots: number;
  readonly subjects: number;
  /** On its objects, and on other tenants' objects for its subjects. */
  readonly relations: number;
  readonly models: number;
  /** Given by it and to it. */
  readonly shares: number;
}

export interface TenantStore extends TenantPlans {
  readonly create: (settlement: Settlement, tenant: NewTenant) => Promise<TenantRecord>;
  /** Adds a root to a tenant that exists, under its first root's placement unless one is named. */
  readonly addRoot: (
    settlement: Settlement,
    uid: string,
    path: VirtualPath,
    placement?: string,
  ) => Promise<TenantRecord>;
  readonly get: (id: string) => Promise<TenantRecord | undefined>;
  /** The tenant of that uid, whatever its status; a tombstone too. */
  readonly byUid: (uid: string) => Promise<TenantRecord | undefined>;
  readonly list: (
    query: PageQuery & { readonly status?: string | undefined },
  ) => Promise<PageOf<TenantRecord>>;
  readonly patch: (
    settlement: Settlement,
    uid: string,
    patch: TenantPatch,
  ) => Promise<TenantRecord>;
  readonly suspend: (
    settlement: Settlement,
    uid: string,
    reason: string | undefined,
  ) => Promise<TenantRecord>;
  readonly reactivate: (settlement: Settlement, uid: string) => Promise<TenantRecord>;
  readonly remove: (
    settlement: Settlement,
    uid: string,
    graceMs: number,
  ) => Promise<{ readonly job: string }>;
  /** Ends a tenant that is `deleting`: keys, roots and subjects go, the row stays as a tombstone, the id is free. Idempotent. */
  readonly finishRemoval: (
    uid: string,
    certificate: Readonly<Record<string, unknown>>,
  ) => Promise<void>;
  /** What a deletion would remove from the ledger. */
  readonly counts: (uid: string) => Promise<TenantCounts>;
}
