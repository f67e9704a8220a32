import { type History, parseBackendPath, segmentsOf, type WholeSession } from "@bulkhead/contract";
import type { Ledger } from "@bulkhead/ledger";
import { changesControl, type ChangesControlOptions, type Decide } from "@bulkhead/policy";
import { addressed } from "@bulkhead/vfs";
import { changeWatch } from "./change-watch.ts";
import type { Closers } from "./closers.ts";
import type { RootsTable } from "./roots.ts";

export interface HistoryOptions extends Pick<ChangesControlOptions, "authority" | "audited"> {
  readonly session: WholeSession;
  readonly ledger: Pick<Ledger, "fileChanges" | "tenants">;
  /** What a read is asked. */
  readonly decide: Decide;
  readonly roots: Pick<RootsTable, "table">;
  readonly namespaceRoots: readonly string[];
}

/** The past of files by way of the session, with all its policy, and what changed by way of the ledger. */
export const openHistory = (options: HistoryOptions, opened: Closers): History => {
  const { session, ledger, roots, namespaceRoots } = options;
  const { fileChanges } = ledger;
  const watch = changeWatch(fileChanges.heads);
  opened.add(async () => watch.close());
  return {
    versions: session.versions,
    restore: session.restore,
    ...changesControl({
      tenants: ledger.tenants,
      authority: options.authority,
      audited: options.audited,
      decide: options.decide,
      log: { after: fileChanges.after, arrived: watch.arrived },
      placed: (mount, path) => roots.table().placeOf(mount, segmentsOf(parseBackendPath(path))),
      addressed: (reach, path) => addressed(reach, namespaceRoots, path),
    }),
  };
};
