import type {
  NewTenant,
  Settlement,
  TenantRecord,
  TenantStore,
  VirtualPath,
} from "@bulkhead/contract";
import type { NewMount } from "./types-mounts.ts";
import type { NewDatabase } from "./types-provisioning.ts";
import type { TenantPlans } from "./types-quota.ts";

/** A tenant that is to be made, with what only the ledger is told of it. */
export interface NewTenantRow extends NewTenant {
  /** Never used before; a new one by default. */
  readonly uid?: string | undefined;
  /** The database that its placement needs: the tenant is `provisioning` until a job has made it. */
  readonly database?: NewDatabase | undefined;
  /** Mounts below its root on buckets that are to be made: the tenant is `provisioning` until a job has made them. */
  readonly buckets?: readonly NewMount[] | undefined;
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

/** Tenants in the ledger, whole. */
export interface LedgerTenants extends TenantStore, TenantPlans {
  readonly create: (settlement: Settlement, tenant: NewTenantRow) => Promise<TenantRecord>;
  /** Adds a root to a tenant that exists, under its first root's placement unless one is named. */
  readonly addRoot: (
    settlement: Settlement,
    uid: string,
    path: VirtualPath,
    placement?: string,
  ) => Promise<TenantRecord>;
  /** Ends a tenant that is `deleting`: keys, roots and subjects go, the row stays as a tombstone, the id is free. Idempotent. */
  readonly finishRemoval: (
    uid: string,
    certificate: Readonly<Record<string, unknown>>,
  ) => Promise<void>;
  /** What a deletion would remove from the ledger. */
  readonly counts: (uid: string) => Promise<TenantCounts>;
}
