import type {
  DirectoryEntry,
  DirectoryInput,
  PageOf,
  PageQuery,
  Settlement,
  TenantRef,
} from "@bulkhead/contract";

/** Which tenants other regions' servers serve, and which subdomain is whose here. */
export interface Directory {
  /** By id, or by subdomain. */
  readonly find: (named: {
    readonly tenant?: string | undefined;
    readonly subdomain?: string | undefined;
  }) => Promise<DirectoryEntry | undefined>;
  /** Rejects with `already-exists` for an id or a subdomain that a tenant has here. */
  readonly put: (settlement: Settlement, input: DirectoryInput) => Promise<DirectoryEntry>;
  readonly remove: (settlement: Settlement, tenant: string) => Promise<void>;
  readonly list: (query: PageQuery) => Promise<PageOf<DirectoryEntry>>;
  /** The tenant of this ledger that has the subdomain. */
  readonly tenantOf: (subdomain: string) => Promise<TenantRef | undefined>;
  /** The subdomain of a tenant of this ledger. */
  readonly subdomainOf: (uid: string) => Promise<string | undefined>;
}
