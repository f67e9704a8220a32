import { FileError, numberedName, parseVirtualPath } from "@bulkhead/contract";
import type { Changes } from "./change.ts";
import type { Database, Queries } from "./database.ts";
import { isUuid } from "./is-uuid.ts";
import { pageLimitOf, readPosition, writePosition } from "./position.ts";
import {
  addRelations,
  dropRelations,
  heard,
  makerOf,
  requireObject,
  requireStill,
} from "./relation-rows.ts";
import { plainSubject, plainTuple, type RelationJson } from "./stored-tuple.ts";
import { requireLiving } from "./subject-rows.ts";
import type { NewShare, ShareStore, StoredShare } from "./types-shares.ts";
import { platformUid } from "./types.ts";

/** What was tidied away after its time expired; only what ended before was revoked. */
const status = `case when s.revoked_at < coalesce(s.expires_at, 'infinity') then 'revoked'
  when s.revoked_at is not null or s.expires_at <= bulkhead.now() or s.uses >= s.max_uses then 'expired' else 'active' end`;

const json = `jsonb_strip_nulls(jsonb_build_object('id', s.id, 'sourceTenant', s.tenant,
  'subject', case when s.subject_tenant is not null then jsonb_build_object('tenant', s.subject_tenant,
    'type', s.subject_type, 'id', s.subject_id, 'relation', nullif(s.subject_relation, '')) end,
  'path', s.path, 'target', s.target, 'permission', s.permission, 'relation', s.relation,
  'passwordHash', s.password_hash, 'createdAt', bulkhead.ms(s.created_at), 'createdBy', s.created_by,
  'expiresAt', bulkhead.ms(s.expires_at), 'maxUses', s.max_uses, 'uses', s.uses, 'status', ${status}))`;

type Optional = "subject" | "target" | "relation" | "passwordHash" | "expiresAt" | "maxUses";
type ShareJson = Omit<StoredShare, Optional | "path"> & {
  readonly [K in Optional]?: Exclude<StoredShare[K], undefined>;
} & { readonly path: string };

const shareOf = (given: ShareJson): StoredShare => ({
  id: given.id,
  sourceTenant: given.sourceTenant,
  subject: given.subject,
  path: parseVirtualPath(given.path),
  target: given.target,
  permission: given.permission,
  relation: given.relation,
  passwordHash: given.passwordHash,
  createdAt: given.createdAt,
  createdBy: given.createdBy,
  expiresAt: given.expiresAt,
  maxUses: given.maxUses,
  uses: given.uses,
  status: given.status,
});

const one = async (
  queries: Queries,
  text: string,
  values: readonly unknown[],
): Promise<StoredShare | undefined> => {
  const [row] = await queries.rows<{ record: ShareJson }>(text, values);
  return row && shareOf(row.record);
};

const missing = (): FileError => new FileError("not-found", "There is no such share.");

/** The wanted name, or the first with a suffix that no live share between the two tenants has. */
const freeName = async (tx: Queries, share: NewShare): Promise<string | null> => {
  const { target, subject, sourceTenant } = share;
  if (target === undefined || subject === undefined) return null;
  const rows = await tx.rows<{ target: string }>(
    `select target from bulkhead.share s where subject_tenant = $1 and tenant = $2 and target is not null
       and ${status} = 'active'`,
    [subject.tenant, sourceTenant],
  );
  const names = new Set(rows.map((row) => row.target));
  for (let i = 1; ; i++) {
    const name = numberedName(target, i);
    if (!names.has(name)) return name;
  }
};

/** Keeps shares with the relations that carry them. */
export const createShares = (database: Database, change: Changes): ShareStore => {
  const get = async (queries: Queries, id: string): Promise<StoredShare | undefined> =>
    isUuid(id)
      ? await one(queries, `select ${json} as record from bulkhead.share s where id = $1`, [id])
      : undefined;

  const sides = (share: Pick<StoredShare, "sourceTenant" | "subject">): string[] => [
    ...new Set([share.sourceTenant, share.subject?.tenant ?? share.sourceTenant]),
  ];

  return {
    create: (settlement, given, existence) => {
      const subject = given.subject && plainSubject(given.subject);
      const { sourceTenant: tenant } = given;
      if ((subject === undefined) === (given.tokenHash === undefined))
        throw new FileError("invalid-request", "A share is for a subject or a link.");
      return change({
        kind: "share.create",
        settlement,
        chain: tenant,
        takesFrom: [],
        bumps: sides(given),
        holds: [tenant],
        judged: true,
        work: async (tx, at) => {
          await requireLiving(tx, tenant);
          await requireStill(tx, tenant, [given.path]);
          await requireObject(tx, settlement, tenant, existence);
          const made = await one(
            tx,
            `insert into bulkhead.share as s (tenant, subject_tenant, subject_type, subject_id, subject_relation, path,
               target, permission, token_hash, password_hash, expires_at, max_uses, created_by)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, to_timestamp($11::double precision / 1000), $12, $13)
             returning ${json} as record`,
            [
              tenant,
              subject?.tenant ?? null,
              subject?.type ?? null,
              subject?.id ?? null,
              subject && (subject.relation ?? ""),
              given.path,
              await freeName(tx, given),
              given.permission,
              given.tokenHash === undefined ? null : Buffer.from(given.tokenHash),
              given.passwordHash ?? null,
              given.expiresAt ?? null,
              given.maxUses ?? null,
              makerOf(settlement),
            ],
          );
          const bumped = at.get(tenant);
          if (made === undefined || bumped === undefined) throw missing();
          const revision = { tenant, ...bumped };
          const outcome = { share: made.id };
          if (subject === undefined)
            return { value: { share: made, revision }, payload: heard([]), outcome };
          const tuple = plainTuple({
            subject,
            relation: made.permission === "can_write" ? "editor" : "viewer",
            object: { tenant, type: "file", path: made.path },
            expiresAt: given.expiresAt,
          });
          const added = await addRelations(tx, [tuple], makerOf(settlement), made.id);
          const relation: RelationJson | undefined = added.relations[0];
          await tx.rows("update bulkhead.share set relation = $2 where id = $1", [
            made.id,
            relation?.id,
          ]);
          return {
            value: { share: { ...made, relation: relation?.id }, revision },
            payload: heard(added.changes),
            outcome,
          };
        },
      });
    },

    get: (id) => get(database, id),

    list: async (query) => {
      const limit = pageLimitOf(query);
      const [after] = readPosition(query.after, 1) ?? [platformUid];
      const rows = await database.rows<{ record: ShareJson }>(
        `select ${json} as record from bulkhead.share s
         where id > $1 and ($2::uuid is null or tenant = $2 or subject_tenant = $2) and ($3::uuid is null or tenant = $3)
           and ($4::uuid is null or subject_tenant = $4) and ($5::text is null or ${status} = $5)
         order by id limit ${limit + 1}`,
        [
          after,
          query.tenant ?? null,
          query.source ?? null,
          query.target ?? null,
          query.status ?? null,
        ],
      );
      const items = rows.slice(0, limit).map((row) => shareOf(row.record));
      const last = rows.length > limit ? items.at(-1) : undefined;
      return last === undefined ? { items } : { items, next: writePosition([last.id]) };
    },

    revoke: async (settlement, id) => {
      const share = await get(database, id);
      if (share === undefined) throw missing();
      const concerned = sides(share);
      return await change({
        kind: "share.revoke",
        settlement,
        chain: share.sourceTenant,
        takesFrom: concerned,
        bumps: concerned,
        judged: true,
        work: async (tx) => {
          const [carried] = await tx.rows<{ ids: string[] }>(
            "select coalesce(array_agg(id), '{}') as ids from bulkhead.relation where share = $1 and tenant = $2",
            [id, share.sourceTenant],
          );
          const { changes } = await dropRelations(tx, share.sourceTenant, carried?.ids ?? []);
          const ended = await one(
            tx,
            `update bulkhead.share s set revoked_at = coalesce(revoked_at, bulkhead.now()), relation = null
             where id = $1 returning ${json} as record`,
            [id],
          );
          if (ended === undefined) throw missing();
          return { value: ended, payload: heard(changes), outcome: { share: id } };
        },
      });
    },

    byToken: (tokenHash) =>
      one(database, `select ${json} as record from bulkhead.share s where token_hash = $1`, [
        Buffer.from(tokenHash),
      ]),

    use: async (id) => {
      if (!isUuid(id)) return undefined;
      return await one(
        database,
        `update bulkhead.share s set uses = uses + 1 where id = $1 and ${status} = 'active'
           and not exists (select 1 from bulkhead.tenant t where t.uid in (s.tenant, s.subject_tenant)
             and t.status not in ('active', 'trial'))
         returning ${json} as record`,
        [id],
      );
    },
  };
};
