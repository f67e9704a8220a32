import { reasonOf } from "@bulkhead/contract";
import type { Leases } from "@bulkhead/ledger";
import type { MountTemplates } from "./mount-templates.ts";
import { isDead, thisProcess } from "./process-holder.ts";
import { repeatedly } from "./repeatedly.ts";
import type { Damage } from "./open-versioned.ts";
import type { RootsTable } from "./roots.ts";
import type { StoredTrees } from "./stored-trees.ts";

export interface ScrubOptions {
  readonly leases: Pick<Leases, "acquire" | "release">;
  readonly roots: Pick<RootsTable, "all" | "stored">;
  readonly templates: Pick<MountTemplates, "scrub"> & {
    readonly storedTrees: Pick<StoredTrees, "scrub">;
  };
  readonly log: (event: string, detail: Readonly<Record<string, unknown>>) => void;
  /** How often a process looks whether it is time; an hour by default. */
  readonly lookMs?: number;
  /** How long a pass is good for; a day by default. */
  readonly everyMs?: number;
}

const hourMs = 3_600_000;

/**
 * Reads what every tenant's storage keeps again, root after root, once a day in one process of a ledger, and logs each
 * content that is not what was stored as `damaged`. Returns what stops it.
 */
export const startScrub = (options: ScrubOptions): (() => Promise<void>) => {
  const { leases, roots, templates, log, lookMs = hourMs, everyMs = 24 * hourMs } = options;

  const failed = (error: unknown, detail: Readonly<Record<string, unknown>> = {}): void =>
    log("scrub-failed", { ...detail, error: reasonOf(error) });

  const pass = async (signal: AbortSignal): Promise<void> => {
    // Kept after a whole pass, and not released: while it lives, nobody begins another one.
    const lease = await leases.acquire("scrub", await thisProcess(), everyMs, isDead);
    if (lease === undefined) return;
    function* all(): Generator<readonly [string, () => Promise<readonly Damage[]>]> {
      for (const root of roots.all()) yield [root.path, () => templates.scrub(root, signal)];
      for (const mount of roots.stored().values())
        yield [mount.path, () => templates.storedTrees.scrub(mount, signal)];
    }
    for (const [root, scrub] of all()) {
      try {
        for (const damage of await scrub()) log("damaged", { root, ...damage });
      } catch (error) {
        if (!signal.aborted) failed(error, { root });
      }
      // What was cut short is somebody else's to begin again.
      if (signal.aborted) return leases.release("scrub", lease.fencing);
    }
  };

  return repeatedly(pass, lookMs, failed);
};
