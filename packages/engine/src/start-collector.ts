import { reasonOf } from "@bulkhead/contract";
import type { Leases } from "@bulkhead/ledger";
import type { MountTemplates } from "./mount-templates.ts";
import { isDead, thisProcess } from "./process-holder.ts";
import { repeatedly } from "./repeatedly.ts";
import type { RootsTable } from "./roots.ts";
import type { StoredTrees } from "./stored-trees.ts";

export interface CollectorOptions {
  readonly leases: Leases;
  readonly roots: Pick<RootsTable, "all" | "stored">;
  readonly templates: Pick<MountTemplates, "collect"> & {
    readonly storedTrees: Pick<StoredTrees, "collect">;
  };
  readonly log: (event: string, detail: Readonly<Record<string, unknown>>) => void;
  readonly everyMs?: number;
}

/** Held by the one process of a ledger that collects, and by a backup, during which nobody may. */
export const collectorLease = "collector";

const hourMs = 3_600_000;

/**
 * Takes what nothing needs any more out of every tenant's storage, root after root, once an hour, in one process of a
 * ledger at a time. Returns what stops it.
 */
export const startCollector = (options: CollectorOptions): (() => Promise<void>) => {
  const { leases, roots, templates, log, everyMs = hourMs } = options;

  const failed = (error: unknown, detail: Readonly<Record<string, unknown>> = {}): void =>
    log("collect-failed", { ...detail, error: reasonOf(error) });

  const pass = async (signal: AbortSignal): Promise<void> => {
    const lease = await leases.acquire(collectorLease, await thisProcess(), everyMs / 2, isDead);
    if (lease === undefined) return;
    try {
      const each = async (path: string, collect: () => Promise<void>): Promise<void> => {
        if (signal.aborted) return;
        await collect().catch((error: unknown) => {
          if (!signal.aborted) failed(error, { root: path });
        });
      };
      for (const root of roots.all()) await each(root.path, () => templates.collect(root, signal));
      for (const mount of roots.stored().values())
        await each(mount.path, () => templates.storedTrees.collect(mount, signal));
    } finally {
      await leases.release(collectorLease, lease.fencing);
    }
  };

  return repeatedly(pass, everyMs, failed);
};
