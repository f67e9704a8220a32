import type { Limits, Plan, Settlement, TenantRecord, TrialEnd } from "@bulkhead/contract";

/** What a tenant may have and what it has. */
export interface Quota {
  readonly plan: string | null;
  readonly features: readonly string[];
  /** What it is held to. */
  readonly limits: Limits;
  /** What its plan includes, and over that its own limits: what is billed beyond a limit is not held to it. */
  readonly included: Limits;
  /** Its own limits, which count more than its plan's. */
  readonly overrides: Limits;
  readonly soft: Limits;
  readonly used: Readonly<Record<string, number>>;
}

/** What became of a counter. `current` is what there is then. */
export type CounterState =
  | { readonly state: "unconfigured" }
  | {
      readonly state: "done" | "exceeded" | "negative";
      readonly current: number;
      readonly limit: number | null;
    };

export interface QuotaPatch {
  /** The tenant's own limits; null is unlimited. */
  readonly limits: Limits;
  readonly soft: Limits;
  /** Limits of the tenant's own that give way to its plan's. */
  readonly dropped: readonly string[];
}

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

export interface QuotaStore {
  /** Makes the ledger's plans these; answers how many tenants that changed. */
  readonly syncPlans: (plans: Readonly<Record<string, Plan>>) => Promise<number>;
  readonly of: (uid: string) => Promise<Quota>;
  /** Adds to what others told of a resource; a negative amount takes from it. */
  readonly add: (
    settlement: Settlement,
    uid: string,
    resource: string,
    amount: number,
  ) => Promise<CounterState>;
}
