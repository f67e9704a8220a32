import { FileError, type KeyRecord, type PageQuery } from "@bulkhead/contract";
import type { Changes } from "./change.ts";
import type { Database, Queries } from "./database.ts";
import { pageLimitOf, readPosition, writePosition } from "./position.ts";
import { registerSubject, requireLiving as requireTenant } from "./subject-rows.ts";
import { type KeyStore, type NewKey, platformUid } from "./types.ts";

const missing = (): never => {
  throw new FileError("not-found", "There is no such key.");
};

const json = "bulkhead.key_json_v1(k)";

/** A key without a subject of its own acts as the service of its id, which nobody else needs to know of. */
const ownService = ({ id, subject }: NewKey): boolean =>
  subject.type === "service" && subject.id === id;

const insertRow = async (tx: Queries, key: NewKey): Promise<KeyRecord> => {
  const [row] = await tx.rows<{ record: KeyRecord }>(
    `insert into bulkhead.key as k (id, hash, tenant, name, subject_type, subject_id, workspace_prefix, scopes, created_by,
       parent, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, to_timestamp($11::double precision / 1000))
     returning ${json} as record`,
    [
      key.id,
      Buffer.from(key.hash),
      key.tenantUid ?? platformUid,
      key.name,
      key.subject.type,
      key.subject.id,
      key.workspacePrefix ?? null,
      key.scopes,
      key.createdBy,
      key.parent ?? null,
      key.expiresAt ?? null,
    ],
  );
  return row?.record ?? missing();
};

/** Keeps keys. Whatever narrows one takes the tenant's fence and waits for what the key began. */
export const createKeys = (database: Database, scoped: Database, change: Changes): KeyStore => {
  const tenantOf = async (id: string): Promise<string> => {
    const [row] = await database.rows<{ tenant: string }>(
      "select tenant from bulkhead.key where id = $1",
      [id],
    );
    return row?.tenant ?? missing();
  };

  const takeFrom = async (
    kind: string,
    settlement: Parameters<KeyStore["revoke"]>[0],
    id: string,
    work: (tx: Queries, n: number, tenant: string) => Promise<KeyRecord>,
  ): Promise<KeyRecord> => {
    const tenant = await tenantOf(id);
    return await change({
      kind,
      settlement,
      chain: tenant,
      takesFrom: [tenant],
      bumps: [tenant],
      work: async (tx, at) => {
        const value = await work(tx, at.get(tenant)?.n ?? 0, tenant);
        return { value, payload: { key: id }, outcome: { key: value.id } };
      },
    });
  };

  return {
    insert: async (settlement, key) => {
      const tenant = key.tenantUid ?? platformUid;
      return await change({
        kind: "key.mint",
        settlement,
        chain: tenant,
        takesFrom: [],
        // It takes nothing away, and of a key that is not there nothing is kept: no revision moves.
        bumps: [],
        work: async (tx) => {
          await requireLiving(tx, tenant);
          const value = await insertRow(tx, key);
          if (tenant !== platformUid && !ownService(key))
            await registerSubject(tx, tenant, key.subject);
          return { value, payload: {}, outcome: { key: key.id } };
        },
      });
    },
    get: async (id) => {
      const [row] = await database.rows<{ record: KeyRecord }>(
        `select ${json} as record from bulkhead.key k where id = $1`,
        [id],
      );
      return row?.record;
    },
    list: async (tenantUid, query: PageQuery) => {
      const limit = pageLimitOf(query);
      const [at, after] = readPosition(query.after, 2) ?? ["-infinity", ""];
      const tenant = tenantUid ?? platformUid;
      const rows = await scoped.transaction(async (tx) => {
        await tx.rows("select bulkhead.enter_v1($1)", [tenant]);
        return await tx.rows<{ record: KeyRecord; at: string }>(
          `select ${json} as record, created_at::text as at from bulkhead.key k
           where tenant = $1 and (created_at, id) > ($2::timestamptz, $3) order by created_at, id limit $4`,
          [tenant, at, after, limit + 1],
        );
      });
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      const items = rows.slice(0, limit).map((row) => row.record);
      return last === undefined
        ? { items }
        : { items, next: writePosition([last.at, last.record.id]) };
    },
    narrow: (settlement, id, to) =>
      takeFrom("key.narrow", settlement, id, async (tx, n) => {
        const [row] = await tx.rows<{ record: KeyRecord }>(
          `update bulkhead.key as k set name = coalesce($2, name),
             scopes = coalesce((select array_agg(s) from unnest(scopes) s where s = any ($3::text[])),
               case when $3::text[] is null then scopes else '{}' end),
             workspace_prefix = coalesce($4, workspace_prefix),
             expires_at = least(expires_at, to_timestamp($5::double precision / 1000)), changed_n = $6
           where id = $1 and revoked_at is null
             and ($4::text is null or $4 = workspace_prefix
               or ($4 collate "C" >= workspace_prefix || '/' and $4 collate "C" < workspace_prefix || '0'))
           returning ${json} as record`,
          [
            id,
            to.name ?? null,
            to.scopes ?? null,
            to.workspacePrefix ?? null,
            to.expiresAt ?? null,
            n,
          ],
        );
        if (row !== undefined) return row.record;
        const [alive] = await tx.rows(
          "select 1 from bulkhead.key where id = $1 and revoked_at is null",
          [id],
        );
        if (alive === undefined) return missing();
        // A prefix on a key without one would free it from relations: that is no narrowing.
        throw new FileError(
          "invalid-request",
          "A key's prefix can only become one below the present.",
        );
      }),
    revoke: async (settlement, id) => {
      await takeFrom("key.revoke", settlement, id, async (tx, n) => {
        await tx.rows(
          `with recursive family as (
             select id from bulkhead.key where id = $1
             union select k.id from family f join bulkhead.key k on k.parent = f.id
           ) update bulkhead.key k set revoked_at = bulkhead.now(), changed_n = $2
             from family f where k.id = f.id and k.revoked_at is null`,
          [id, n],
        );
        const [row] = await tx.rows<{ record: KeyRecord }>(
          `select ${json} as record from bulkhead.key k where id = $1`,
          [id],
        );
        return row?.record ?? missing();
      });
    },
    rotate: (settlement, id, successor, overlapMs) =>
      takeFrom("key.rotate", settlement, id, async (tx, n, tenant) => {
        const [old] = await tx.rows<{ parent: string | null }>(
          `update bulkhead.key set changed_n = $3, expires_at = least(expires_at,
             bulkhead.now() + $2::double precision * interval '1 millisecond')
           where id = $1 and revoked_at is null and (expires_at is null or expires_at > bulkhead.now()) returning parent`,
          [id, overlapMs, n],
        );
        if (old === undefined) return missing();
        await requireLiving(tx, tenant);
        // The successor takes the old key's place in the family: what bounded that bounds this, and what was minted
        // with it lives on.
        await tx.rows("select set_config('bulkhead.replaces', 'keys', true)");
        const record = await insertRow(tx, {
          ...successor,
          tenantUid: tenant,
          parent: old.parent ?? undefined,
        });
        await tx.rows("update bulkhead.key set parent = $2 where parent = $1", [id, successor.id]);
        return record;
      }),
  };
};

/** Refuses keys for a tenant that ends; the change holds its fence. */
const requireLiving = async (tx: Queries, tenant: string): Promise<void> => {
  if (tenant !== platformUid) await requireTenant(tx, tenant);
};
