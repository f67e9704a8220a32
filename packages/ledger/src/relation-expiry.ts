import type { Changes } from "./change.ts";
import type { Database } from "./database.ts";
import { dropRelations, heard, mostTuples } from "./relation-rows.ts";

/**
 * Tidies relations whose time is over, which nobody sees any more, and tells the graphs to forget them. Answers how many
 * went.
 */
export const expireRelations = async (database: Database, change: Changes): Promise<number> => {
  let gone = 0;
  for (let left = true; left;) {
    const found = await database.rows<{ tenant: string; sides: string[] }>(
      `select tenant, array_agg(distinct subject_tenant)::text[] as sides from (
         select tenant, subject_tenant from bulkhead.relation where expires_at <= bulkhead.now()
         order by expires_at limit ${mostTuples}) r group by tenant`,
    );
    for (const { tenant, sides } of found)
      gone += await change({
        kind: "relation.expire",
        settlement: undefined,
        chain: tenant,
        takesFrom: [],
        bumps: [tenant, ...sides],
        work: async (tx) => {
          const [over] = await tx.rows<{ ids: string[] }>(
            `select coalesce(array_agg(id), '{}') as ids from (
               select id from bulkhead.relation where tenant = $1 and subject_tenant = any ($2::uuid[])
                 and expires_at <= bulkhead.now() order by expires_at limit ${mostTuples}) r`,
            [tenant, [tenant, ...sides]],
          );
          const { relations, changes } = await dropRelations(tx, tenant, over?.ids ?? []);
          return { value: relations.length, payload: heard(changes) };
        },
      });
    left = found.length > 0;
  }
  return gone;
};
