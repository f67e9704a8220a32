import { setImmediate as rest } from "node:timers/promises";
import { FileError, parent, parseVirtualPath, type VirtualPath } from "@bulkhead/contract";
import type { Database } from "./database.ts";
import { isUuid } from "./is-uuid.ts";
import { type ChangeJson, changeOf, plainSubject } from "./stored-tuple.ts";
import type { RelationStore, StoredSubject, StoredTuple } from "./types-relations.ts";
import { platformUid } from "./types.ts";

const since = {
  name: "relations_since_v1",
  text: "select bulkhead.relations_since_v1($1, $2, $3, $4)",
};
const check = {
  name: "relations_check_v1",
  text: "select bulkhead.relations_check_v1($1, $2, $3, $4, $5, $6)",
};

/** A delta longer than this costs more than a load. */
const longestDelta = 20_000;

interface LoadRow {
  readonly epoch: string | null;
  readonly n: string | null;
  readonly id: string;
  /** Null for the tenant itself: what is the same in almost every row is not sent. */
  readonly tenant: string | null;
  readonly object_type: string;
  readonly object: string;
  readonly subject_tenant: string | null;
  readonly subject_type: StoredSubject["type"];
  readonly subject_id: string;
  readonly subject_relation: "member" | "admin" | null;
  readonly role: StoredTuple["relation"];
  readonly below_only: true | null;
  readonly expires: string | null;
}

const columns = `id, nullif(tenant, $1::uuid) as tenant, object_type, object,
  nullif(subject_tenant, $1::uuid) as subject_tenant, subject_type, subject_id,
  nullif(subject_relation, '') as subject_relation, role, nullif(below_only, false) as below_only,
  bulkhead.ms(expires_at) as expires`;
const page =
  "id > $2::uuid and (expires_at is null or expires_at > bulkhead.now()) order by id limit $3";

/** The revision and a page of one snapshot; plain rows, which arrive in slices, rather than one document. */
const load = `
  select r.epoch, r.n, null::uuid as id, null::uuid as tenant, null as object_type, null as object,
    null::uuid as subject_tenant, null as subject_type, null as subject_id, null as subject_relation, null as role,
    null::boolean as below_only, null::bigint as expires from bulkhead.revision r where r.tenant = $1::uuid
  union all
  (select null, null, p.* from (
    (select ${columns} from bulkhead.relation where tenant = $1::uuid and ${page})
    union all
    (select ${columns} from bulkhead.relation
      where subject_tenant = $1::uuid and tenant <> subject_tenant and ${page})) p order by p.id limit $3)`;

const tupleOfRow = (home: string, row: LoadRow): StoredTuple => {
  const { object_type: type, object, subject_relation: relation } = row;
  const tenant = row.tenant ?? home;
  return {
    subject: {
      tenant: row.subject_tenant ?? home,
      type: row.subject_type,
      id: row.subject_id,
      ...(relation === null ? {} : { relation }),
    },
    relation: row.role,
    object:
      type === "file"
        ? { tenant, type, path: parseVirtualPath(object) }
        : type === "group"
          ? { tenant, type, id: object }
          : { tenant, type: "tenant" },
    expiresAt: row.expires === null ? undefined : Number(row.expires),
    ...(row.below_only === true ? { belowOnly: true } : {}),
  };
};

/** Rows that are read in one go: a whole tenant's would hold up everybody else. */
const stride = 1000;

const tuplesOfRows = async (home: string, rows: readonly LoadRow[]): Promise<StoredTuple[]> => {
  const tuples: StoredTuple[] = [];
  for (const row of rows) {
    if (tuples.length > 0 && tuples.length % stride === 0) await rest();
    tuples.push(tupleOfRow(home, row));
  }
  return tuples;
};

/** The path with all that lies above it, itself last. */
const downTo = (path: VirtualPath): readonly VirtualPath[] => {
  const above = parent(path);
  return above === undefined ? [path] : [...downTo(above), path];
};

/** What graphs in memory are built and kept from, and what answers instead of one. */
export const createRelationFeed = (
  database: Database,
): Pick<RelationStore, "load" | "delta" | "check"> => ({
  load: async (tenant, after, limit) => {
    const rows = await database.rows<LoadRow>(load, [tenant, after ?? platformUid, limit + 1]);
    const revision = rows.find((row) => row.epoch !== null);
    if (revision === undefined) throw new FileError("not-found", "There is no such tenant.");
    const found = rows.filter((row) => row.epoch === null);
    const kept = found.slice(0, limit);
    return {
      tuples: await tuplesOfRows(tenant, kept),
      next: found.length > limit ? kept.at(-1)?.id : undefined,
      revision: { tenant, epoch: revision.epoch ?? "", n: Number(revision.n) },
    };
  },
  delta: async (tenant, { epoch, n }) => {
    const answer = await database.call<{
      epoch: string;
      n: number;
      changes: readonly (readonly ChangeJson[])[];
    } | null>(since, [tenant, epoch, n, longestDelta]);
    if (answer === null) return "gap";
    return {
      changes: answer.changes.flat().map(changeOf),
      revision: { tenant, epoch: answer.epoch, n: answer.n },
    };
  },
  check: async (subject, tenant, path) => {
    const { tenant: home, type, id, relation } = plainSubject(subject);
    if (!isUuid(tenant) || !isUuid(home)) return { read: false, write: false, share: false };
    return await database.call(check, [tenant, downTo(path), home, type, id, relation ?? ""]);
  },
});
