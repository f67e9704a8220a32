import { FileError } from "@bulkhead/contract";
import type { Database } from "./database.ts";
import { functionCall } from "./function-call.ts";
import { platformUid } from "./types.ts";
import type { TreeHousekeeping } from "./types-trees.ts";

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
