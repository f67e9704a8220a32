import type { Leases } from "@bulkhead/ledger";
import { isDead, thisProcess } from "./process-holder.ts";
import { collectorLease } from "./start-collector.ts";

const leaseMs = 60_000;
const lookMs = 1000;

/** Acts while nobody collects, and while no backup copies what is about to go: holds the lease that they hold. */
export const whileNobodyCollects = async (
  leases: Leases,
  signal: AbortSignal,
  act: () => Promise<void>,
): Promise<void> => {
  for (;;) {
    signal.throwIfAborted();
    const lease = await leases.acquire(collectorLease, await thisProcess(), leaseMs, isDead);
    if (lease !== undefined) {
      const renewing = setInterval(() => {
        void leases.renew(collectorLease, lease.fencing, leaseMs).catch(() => false);
      }, leaseMs / 3).unref();
      try {
        return await act();
      } finally {
        clearInterval(renewing);
        await leases.release(collectorLease, lease.fencing);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
};
