import { FileError } from "@bulkhead/contract";
import type { Bumped, Changes } from "./change.ts";
import { type Database, type Queries, toJson } from "./database.ts";
import { platformUid } from "./types.ts";
import {
  databasePassword,
  type NewDatabase,
  type Provisioning,
  provisionKind,
  type TenantBucket,
} from "./types-provisioning.ts";

/** How often a job may be begun, crashes included: one that is killed again and again is gone on with all the same. */
const defaultAttempts = 1000;

/** Marks a tenant that was just inserted as one to be provisioned, with its secret and its job, in the same transaction. */
export const beginProvisioning = async (
  tx: Queries,
  uid: string,
  database: NewDatabase | undefined,
): Promise<void> => {
  if (database !== undefined)
    await tx.rows(
      "insert into bulkhead.secret (tenant, name, key_id, sealed) values ($1, $2, $3, $4)",
      [uid, databasePassword, database.password.keyId, database.password.sealed],
    );
  await tx.rows(
    `update bulkhead.tenant set status = 'provisioning', database_name = $2,
       provision_job = bulkhead.job_enqueue_v1($3, $1::uuid, $4, null, $5) where uid = $1`,
    [
      uid,
      database?.name ?? null,
      provisionKind,
      toJson({ tenant: uid, ...(database && { database: database.name }) }),
      database?.maxAttempts ?? defaultAttempts,
    ],
  );
};

interface DatabaseRow {
  readonly name: string;
  readonly key_id: string;
  readonly sealed: Uint8Array;
  readonly ready: boolean;
  readonly wanted: boolean;
  readonly generation: string;
}

/** What a tenant is that serves: its trial begins when it was made. */
const serving = "case when trial_ends_at is null then 'active' else 'trial' end";

const overtaken = (): FileError =>
  new FileError("conflict", "What became of the tenant was decided otherwise meanwhile.", {
    retry: "never",
  });

/** Ends the provisioning of tenants, in one way or the other. */
export const createProvisioning = (database: Database, change: Changes): Provisioning => {
  const end = (
    kind: string,
    uid: string,
    set: string,
    already: string,
    after: (tx: Queries) => Promise<void>,
    takes: boolean,
  ): Promise<void> =>
    change({
      kind,
      settlement: undefined,
      chain: uid,
      takesFrom: takes ? [uid] : [],
      bumps: [platformUid, uid],
      work: async (tx: Queries, at: ReadonlyMap<string, Bumped>) => {
        const ended = await tx.rows(
          `update bulkhead.tenant set ${set}, status_n = $2, updated_at = bulkhead.now()
           where uid = $1 and 'provisioning' in (status, status_before) and not database_ready
             and status not in ('deleting', 'deleted') returning id`,
          [uid, at.get(uid)?.n ?? 0],
        );
        if (ended.length > 0) await after(tx);
        else {
          const done = await tx.rows(
            `select from bulkhead.tenant where uid = $1 and provision_job is not null and ${already}`,
            [uid],
          );
          if (done.length === 0) throw overtaken();
        }
        return { value: undefined, payload: { tenant: uid } };
      },
    });

  return {
    database: async (uid) => {
      const [row] = await database.rows<DatabaseRow>(
        `select t.database_name as name, s.key_id, s.sealed, t.database_ready as ready,
           t.status not in ('deleting', 'deleted') as wanted,
           (select min(r.generation) from bulkhead.root r where r.tenant = t.uid) as generation
         from bulkhead.tenant t join bulkhead.secret s on s.tenant = t.uid and s.name = $2
         where t.uid = $1 and t.database_name is not null`,
        [uid, databasePassword],
      );
      return (
        row && {
          name: row.name,
          password: { keyId: row.key_id, sealed: row.sealed },
          ready: row.ready,
          wanted: row.wanted,
          generation: Number(row.generation),
        }
      );
    },
    buckets: (uid) =>
      database.rows<TenantBucket>(
        `select m.id, m.path, m.backend, m.storage->>'bucket' as bucket from bulkhead.mount m
         where m.tenant = $1 and m.storage ? 'made' order by m.path`,
        [uid],
      ),
    takenBuckets: async (names) =>
      (
        await database.rows<{ name: string }>(
          `select m.storage->>'bucket' as name from bulkhead.mount m
           where m.storage ? 'made' and m.storage->>'bucket' = any ($1::text[])`,
          [names],
        )
      ).map(({ name }) => name),
    wanted: async (uid) => {
      const rows = await database.rows(
        "select from bulkhead.tenant where uid = $1 and status not in ('deleting', 'deleted')",
        [uid],
      );
      return rows.length > 0;
    },
    activate: (uid) =>
      end(
        "tenant.provisioned",
        uid,
        `database_ready = true, status = case when status = 'provisioning' then ${serving} else status end,
         status_before = case when status_before = 'provisioning' then ${serving} else status_before end`,
        "database_ready and status not in ('deleting', 'deleted')",
        async (tx) => {
          await tx.rows(
            `with head as (update bulkhead.tenant_head set seq = seq + 1 where uid = $1 returning uid, seq)
             insert into bulkhead.outbox (tenant, seq, kind, payload, created_at)
             select h.uid, h.seq, 'tenant.provisioned', jsonb_build_object('id', t.id, 'databaseName', t.database_name,
                 'buckets', (select coalesce(jsonb_agg(m.storage->>'bucket' order by m.path), '[]') from bulkhead.mount m
                   where m.tenant = t.uid and m.storage ? 'made')),
               bulkhead.now() from head h join bulkhead.tenant t on t.uid = h.uid`,
            [uid],
          );
          await tx.rows("select bulkhead.audit_append_v1($1, $2, 'SUCCESS')", [
            uid,
            toJson({
              actor: "service:bulkhead",
              key: "",
              action: "tenant.provisioned",
              resource: uid,
              requestId: "",
              front: "job",
            }),
          ]);
        },
        false,
      ),
    abandon: (uid) =>
      end(
        "tenant.abandoned",
        uid,
        "status_before = status, status = 'deleting'",
        "not database_ready and status in ('deleting', 'deleted')",
        () => Promise.resolve(),
        true,
      ),
  };
};
