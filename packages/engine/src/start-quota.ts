import { reasonOf, type PlanSettings } from "@bulkhead/contract";
import type { Ledger } from "@bulkhead/ledger";
import { isDead, thisProcess } from "./process-holder.ts";
import { repeatedly } from "./repeatedly.ts";

export interface QuotaOptions {
  readonly ledger: Pick<Ledger, "leases" | "quota" | "reservations" | "tenants">;
  readonly onTrialEnd: PlanSettings["onTrialEnd"];
  readonly log: (event: string, detail: Readonly<Record<string, unknown>>) => void;
  readonly everyMs?: number;
}

const leaseName = "quota";

/**
 * Does what is due for tenants' limits, in one process of a ledger at a time: gives back what dead writers hold, ends
 * trials, prunes versions that are too many, tells of what is nearly used up. Returns what stops it.
 */
export const startQuota = (options: QuotaOptions): (() => Promise<void>) => {
  const { ledger, onTrialEnd, log, everyMs = 10_000 } = options;
  const { leases, quota, reservations, tenants } = ledger;

  const failed = (error: unknown): void => log("quota-failed", { error: reasonOf(error) });

  const pass = async (signal: AbortSignal): Promise<void> => {
    const lease = await leases.acquire(leaseName, await thisProcess(), everyMs * 3, isDead);
    if (lease === undefined) return;
    try {
      const steps = [
        reservations.sweep,
        () => tenants.endTrials(onTrialEnd),
        quota.pruneVersions,
        quota.watch,
      ];
      // One that fails keeps none of the others from being done.
      for (const step of steps) if (!signal.aborted) await step().catch(failed);
    } finally {
      await leases.release(leaseName, lease.fencing);
    }
  };

  // Without a ledger nothing is due; the next pass looks again.
  return repeatedly(pass, everyMs);
};
