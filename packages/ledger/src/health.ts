import type { TenantTotals } from "@bulkhead/contract";
import type { Database } from "./database.ts";
import { functionCall } from "./function-call.ts";

/** What the ledger counts over all tenants. */
export interface HealthStore {
  readonly totals: () => Promise<TenantTotals>;
}

const totals = functionCall("tenants_health_v1", 0);

/** Reads it as `bulkhead_system`, in one statement. */
export const createHealth = (database: Database): HealthStore => ({
  totals: () => database.call<TenantTotals>(totals, []),
});
