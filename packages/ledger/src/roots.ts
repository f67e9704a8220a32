import { parseVirtualPath, type TenantRef } from "@bulkhead/contract";
import type { Database } from "./database.ts";
import type { StoredMount } from "./types-mounts.ts";
import type { RootRecord, Roots, RootSet } from "./types-roots.ts";
import { platformName } from "./types.ts";

interface RootsRow {
  readonly epoch: string;
  readonly n: number;
  readonly roots: readonly {
    readonly path: string;
    readonly placement: string;
    readonly generation: number;
    readonly copy: number;
    readonly tenant: TenantRef;
  }[];
  readonly removed?: readonly string[];
  readonly mounts?: readonly MountRow[];
  readonly unmounted?: readonly string[];
}

type MountRow = Omit<StoredMount, "path" | "tenant"> & {
  readonly path: string;
  readonly tenant: TenantRef | null;
};

const all = { name: "roots_all_v2", text: "select bulkhead.roots_all_v2()" };
const since = { name: "roots_since_v2", text: "select bulkhead.roots_since_v2($1, $2)" };

const setOf = (row: RootsRow): RootSet => ({
  revision: { tenant: platformName, epoch: row.epoch, n: row.n },
  roots: row.roots.map((root): RootRecord => ({ ...root, path: parseVirtualPath(root.path) })),
  removed: (row.removed ?? []).map(parseVirtualPath),
  mounts: (row.mounts ?? []).map((mount) => ({
    ...mount,
    path: parseVirtualPath(mount.path),
    tenant: mount.tenant ?? undefined,
  })),
  unmounted: row.unmounted ?? [],
});

/** Tells tenants' roots, each answer from one snapshot. */
export const createRoots = (database: Database): Roots => ({
  all: async () => setOf(await database.call<RootsRow>(all, [])),
  since: async (revision) => {
    const row = await database.call<RootsRow | null>(since, [revision.epoch, revision.n]);
    return row === null ? "reload" : setOf(row);
  },
});
