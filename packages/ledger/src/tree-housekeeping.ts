import { FileError } from "@bulkhead/contract";
import type { Database } from "./database.ts";
import { functionCall } from "./function-call.ts";
import { platformUid } from "./types.ts";
import type { PastContents, TreeHousekeeping } from "./types-trees.ts";

const statements = {
  ensure: functionCall("tree_ensure_v1", 3),
  drop: functionCall("tree_drop_v1", 2),
  weigh: functionCall("blobs_weigh_v1", 2),
  bury: functionCall("blobs_bury_v1", 2),
  due: functionCall("blobs_due_v1", 3),
  unknown: functionCall("blobs_unknown_v1", 1),
  page: functionCall("blobs_page_v1", 3),
  damaged: functionCall("inline_damaged_v2", 4),
  prune: functionCall("versions_prune_v1", 5),
  recount: functionCall("trees_recount_v1", 1),
} as const;

/** Rows of one transaction: long enough to be worth it, short enough to hold nobody up. */
const batch = 2000;

const uidOf = (tenant: string | undefined): string => tenant ?? platformUid;

interface DamagedRow {
  readonly node: string;
  readonly version: string;
}
interface Place {
  readonly node: string;
  readonly n: number;
}
interface DamagedPage {
  readonly damaged: readonly DamagedRow[];
  readonly next: Place | null;
}

interface PastRow {
  readonly size: string;
  readonly in_rows: boolean;
}

const pastOf = ({ size, in_rows: inRows }: PastRow): PastContents => ({
  size: Number(size),
  inRows,
});

/** What the server does for trees, as `bulkhead_system`. */
export const createTreeHousekeeping = (database: Database): TreeHousekeeping => ({
  ensure: async (tenant, mount, content) => {
    const tree = await database.call<{ id: string; tenant: string; content: string }>(
      statements.ensure,
      [uidOf(tenant), mount, content],
    );
    if (tree.tenant !== uidOf(tenant))
      throw new FileError("conflict", "The tree of this mount belongs to another tenant.");
    return { id: tree.id, tenant, content: tree.content };
  },
  drop: async (mount) => {
    for (;;) if (await database.call<boolean>(statements.drop, [mount, batch])) return;
  },
  weighBlobs: (content, graceMs) => database.call(statements.weigh, [content, graceMs]),
  buryBlobs: async (content, limit) =>
    Number(await database.call<string>(statements.bury, [content, limit])),
  dueBlobs: (content, graceMs, limit) => database.call(statements.due, [content, graceMs, limit]),
  unknownBlobs: (ids) => database.call(statements.unknown, [ids]),
  forgetBlobs: async (ids) => {
    await database.rows("delete from bulkhead.blob_tombstone where id = any ($1::uuid[])", [ids]);
  },
  blobsAfter: (content, after, limit) =>
    database.call(statements.page, [content, after ?? platformUid, limit]),
  contentsApart: async (mount, versions) => {
    const [tree] = await database.rows<{ id: string }>(
      "select id from bulkhead.tree where mount = $1",
      [mount],
    );
    if (tree === undefined) return undefined;
    const rows = await database.rows<{ n: string }>(
      "select n from bulkhead.node_version where tree = $1 and n = any ($2::bigint[]) and blob is not null",
      [tree.id, versions],
    );
    return new Set(rows.map(({ n }) => n));
  },
  pastOf: async (mount, versions) =>
    new Map(
      (
        await database.rows<PastRow & { live: string }>(
          `select v.n as live, sum(p.size) as size, bool_or(p.blob is null and p.size > 0) as in_rows
           from bulkhead.tree t join bulkhead.node_version v on v.tree = t.id and v.n = any ($2::bigint[])
             join bulkhead.node_version p on p.tree = v.tree and p.node = v.node and p.kind = 'write' and p.n <> v.n
           where t.mount = $1 group by v.n`,
          [mount, versions],
        )
      ).map((row) => [row.live, pastOf(row)]),
    ),
  removedFrom: async (mount, after, limit) =>
    (
      await database.rows<PastRow & { path: string; n: string }>(
        `select r.path, r.n, w.size, w.in_rows from bulkhead.tree t
           join bulkhead.node_version r on r.tree = t.id and r.kind = 'remove' and (r.path, r.n) > ($2, $3::bigint)
           cross join lateral (select coalesce(sum(p.size), 0) as size,
               coalesce(bool_or(p.blob is null and p.size > 0), false) as in_rows
             from bulkhead.node_version p where p.tree = r.tree and p.node = r.node and p.kind = 'write') w
         where t.mount = $1 order by r.path, r.n limit $4`,
        [mount, after.path, after.n, limit],
      )
    ).map((row) => ({ path: row.path, n: row.n, ...pastOf(row) })),
  damagedRows: async (tree, limit = 500) => {
    const damaged: DamagedRow[] = [];
    let after: Place | null = { node: platformUid, n: -1 };
    while (after !== null) {
      const page: DamagedPage = await database.call<DamagedPage>(statements.damaged, [
        tree,
        after.node,
        after.n,
        limit,
      ]);
      damaged.push(...page.damaged);
      after = page.next;
    }
    return damaged;
  },
  prune: async (tree, maxAgeMs, maxVersions) => {
    let pruned = 0;
    for (;;) {
      const gone = Number(
        await database.call<string>(statements.prune, [
          uidOf(tree.tenant),
          tree.id,
          maxAgeMs,
          maxVersions,
          batch,
        ]),
      );
      pruned += gone;
      if (gone < batch) return pruned;
    }
  },
  recount: (tenant) => database.call(statements.recount, [uidOf(tenant)]),
});
