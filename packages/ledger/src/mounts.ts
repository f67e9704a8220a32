import { FileError, type Settlement } from "@bulkhead/contract";
import type { Change, Changes } from "./change.ts";
import { type Database, type Queries, toJson } from "./database.ts";
import { codeOf } from "./errors.ts";
import { makerOf } from "./relation-rows.ts";
import {
  mountCredentials,
  type Mounts,
  type MountsBasis,
  type NewMount,
  retireKind,
  runtimeMountId,
  type StoredMount,
} from "./types-mounts.ts";
import type { SealedSecret } from "./types-provisioning.ts";
import { platformUid } from "./types.ts";

const noMount = (): FileError => new FileError("not-found", "There is no such mount.");

const stale = (): FileError =>
  new FileError("conflict", "The mounts changed meanwhile; try again.");

/** A storage that is away may be so for long. */
const retireAttempts = 1000;

const uidOf = ({ tenant }: StoredMount): string => tenant?.uid ?? platformUid;

/** Keeps mounts. Every change moves the platform's revision, on which the mount table's snapshot stands. */
export const createMounts = (database: Database, change: Changes): Mounts => {
  const alter = (
    kind: string,
    settlement: Settlement,
    uids: readonly string[],
    takes: boolean,
    ids: readonly string[],
    work: (tx: Queries) => Promise<void>,
  ): Promise<void> => {
    const [only, ...others] = new Set(uids);
    const altered: Change<void> = {
      kind,
      settlement,
      chain: only !== undefined && others.length === 0 ? only : platformUid,
      takesFrom: takes ? uids : [],
      bumps: [platformUid, ...uids],
      work: async (tx) => {
        await work(tx);
        return { value: undefined, payload: { mounts: ids }, outcome: { mounts: ids } };
      },
    };
    return change(altered);
  };

  return {
    apply: async (settlement, { add, remove, retire, basis }) => {
      const uids = [...add.map(({ tenantUid }) => tenantUid ?? platformUid), ...remove.map(uidOf)];
      const ids = [...add, ...remove].map(({ id }) => id);
      await alter("mount.apply", settlement, uids, true, ids, async (tx) => {
        await checkBasis(tx, basis);
        for (const { id } of remove)
          await tx.rows("delete from bulkhead.mount where id = $1", [id]);
        const later = new Set(retire.map(({ id }) => id));
        await dropSecrets(
          tx,
          remove.filter(({ id }) => !later.has(id)),
        );
        for (const mount of retire)
          await tx.rows("select bulkhead.job_enqueue_v1($1, $2::uuid, $3, null, $4)", [
            retireKind,
            uidOf(mount),
            toJson({ mount }),
            retireAttempts,
          ]);
        for (const mount of add) await insertMount(tx, settlement, mount);
        for (const uid of new Set(uids)) await checkLimit(tx, uid);
        await forget(tx, remove);
      });
      // What had been granted before it was gone has been settled by now, and charged once more.
      await forget(database, remove);
    },
    retired: async (mount) => {
      await dropSecrets(database, [mount]);
      await forget(database, [mount]);
    },
    retiring: async (uid) => {
      const rows = await database.rows(
        "select from bulkhead.job where kind = $1 and tenant = $2::uuid and state not in ('done', 'dead') limit 1",
        [retireKind, uid],
      );
      return rows.length > 0;
    },
    rotate: (settlement, mount, credentials) =>
      alter("mount.rotate", settlement, [uidOf(mount)], false, [mount.id], async (tx) => {
        const rows = await tx.rows(
          `update bulkhead.mount set generation = nextval('bulkhead.mount_generation'), updated_at = bulkhead.now()
           where id = $1 returning id`,
          [mount.id],
        );
        if (rows.length === 0) throw noMount();
        await seal(tx, uidOf(mount), mount.id, credentials);
      }),
  };
};

/** Under the lock of the platform's revision, which every such change moves first. */
const checkBasis = async (tx: Queries, basis: MountsBasis): Promise<void> => {
  const [row] = await tx.rows<{ count: string; latest: string }>(
    "select count(*) as count, coalesce(max(generation), 0) as latest from bulkhead.mount",
    [],
  );
  if (Number(row?.count) !== basis.count || Number(row?.latest) !== basis.latest) throw stale();
};

/** Writes down a mount, in a transaction that moves the platform's revision and names it there. */
export const insertMount = async (
  tx: Queries,
  settlement: Settlement,
  mount: NewMount,
): Promise<void> => {
  const uid = mount.tenantUid ?? platformUid;
  try {
    const made = await tx.rows(
      `insert into bulkhead.mount (id, path, tenant, backend, storage, priority, created_by)
       select $1::uuid, $2, $3::uuid, $4, $5::jsonb, $6::integer, $7
       where $3::uuid = $8::uuid or exists (select 1 from bulkhead.tenant t where t.uid = $3::uuid
         and t.status not in ('deleting', 'deleted')) returning id`,
      [
        mount.id,
        mount.path,
        uid,
        mount.backend,
        toJson(mount.storage),
        mount.priority,
        makerOf(settlement),
        platformUid,
      ],
    );
    if (made.length === 0) throw stale();
  } catch (error) {
    throw codeOf(error) === "23505" ? stale() : error;
  }
  if (mount.credentials !== undefined) await seal(tx, uid, mount.id, mount.credentials);
};

const seal = async (
  tx: Queries,
  uid: string,
  id: string,
  { keyId, sealed }: SealedSecret,
): Promise<void> => {
  await tx.rows(
    `insert into bulkhead.secret (tenant, name, key_id, sealed) values ($1, $2, $3, $4)
     on conflict (tenant, name) do update set key_id = excluded.key_id, sealed = excluded.sealed,
       updated_at = bulkhead.now()`,
    [uid, mountCredentials(id), keyId, sealed],
  );
};

const dropSecrets = async (tx: Queries, gone: readonly StoredMount[]): Promise<void> => {
  await tx.rows(
    `delete from bulkhead.secret s using unnest($1::uuid[], $2::text[]) as g (tenant, name)
     where s.tenant = g.tenant and s.name = g.name`,
    [gone.map(uidOf), gone.map(({ id }) => mountCredentials(id))],
  );
};

/** A tenant may have a limit of mounts. Throws `quota-exceeded`. */
const checkLimit = async (tx: Queries, uid: string): Promise<void> => {
  const [row] = await tx.rows<{ allowed: string | null; used: string }>(
    `select t.limits->>'mounts' as allowed, (select count(*) from bulkhead.mount m where m.tenant = t.uid
       and not m.storage ? 'made') as used
     from bulkhead.tenant t where t.uid = $1`,
    [uid],
  );
  const limit = row?.allowed ?? null;
  if (row === undefined || limit === null || Number(row.used) <= Number(limit)) return;
  throw new FileError("quota-exceeded", "The tenant has as many mounts as it may have.", {
    fields: { resource: "mounts", limit: Number(limit), used: Number(row.used) - 1, requested: 1 },
  });
};

const forget = async (tx: Queries, gone: readonly StoredMount[]): Promise<void> => {
  if (gone.length === 0) return;
  await tx.rows("select bulkhead.mount_forget_v1(m) from unnest($1::text[]) m", [
    gone.map(({ id }) => runtimeMountId(id)),
  ]);
};

/** Ends the mounts of a tenant that is ended, and answers their ids. */
export const endMounts = async (tx: Queries, uid: string): Promise<readonly string[]> => {
  const gone = await tx.rows<{ id: string }>(
    "delete from bulkhead.mount where tenant = $1 returning id",
    [uid],
  );
  if (gone.length > 0)
    await tx.rows("select bulkhead.mount_forget_v1(m) from unnest($1::text[]) m", [
      gone.map(({ id }) => runtimeMountId(id)),
    ]);
  return gone.map(({ id }) => id);
};
