import { reasonOf, type VirtualPath } from "@bulkhead/contract";
import type { Ledger, StoredMount } from "@bulkhead/ledger";
import type { MountStore } from "@bulkhead/policy";
import type { Closers } from "./closers.ts";
import type { Mount } from "@bulkhead/vfs";
import type { MountTemplates } from "./mount-templates.ts";
import type { EngineOptions } from "./engine-options.ts";
import { mountStore } from "./mount-store.ts";
import { areasOf } from "./root-folders.ts";
import { askStorage } from "./ask-storage.ts";
import { type RootsTable, rootsTable } from "./roots.ts";
import type { Sealer } from "./seal.ts";
import type { StoredTrees } from "./stored-trees.ts";

export interface OpenMountsOptions {
  readonly options: EngineOptions;
  readonly ledger: Pick<Ledger, "mounts" | "tenants" | "jobs">;
  readonly roots: RootsTable;
  readonly sealing: Pick<Sealer, "seal">;
  readonly tenantAt: (path: VirtualPath) => string | undefined;
  readonly trees: Pick<StoredTrees, "isTree">;
}

/** What mounts ask the table for when they open, which is after they were put into it. */
export interface TableGround {
  rootAt: RootsTable["rootAt"];
  stored: (id: string) => StoredMount | undefined;
}

export const noGround = (): TableGround => ({ rootAt: () => undefined, stored: () => undefined });

/** The table of all mounts, which are closed with the engine; the operator is told of one that keeps its place and cannot be opened there. */
export const openTable = async (
  feed: Ledger["roots"],
  fixed: readonly Mount[],
  templates: Pick<MountTemplates, "root" | "stored">,
  log: EngineOptions["log"],
  opened: Closers,
  ground: TableGround,
): Promise<RootsTable> => {
  const roots = await rootsTable({
    feed,
    fixed,
    mountRoot: templates.root,
    mountStored: templates.stored,
    misplaced: ({ id, path }, error) =>
      log("mount-misplaced", {
        mount: id,
        path,
        error: reasonOf(error),
      }),
  });
  ground.rootAt = roots.rootAt;
  ground.stored = (id) => roots.stored().get(id);
  opened.add(async () => {
    const ended = await Promise.allSettled(
      [...roots.table().mounts()].map((mount) => mount.backend.close()),
    );
    const failed = ended.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  });
  return roots;
};

/** The mounts that are made while the server runs. */
export const openMounts = ({
  options,
  ledger,
  roots,
  sealing,
  tenantAt,
  trees,
}: OpenMountsOptions): MountStore =>
  mountStore({
    ledger,
    roots,
    backends: options.backends ?? {},
    configured: options.mounts,
    namespaceRoots: options.namespaceRoots,
    areas: areasOf(options.placements, options.dataDir),
    ledgerRegion: options.region,
    sealer: sealing,
    tenantAt,
    ask: askStorage(options.backends ?? {}),
    isTree: trees.isTree,
    wake: ledger.jobs.wake,
  });
