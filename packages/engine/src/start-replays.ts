import { reasonOf } from "@bulkhead/contract";
import type { Intents } from "@bulkhead/ledger";
import type { MountTemplates } from "./mount-templates.ts";
import { repeatedly } from "./repeatedly.ts";
import type { RootsTable } from "./roots.ts";

export interface ReplaysOptions {
  readonly intents: Pick<Intents, "lapsedMounts">;
  readonly roots: Pick<RootsTable, "all">;
  readonly templates: Pick<MountTemplates, "hasDatabase" | "idOf" | "replay">;
  readonly log: (event: string, detail: Readonly<Record<string, unknown>>) => void;
  readonly everyMs?: number;
}

/**
 * Settles what processes that are gone left of changes in tenants' databases, whether anybody asks for those tenants or
 * not. Any number of processes may do so at once. Returns what stops it.
 */
export const startReplays = (options: ReplaysOptions): (() => Promise<void>) => {
  const { intents, roots, templates, log, everyMs = 15_000 } = options;

  const pass = async (signal: AbortSignal): Promise<void> => {
    const lapsed = new Set(await intents.lapsedMounts());
    if (lapsed.size === 0) return;
    for (const root of roots.all()) {
      if (signal.aborted) return;
      if (!templates.hasDatabase(root) || !lapsed.has(templates.idOf(root))) continue;
      await templates.replay(root).catch((error: unknown) => {
        log("replay-failed", {
          root: root.path,
          error: reasonOf(error),
        });
      });
    }
  };

  // Without a ledger there is nothing to settle with; the next pass looks again.
  return repeatedly(pass, everyMs);
};
