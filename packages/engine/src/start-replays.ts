import { parseBackendPath, reasonOf } from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import type { Intents } from "@bulkhead/ledger";
import { HeldElsewhere } from "./held.ts";
import type { MountTemplates } from "./mount-templates.ts";
import { repeatedly } from "./repeatedly.ts";
import type { RootsTable } from "./roots.ts";

export interface ReplaysOptions {
  readonly intents: Pick<Intents, "lapsedMounts">;
  readonly roots: Pick<RootsTable, "all" | "table">;
  readonly templates: Pick<MountTemplates, "hasDatabase" | "idOf" | "replay">;
  readonly log: (event: string, detail: Readonly<Record<string, unknown>>) => void;
  readonly everyMs?: number;
}

const storageRoot = parseBackendPath("");
const ctx = () => plainContext({ requestId: "replays" });

/**
 * Settles what processes that are gone left of changes outside the ledger, and gives back what those had reserved, whether
 * anybody asks for those storages or not. Any number of processes may do so at once. Returns what stops it.
 */
export const startReplays = (options: ReplaysOptions): (() => Promise<void>) => {
  const { intents, roots, templates, log, everyMs = 15_000 } = options;

  const pass = async (signal: AbortSignal): Promise<void> => {
    const lapsed = new Set(await intents.lapsedMounts());
    if (lapsed.size === 0) return;
    const settle = (work: Promise<unknown>, detail: Readonly<Record<string, unknown>>) =>
      work.catch((error: unknown) => {
        // Who holds it settles it.
        if (!(error instanceof HeldElsewhere))
          log("replay-failed", { ...detail, error: reasonOf(error) });
      });
    for (const root of roots.all()) {
      if (signal.aborted) return;
      const id = templates.idOf(root);
      // A database has no holder: whoever comes first replays what is left there.
      if (templates.hasDatabase(root) && lapsed.delete(id))
        await settle(templates.replay(root), { root: root.path });
    }
    if (lapsed.size === 0) return;
    for (const { id, path, backend } of roots.table().mounts()) {
      if (signal.aborted) return;
      // Whoever opens it settles what its holder before left.
      if (lapsed.has(id)) await settle(backend.stat(ctx(), storageRoot), { mount: path });
    }
  };

  // Without a ledger there is nothing to settle with; the next pass looks again.
  return repeatedly(pass, everyMs);
};
