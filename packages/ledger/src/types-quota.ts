import type {
  CounterState,
  Plan,
  Quota,
  QuotaPatch,
  Settlement,
  TenantRecord,
  TrialEnd,
} from "@bulkhead/contract";

/** Plans of tenants. A change is effective with the next commit, on every process. */
export interface TenantPlans {
  readonly upgrade: (settlement: Settlement, uid: string, plan: string) => Promise<TenantRecord>;
  readonly setQuota: (
    settlement: Settlement,
    uid: string,
    patch: QuotaPatch,
  ) => Promise<TenantRecord>;
  /** Ends the trials whose time is over, by the ledger's clock; answers how many. */
  readonly endTrials: (end: TrialEnd) => Promise<number>;
}

/** What bodies hold of tenants' room while they stream: leases of 60 s. */
export interface Reservations {
  /**
   * Adds to a reservation, or makes it: what is wanted, or what there is, but no less than `least`. Answers how much;
   * undefined where nothing limits the tenant's bytes. Rejects with `quota-exceeded`.
   */
  readonly reserve: (
    tenant: string,
    id: string,
    wanted: number,
    least: number,
  ) => Promise<number | undefined>;
  readonly renew: (
    held: readonly { readonly tenant: string; readonly id: string }[],
  ) => Promise<void>;
  /** Gives back what no commit has used. Idempotent. */
  readonly release: (tenant: string, id: string) => Promise<void>;
  /** Lets go of what writers hold that are gone; answers how many bytes. */
  readonly sweep: () => Promise<number>;
}

export interface QuotaStore {
  /** Makes the ledger's plans these; answers how many tenants that changed. */
  readonly syncPlans: (plans: Readonly<Record<string, Plan>>) => Promise<number>;
  readonly of: (uid: string) => Promise<Quota>;
  /** Writes an event for each resource that has become scarce since the last look; answers how many. */
  readonly watch: () => Promise<number>;
  /** Drops versions of tenants that keep more of them than they may; answers how many. */
  readonly pruneVersions: () => Promise<number>;
  /** Adds to what others told of a resource; a negative amount takes from it. */
  readonly add: (
    settlement: Settlement,
    uid: string,
    resource: string,
    amount: number,
  ) => Promise<CounterState>;
}
