import type {
  MountCredentials,
  MountInput,
  MountRecord,
  MountState,
  PageOf,
  PageQuery,
  PlannedMounts,
  Settlement,
  VirtualPath,
} from "@bulkhead/contract";

/** A mount as it stands in the table. */
export interface StandingMount {
  readonly id: string;
  readonly path: VirtualPath;
  /** The uid of the tenant on whose ground it lies. */
  readonly tenantUid: string | undefined;
  readonly record: MountRecord;
}

/** A change of mounts by somebody who may make it. */
export interface MountChange {
  /** With absolute paths. */
  readonly add: readonly MountInput[];
  readonly remove: readonly string[];
  readonly credentials: Readonly<Record<string, MountCredentials>>;
  /** True for a tenant's admin, who has the choice of the templates that are for tenants. */
  readonly byTenant: boolean;
}

/** The mounts of the table, and what would become of it. */
export interface MountStore {
  /** Those that are no tenant's root, in order of path and priority. */
  readonly list: (
    query: PageQuery,
    visible: (mount: StandingMount) => boolean,
  ) => Promise<PageOf<MountRecord>>;
  readonly find: (id: string) => Promise<StandingMount | undefined>;
  readonly state: (mount: StandingMount) => Promise<MountState>;
  readonly plan: (change: MountChange) => Promise<PlannedMounts>;
  /** Rejects with `conflict` or `residency` where it is not what `hash` names, or is refused. */
  readonly apply: (
    settlement: Settlement,
    change: MountChange,
    hash: string,
  ) => Promise<readonly MountRecord[]>;
  readonly remove: (settlement: Settlement, mount: StandingMount) => Promise<void>;
  readonly rotate: (
    settlement: Settlement,
    mount: StandingMount,
    credentials: MountCredentials,
  ) => Promise<MountRecord>;
}
