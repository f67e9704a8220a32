import { reasonOf } from "@bulkhead/contract";
import type { Leases } from "@bulkhead/ledger";
import type { MountTemplates } from "./mount-templates.ts";
import { isDead, thisProcess } from "./process-holder.ts";
import type { RootsTable } from "./roots.ts";

export interface CollectorOptions {
  readonly leases: Leases;
  readonly roots: Pick<RootsTable, "all">;
  readonly templates: Pick<MountTemplates, "collect">;
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
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  const pass = async (): Promise<void> => {
    const lease = await leases.acquire(collectorLease, await thisProcess(), everyMs / 2, isDead);
    if (lease === undefined) return;
    try {
      for (const root of roots.all()) {
        if (stopping.signal.aborted) return;
        await templates.collect(root, stopping.signal).catch((error: unknown) => {
          if (!stopping.signal.aborted)
            log("collect-failed", {
              root: root.path,
              error: reasonOf(error),
            });
        });
      }
    } finally {
      await leases.release(collectorLease, lease.fencing);
    }
  };

  const timer = setInterval(() => {
    running = running
      .then(pass)
      .catch((error: unknown) => log("collect-failed", { error: reasonOf(error) }));
  }, everyMs).unref();

  return async () => {
    clearInterval(timer);
    stopping.abort();
    await running;
  };
};
