import type { Changes } from "./change.ts";
import type { Database } from "./database.ts";
import { dropRelations, heard, mostTuples } from "./relation-rows.ts";

/** Rows of one statement where nobody else has to hear of them. */
const batch = 10_000;

/**
 * Takes away what a tenant that ends gave and was given: first what crosses to other tenants, whose graphs hear of it,
 * then its own. Nothing can be granted to or by it any more. Idempotent.
 */
export const endRelations = async (
  database: Database,
  change: Changes,
  uid: string,
): Promise<void> => {
  for (;;) {
    const crossing = await database.rows<{ id: string; other: string }>(
      `select id, subject_tenant as other from bulkhead.relation where tenant = $1 and subject_tenant <> $1
       union all
       select id, tenant as other from bulkhead.relation where subject_tenant = $1 and tenant <> subject_tenant
       limit ${mostTuples}`,
      [uid],
    );
    if (crossing.length === 0) break;
    const concerned = [...new Set([uid, ...crossing.map((one) => one.other)])];
    await change({
      kind: "relation.revoke",
      settlement: undefined,
      chain: uid,
      takesFrom: concerned,
      bumps: concerned,
      work: async (tx) => {
        const { changes } = await dropRelations(
          tx,
          undefined,
          crossing.map((one) => one.id),
        );
        return { value: undefined, payload: heard(changes) };
      },
    });
  }
  for (const table of ["relation", "model_relation", "share"]) {
    let left = true;
    while (left) {
      const gone = await database.rows(
        `delete from bulkhead.${table} where id in (
           select id from bulkhead.${table} where tenant = $1 limit ${batch}) returning 1`,
        [uid],
      );
      left = gone.length === batch;
    }
  }
};
