import { enforcedLimits, type Plan } from "@bulkhead/contract";
import type { Changes } from "./change.ts";
import { type Database, toJson } from "./database.ts";
import { functionCall } from "./function-call.ts";
import type { CounterState, Quota, QuotaStore } from "./types-quota.ts";

const statements = {
  sync: functionCall("plans_sync_v1", 1),
  of: functionCall("quota_v1", 1),
} as const;

const stored = ([id, plan]: readonly [string, Plan]): Readonly<Record<string, unknown>> => ({
  id,
  limits: enforcedLimits(plan),
  features: plan.features,
  document: plan,
});

/** Keeps plans and what tenants have of what is limited, as `bulkhead_system`. */
export const createQuota = (database: Database, change: Changes): QuotaStore => ({
  syncPlans: (plans) =>
    database
      .call<string>(statements.sync, [toJson(Object.entries(plans).map(stored))])
      .then(Number),
  of: (uid) => database.call<Quota>(statements.of, [uid]),
  add: (settlement, uid, resource, amount) =>
    change({
      kind: amount < 0 ? "quota.decrement" : "quota.increment",
      settlement,
      chain: uid,
      takesFrom: [],
      // Nobody keeps counters.
      bumps: [],
      work: async (tx) => {
        const [row] = await tx.rows<{ counted: CounterState }>(
          "select bulkhead.counter_add_v1($1, $2, $3) as counted",
          [uid, resource, amount],
        );
        const value = row?.counted ?? { state: "unconfigured" };
        return { value, payload: {}, outcome: { ...value } };
      },
    }),
});
