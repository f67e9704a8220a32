import { FileError, type ModelRecord, type Settlement } from "@bulkhead/contract";
import type { Change, Changes } from "./change.ts";
import { type Database, toJson } from "./database.ts";
import { codeOf } from "./errors.ts";
import { isUuid } from "./is-uuid.ts";
import { pageLimitOf, readPosition, writePosition } from "./position.ts";
import { makerOf, mostTuples } from "./relation-rows.ts";
import { requireLiving } from "./subject-rows.ts";
import type { ModelStore, ModelTuple, StoredModelTuple } from "./types-shares.ts";
import { platformUid } from "./types.ts";

const modelJson = `jsonb_build_object('name', m.name, 'source', m.source,
  'tenant', (select t.id from bulkhead.tenant t where t.uid = m.tenant),
  'createdAt', bulkhead.ms(m.created_at), 'updatedAt', bulkhead.ms(m.updated_at))`;

const tupleJson = `jsonb_strip_nulls(jsonb_build_object('id', r.id,
    'subject', jsonb_build_object('type', r.subject_type, 'id', r.subject_id, 'relation', nullif(r.subject_relation, '')),
    'relation', r.relation, 'object', jsonb_build_object('type', r.object_type, 'id', r.object_id),
    'expiresAt', bulkhead.ms(r.expires_at), 'createdAt', bulkhead.ms(r.created_at), 'createdBy', r.created_by))
  || case when r.condition is null then '{}' else jsonb_build_object('condition',
    jsonb_build_object('name', r.condition, 'context', r.context)) end`;

/** Most tuples of a page: they are read in bulk, by an interpreter. */
const longestPage = 10_000;

type TupleJson = Omit<StoredModelTuple, "expiresAt"> & { readonly expiresAt?: number };

const tupleOf = (json: TupleJson): StoredModelTuple => ({ ...json, expiresAt: json.expiresAt });

const keyOf = ({ subject, relation, object }: Omit<ModelTuple, "expiresAt">): string =>
  JSON.stringify([subject.type, subject.id, subject.relation, relation, object.type, object.id]);

const noModel = (cause?: unknown): FileError =>
  new FileError("not-found", "There is no such model.", cause === undefined ? {} : { cause });

/** Keeps tenants' own models and what stands on them. Nothing else is decided on them: no revision moves. */
export const createModels = (database: Database, change: Changes): ModelStore => {
  const alter = <T>(
    kind: string,
    settlement: Settlement,
    tenant: string,
    work: Change<T>["work"],
  ): Promise<T> =>
    change({ kind, settlement, chain: tenant, takesFrom: [], bumps: [], judged: true, work });

  return {
    put: (settlement, tenant, { name, source }) =>
      alter("model.put", settlement, tenant, async (tx) => {
        await requireLiving(tx, tenant);
        const [row] = await tx.rows<{ record: ModelRecord }>(
          `insert into bulkhead.model as m (tenant, name, source) values ($1, $2, $3)
           on conflict (tenant, name) do update set source = excluded.source, updated_at = bulkhead.now()
           returning ${modelJson} as record`,
          [tenant, name, source],
        );
        if (row === undefined) throw noModel();
        return { value: row.record, payload: {}, outcome: { model: name } };
      }),

    get: async (tenant, name) => {
      const [row] = await database.rows<{ record: ModelRecord }>(
        `select ${modelJson} as record from bulkhead.model m where tenant = $1 and name = $2`,
        [tenant, name],
      );
      return row?.record;
    },

    list: async (tenant, query) => {
      const limit = pageLimitOf(query);
      const [after] = readPosition(query.after, 1) ?? [""];
      const rows = await database.rows<{ record: ModelRecord }>(
        `select ${modelJson} as record from bulkhead.model m where tenant = $1 and name > $2
         order by name limit ${limit + 1}`,
        [tenant, after],
      );
      const items = rows.slice(0, limit).map((row) => row.record);
      const last = rows.length > limit ? items.at(-1) : undefined;
      return last === undefined ? { items } : { items, next: writePosition([last.name]) };
    },

    remove: async (settlement, tenant, name) => {
      await alter("model.remove", settlement, tenant, async (tx) => {
        const gone = await tx.rows(
          "delete from bulkhead.model where tenant = $1 and name = $2 returning name",
          [tenant, name],
        );
        if (gone.length === 0) throw noModel();
        return { value: undefined, payload: {}, outcome: { model: name } };
      });
    },

    write: (settlement, tenant, name, tuples) => {
      if (tuples.length > mostTuples)
        throw new FileError("invalid-request", `At most ${mostTuples} relations at a time.`);
      const once = [...new Map(tuples.map((tuple) => [keyOf(tuple), tuple])).values()];
      return alter("model.write", settlement, tenant, async (tx) => {
        const rows = await orNoModel(
          tx.rows<{ record: TupleJson }>(
            `insert into bulkhead.model_relation as r (tenant, model, object_type, object_id, relation, subject_type,
               subject_id, subject_relation, condition, context, expires_at, created_by)
             select $1, $2, t.value->'object'->>'type', t.value->'object'->>'id', t.value->>'relation',
               t.value->'subject'->>'type', t.value->'subject'->>'id', coalesce(t.value->'subject'->>'relation', ''),
               t.value->'condition'->>'name', t.value->'condition'->'context',
               to_timestamp((t.value->>'expiresAt')::double precision / 1000), $4
             from jsonb_array_elements($3::jsonb) t
             on conflict on constraint model_relation_tuple do update set condition = excluded.condition,
               context = excluded.context, expires_at = excluded.expires_at
             returning ${tupleJson} as record`,
            [tenant, name, toJson(once), makerOf(settlement)],
          ),
        );
        const found = new Map(rows.map(({ record }) => [keyOf(record), tupleOf(record)]));
        const value = tuples.flatMap((tuple) => found.get(keyOf(tuple)) ?? []);
        return { value, payload: {}, outcome: { relations: value.map(({ id }) => id) } };
      });
    },

    delete: (settlement, tenant, ids) => {
      if (ids.length > mostTuples)
        throw new FileError("invalid-request", `At most ${mostTuples} relations at a time.`);
      return alter("model.delete", settlement, tenant, async (tx) => {
        const rows = await tx.rows<{ record: TupleJson }>(
          `delete from bulkhead.model_relation r where tenant = $1 and id = any ($2::uuid[])
           returning ${tupleJson} as record`,
          [tenant, ids.filter(isUuid)],
        );
        const value = rows.map((row) => tupleOf(row.record));
        return { value, payload: {}, outcome: { revoked: value.length } };
      });
    },

    find: async (id) => {
      if (!isUuid(id)) return undefined;
      const [row] = await database.rows<{ tenant: string; model: string; record: TupleJson }>(
        `select tenant, model, ${tupleJson} as record from bulkhead.model_relation r where id = $1`,
        [id],
      );
      return row && { tenant: row.tenant, model: row.model, tuple: tupleOf(row.record) };
    },

    read: async (tenant, name, filter, { after, limit }) => {
      if (!Number.isInteger(limit) || limit < 1 || limit > longestPage)
        throw new FileError("invalid-request", `A page holds 1 to ${longestPage} relations.`);
      const [from] = readPosition(after, 1) ?? [platformUid];
      const { subject, relation, object } = filter;
      const rows = await database.rows<{ record: TupleJson }>(
        `select ${tupleJson} as record from bulkhead.model_relation r
         where tenant = $1 and model = $2 and id > $3 and (expires_at is null or expires_at > bulkhead.now())
           and ($4::text is null or subject_type = $4) and ($5::text is null or subject_id = $5)
           and ($6::text is null or subject_relation = $6) and ($7::text is null or relation = $7)
           and ($8::text is null or object_type = $8) and ($9::text is null or object_id = $9)
         order by id limit ${limit + 1}`,
        [
          tenant,
          name,
          from,
          subject?.type ?? null,
          subject?.id ?? null,
          subject?.relation ?? null,
          relation ?? null,
          object?.type ?? null,
          object?.id ?? null,
        ],
      );
      const items = rows.slice(0, limit).map((row) => tupleOf(row.record));
      const last = rows.length > limit ? items.at(-1) : undefined;
      return last === undefined ? { items } : { items, next: writePosition([last.id]) };
    },
  };
};

const orNoModel = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    throw codeOf(error) === "23503" ? noModel(error) : error;
  }
};
