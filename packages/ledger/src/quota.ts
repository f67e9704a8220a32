import { enforcedLimits, type Plan, type CounterState, type Quota } from "@bulkhead/contract";
import type { Changes } from "./change.ts";
import { type Database, toJson } from "./database.ts";
import { functionCall } from "./function-call.ts";
import type { QuotaStore } from "./types-quota.ts";

const statements = {
  sync: functionCall("plans_sync_v1", 1),
  of: functionCall("quota_v2", 1),
  watch: functionCall("quota_watch_v1", 1),
  over: functionCall("versions_over_v1", 1),
  prune: functionCall("versions_prune_v1", 5),
} as const;

/** Tenants of one look; trees of one pruning, with the rows that it takes of each at once, and how often. */
const [lookedAt, prunedTrees, prunedRows, prunedBatches] = [500, 20, 1000, 50];
/** Pruned for want of room alone: what is too old or too much is the collector's. */
const ever = { ageMs: 1e14, versions: 2_000_000_000 } as const;

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
  watch: async () => Number(await database.call<string>(statements.watch, [lookedAt])),
  pruneVersions: async () => {
    const over = await database.call<readonly { tenant: string; tree: string }[]>(statements.over, [
      prunedTrees,
    ]);
    let gone = 0;
    for (const { tenant, tree } of over)
      for (let i = 0, more = prunedRows; i < prunedBatches && more === prunedRows; i++) {
        const values = [tenant, tree, ever.ageMs, ever.versions, prunedRows];
        more = Number(await database.call<string>(statements.prune, values));
        gone += more;
      }
    return gone;
  },
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
