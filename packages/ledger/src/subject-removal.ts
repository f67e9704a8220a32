import type { Settlement, Subject } from "@bulkhead/contract";
import type { Changes } from "./change.ts";
import type { Database, Queries } from "./database.ts";
import { dropRelations, heard, mostTuples } from "./relation-rows.ts";
import { noSubject } from "./subject-rows.ts";

interface Named extends Subject {
  readonly tenant: string;
}

interface Naming {
  readonly id: string;
  readonly tenant: string;
  readonly subject_tenant: string;
}

/** The next relations that name a subject, in whatever tenant; of a group those of its members too. */
const naming = (queries: Queries, { tenant, type, id }: Named): Promise<Naming[]> =>
  queries.rows<Naming>(
    `select id, tenant, subject_tenant from bulkhead.relation
       where subject_tenant = $1 and subject_type = $2 and subject_id = $3
     union all
     select id, tenant, subject_tenant from bulkhead.relation
       where $2 = 'group' and tenant = $1 and object_type = 'group' and object = $3
     order by tenant, id limit ${mostTuples}`,
    [tenant, type, id],
  );

const endKeys = (tx: Queries, { tenant, type, id }: Named, n: number): Promise<unknown> =>
  tx.rows(
    `with recursive family as (
       select id from bulkhead.key where tenant = $1 and subject_type = $2 and subject_id = $3
       union select k.id from family f join bulkhead.key k on k.parent = f.id
     ) update bulkhead.key k set revoked_at = bulkhead.now(), changed_n = $4
       from family f where k.id = f.id and k.revoked_at is null`,
    [tenant, type, id, n],
  );

/**
 * Ends a subject. Its keys go first and nobody can be granted to it any more; then every relation that names it, at most
 * 1,000 a transaction, with the fences of all they concern; its row last, so that the id stays taken until nothing is
 * left that a successor could inherit. What a crash left is ended by the next call.
 */
export const removeSubject = async (
  database: Database,
  change: Changes,
  settlement: Settlement,
  subject: Named,
): Promise<void> => {
  const { tenant, type, id } = subject;
  const values = [tenant, type, id];
  for (let first = true, done = false; !done; first = false) {
    const found = await naming(database, subject);
    const concerned = [...new Set([tenant, ...found.flatMap((r) => [r.tenant, r.subject_tenant])])];
    done = await change({
      kind: type === "group" ? "group.remove" : "user.remove",
      settlement: first ? settlement : undefined,
      chain: tenant,
      takesFrom: concerned,
      bumps: concerned,
      judged: first,
      work: async (tx, at) => {
        const marked = await tx.rows(
          `update bulkhead.subject set status = 'removing', updated_at = bulkhead.now()
           where tenant = $1 and type = $2 and id = $3 returning id`,
          values,
        );
        if (marked.length === 0 && first) return noSubject();
        if (type !== "group") await endKeys(tx, subject, at.get(tenant)?.n ?? 0);
        // Only what the fences cover; what came before they were held comes next.
        const covered = (await naming(tx, subject)).filter(
          (one) => concerned.includes(one.tenant) && concerned.includes(one.subject_tenant),
        );
        const { changes } = await dropRelations(
          tx,
          undefined,
          covered.map((one) => one.id),
        );
        const ended = (await naming(tx, subject)).length === 0;
        if (ended) {
          await tx.rows(
            "delete from bulkhead.model_relation where tenant = $1 and subject_type = $2 and subject_id = $3",
            values,
          );
          await tx.rows(
            "delete from bulkhead.subject where tenant = $1 and type = $2 and id = $3",
            values,
          );
        }
        return { value: ended, payload: heard(changes), outcome: { subject: id } };
      },
    });
  }
};
