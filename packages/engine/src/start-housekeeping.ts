import type { PlanSettings } from "@bulkhead/contract";
import type { Ledger } from "@bulkhead/ledger";
import type { Closers } from "./closers.ts";
import type { MountTemplates } from "./mount-templates.ts";
import type { RootsTable } from "./roots.ts";
import { startCollector } from "./start-collector.ts";
import { startQuota } from "./start-quota.ts";
import { startReplays } from "./start-replays.ts";
import { startScrub } from "./start-scrub.ts";

export interface HousekeepingOptions {
  readonly ledger: Ledger;
  readonly roots: RootsTable;
  readonly templates: MountTemplates;
  readonly onTrialEnd: PlanSettings["onTrialEnd"];
  readonly log: (event: string, detail: Readonly<Record<string, unknown>>) => void;
}

/** Starts everything that is done without a request and without a job. */
export const startHousekeeping = (
  { ledger, roots, templates, onTrialEnd, log }: HousekeepingOptions,
  opened: Closers,
): void => {
  opened.add(startCollector({ leases: ledger.leases, roots, templates, log }));
  opened.add(startQuota({ ledger, onTrialEnd, log }));
  opened.add(startScrub({ leases: ledger.leases, roots, templates, log }));
  opened.add(startReplays({ intents: ledger.intents, roots, templates, log }));
};
