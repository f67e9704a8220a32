import type { Limits, Settlement, TenantRecord } from "@bulkhead/contract";

/** What a tenant may have and what it has. */
export interface Quota {
  readonly plan: string | null;
  readonly features: readonly string[];
  /** What it is held to. */
  readonly limits: Limits;
  /** What its plan includes, and over that its own limits. */
  readonly included: Limits;
  readonly overrides: Limits;
  readonly soft: Limits;
  readonly used: Readonly<Record<string, number>>;
  /** By those who write at the moment. */
  readonly reserved: { readonly bytes: number; readonly files: number };
}

/** What became of a counter; `current` is what there is then. */
export type CounterState =
  | { readonly state: "unconfigured" }
  | {
      readonly state: "done" | "exceeded" | "negative";
      readonly current: number;
      readonly limit: number | null;
    };

/** Limits and counters in the ledger. Mutations append `settlement.audit` in their own transaction. */
export interface QuotaStore {
  readonly of: (uid: string) => Promise<Quota>;
  readonly add: (
    settlement: Settlement,
    uid: string,
    resource: string,
    amount: number,
  ) => Promise<CounterState>;
}

/** Plans and limits of tenants. A change is effective with the next commit, on every process. */
export interface TenantPlanStore {
  readonly upgrade: (settlement: Settlement, uid: string, plan: string) => Promise<TenantRecord>;
  readonly setQuota: (
    settlement: Settlement,
    uid: string,
    patch: {
      readonly limits: Limits;
      readonly soft: Limits;
      readonly dropped: readonly string[];
    },
  ) => Promise<TenantRecord>;
}
