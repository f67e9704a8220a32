import { FileError, type PageQuery, type Subject } from "@bulkhead/contract";
import type { Changes } from "./change.ts";
import type { Database } from "./database.ts";
import { pageLimitOf, readPosition, writePosition } from "./position.ts";
import { addRelations, dropRelations, heard, makerOf, tenantsOf } from "./relation-rows.ts";
import { plainTuple, type TupleJson } from "./stored-tuple.ts";
import { removeSubject } from "./subject-removal.ts";
import { noSubject, registerSubject, requireLiving, userJson, userRow } from "./subject-rows.ts";
import type { StoredTuple, SubjectStore } from "./types-relations.ts";

const taken = (what: string): FileError =>
  new FileError("already-exists", `There is a ${what} of that id.`);

/** Only relations of its own tenant come with a user. */
const ownTuples = (tenant: string, given: readonly StoredTuple[]): readonly TupleJson[] => {
  const tuples = given.map(plainTuple);
  if (tuples.some(({ object }) => object.tenant !== tenant))
    throw new FileError("invalid-request", "A user's own relations are of its own tenant.");
  return tuples;
};

/** Keeps the people, agents, services and groups of tenants. */
export const createSubjects = (database: Database, change: Changes): SubjectStore => {
  const page = async <T extends { readonly id: string }>(
    text: string,
    values: readonly unknown[],
    query: PageQuery,
    keyOf: (item: T) => readonly string[],
  ): Promise<{ readonly items: T[]; readonly next?: string }> => {
    const limit = pageLimitOf(query);
    const rows = await database.rows<{ record: T }>(`${text} limit ${limit + 1}`, values);
    const items = rows.slice(0, limit).map((row) => row.record);
    const last = rows.length > limit ? items.at(-1) : undefined;
    return last === undefined ? { items } : { items, next: writePosition(keyOf(last)) };
  };

  return {
    createUser: async (settlement, tenant, user) => {
      const tuples = ownTuples(tenant, user.relations);
      return await change({
        kind: "user.create",
        settlement,
        chain: tenant,
        takesFrom: [],
        bumps: tenantsOf(tuples),
        holds: tuples.length === 0 ? [] : [tenant],
        judged: true,
        work: async (tx) => {
          await requireLiving(tx, tenant);
          // One that was only named before gets its account now.
          const record = await userRow(
            tx,
            `insert into bulkhead.subject as s (tenant, type, id, email, full_name, role)
             values ($1, $2, $3, $4, $5, $6) on conflict (tenant, type, id) do update
               set email = excluded.email, full_name = excluded.full_name, role = excluded.role,
                 updated_at = bulkhead.now() where s.role is null and s.status = 'active'
             returning ${userJson} as record`,
            [tenant, user.type, user.id, user.email ?? null, user.fullName ?? null, user.role],
          );
          if (record === undefined) throw taken(user.type);
          const { changes } = await addRelations(tx, tuples, makerOf(settlement));
          return { value: record, payload: heard(changes), outcome: { ...record } };
        },
      });
    },

    register: (tenant, subject) => registerSubject(database, tenant, subject),

    find: (tenant, id) =>
      database.rows<Subject & { id: string }>(
        "select type, id from bulkhead.subject where tenant = $1 and id = $2 and status <> 'removing' order by type",
        [tenant, id],
      ),

    tenantsOf: async (subject, limit) => {
      const rows = await database.rows<{ tenant: string }>(
        `select tenant from bulkhead.subject where type = $1 and id = $2 and status <> 'removing'
         order by tenant limit $3`,
        [subject.type, subject.id, limit],
      );
      return rows.map((row) => row.tenant);
    },

    getUser: (tenant, type, id) =>
      userRow(
        database,
        `select ${userJson} as record from bulkhead.subject s
         where tenant = $1 and type = $2 and id = $3 and type <> 'group' and status <> 'removing'`,
        [tenant, type, id],
      ),

    hasAccount: async (tenant, type, id) => {
      const rows = await database.rows(
        `select 1 from bulkhead.subject
         where tenant = $1 and type = $2 and id = $3 and role is not null and status <> 'removing'`,
        [tenant, type, id],
      );
      return rows.length > 0;
    },

    listUsers: (tenant, query) => {
      const [type, id] = readPosition(query.after, 2) ?? ["", ""];
      return page(
        `select ${userJson} as record from bulkhead.subject s where tenant = $1 and type <> 'group'
           and status <> 'removing' and ($4::text is null or type = $4) and (type collate "C", id) > ($2, $3)
         order by type collate "C", id`,
        [tenant, type, id, query.type ?? null],
        query,
        (user) => [user.type, user.id],
      );
    },

    patchUser: async (settlement, tenant, type, id, patch, relations) => {
      const drop = ownTuples(tenant, relations?.drop ?? []);
      const add = ownTuples(tenant, relations?.add ?? []);
      const takes = patch.status === "suspended" || drop.length > 0;
      const concerned = [...new Set([...(takes ? [tenant] : []), ...tenantsOf([...drop, ...add])])];
      return await change({
        kind: "user.patch",
        settlement,
        chain: tenant,
        takesFrom: takes ? concerned : [],
        bumps: concerned,
        holds: add.length === 0 ? [] : [tenant],
        judged: true,
        work: async (tx, at) => {
          const record = await userRow(
            tx,
            `update bulkhead.subject s set updated_at = bulkhead.now(), role = coalesce($6, role, 'member'),
               status = coalesce($7, status), email = case when $8 then $4 else email end,
               full_name = case when $9 then $5 else full_name end
             where tenant = $1 and type = $2 and id = $3 and type <> 'group' and status <> 'removing'
             returning ${userJson} as record`,
            [
              tenant,
              type,
              id,
              patch.email ?? null,
              patch.fullName ?? null,
              patch.role ?? null,
              patch.status ?? null,
              patch.email !== undefined,
              patch.fullName !== undefined,
            ],
          );
          if (record === undefined) return noSubject();
          if (patch.status === "suspended")
            await tx.rows(
              "update bulkhead.key set changed_n = $4 where tenant = $1 and subject_type = $2 and subject_id = $3",
              [tenant, type, id, at.get(tenant)?.n ?? 0],
            );
          const [named] = await tx.rows<{ ids: string[] }>(
            "select bulkhead.relations_named_v1($1) as ids",
            [JSON.stringify(drop)],
          );
          const gone = await dropRelations(tx, tenant, named?.ids ?? []);
          const come = await addRelations(tx, add, makerOf(settlement));
          return {
            value: record,
            payload: heard([...gone.changes, ...come.changes]),
            outcome: { ...record },
          };
        },
      });
    },

    remove: (settlement, tenant, type, id) =>
      removeSubject(database, change, settlement, { tenant, type, id }),

    createGroup: (settlement, tenant, id) =>
      change({
        kind: "group.create",
        settlement,
        chain: tenant,
        takesFrom: [],
        bumps: [],
        judged: true,
        work: async (tx) => {
          await requireLiving(tx, tenant);
          const [row] = await tx.rows<{ at: number }>(
            `insert into bulkhead.subject (tenant, type, id) values ($1, 'group', $2)
             on conflict do nothing returning bulkhead.ms(created_at)::float8 as at`,
            [tenant, id],
          );
          if (row === undefined) throw taken("group");
          const group = { id, createdAt: row.at };
          return { value: group, payload: {}, outcome: { ...group } };
        },
      }),

    listGroups: (tenant, query) => {
      const [after] = readPosition(query.after, 1) ?? [""];
      return page(
        `select jsonb_build_object('id', id, 'createdAt', bulkhead.ms(created_at)) as record from bulkhead.subject
         where tenant = $1 and type = 'group' and status = 'active' and id > $2 order by id`,
        [tenant, after],
        query,
        (group) => [group.id],
      );
    },
  };
};
