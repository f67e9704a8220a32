import type { CounterState, Quota, QuotaPatch, Settlement, TenantRecord } from "@bulkhead/contract";

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
    patch: QuotaPatch,
  ) => Promise<TenantRecord>;
}
