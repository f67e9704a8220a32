import { parseVirtualPath, type TenantRef } from "@bulkhead/contract";
import type { Database } from "./database.ts";
import { platformName, type RootRecord, type Roots, type RootSet } from "./types.ts";

interface RootsRow {
  readonly epoch: string;
  readonly n: number;
  readonly roots: readonly {
    readonly path: string;
    readonly placement: string;
    readonly generation: number;
    readonly tenant: TenantRef;
  }[];
  readonly removed?: readonly string[];
}

const all = { name: "roots_all_v1", text: "select bulkhead.roots_all_v1()" };
const since = { name: "roots_since_v1", text: "select bulkhead.roots_since_v1($1, $2)" };

const setOf = (row: RootsRow): RootSet => ({
  revision: { tenant: platformName, epoch: row.epoch, n: row.n },
  roots: row.roots.map((root): RootRecord => ({ ...root, path: parseVirtualPath(root.path) })),
  removed: (row.removed ?? []).map(parseVirtualPath),
});

/** Tells tenants' roots, each answer from one snapshot. */
export const createRoots = (database: Database): Roots => ({
  all: async () => setOf(await database.call<RootsRow>(all, [])),
  since: async (revision) => {
    const row = await database.call<RootsRow | null>(since, [revision.epoch, revision.n]);
    return row === null ? "reload" : setOf(row);
  },
});
