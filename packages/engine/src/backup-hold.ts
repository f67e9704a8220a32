import { setTimeout as sleep } from "node:timers/promises";
import type { Leases } from "@bulkhead/ledger";
import { isDead, thisProcess } from "./process-holder.ts";
import { collectorLease } from "./start-collector.ts";

const ttlMs = 60_000;
/** A pass of the collector that is under way is waited for. */
const patienceMs = 600_000;

/** Keeps every process's collector from beginning a pass. */
export interface Hold {
  /** Throws if the hold was lost. */
  readonly check: () => void;
  readonly release: () => Promise<void>;
}

/** Waits until no collector runs, and lets none begin until it is released. Rejects with an `Error` after ten minutes. */
export const holdCollector = async (leases: Leases, signal: AbortSignal): Promise<Hold> => {
  const end = performance.now() + patienceMs;
  for (;;) {
    signal.throwIfAborted();
    const lease = await leases.acquire(collectorLease, await thisProcess(), ttlMs, isDead);
    if (lease !== undefined) return keep(leases, lease.fencing);
    if (performance.now() > end)
      throw new Error(
        "The server's collector, or another backup, has been at work for ten minutes; try again later.",
      );
    await sleep(100, undefined, { signal });
  }
};

const keep = (leases: Leases, fencing: number): Hold => {
  let validUntil = performance.now() + ttlMs;
  const timer = setInterval(() => {
    const asked = performance.now();
    void leases
      .renew(collectorLease, fencing, ttlMs)
      .then((held) => {
        validUntil = held ? asked + ttlMs : 0;
      })
      // Until its end it holds all the same.
      .catch(() => undefined);
  }, ttlMs / 4).unref();
  return {
    check: () => {
      if (performance.now() >= validUntil)
        throw new Error("The ledger did not answer for a minute, and the collector may have run.");
    },
    release: async () => {
      clearInterval(timer);
      await leases.release(collectorLease, fencing).catch(() => undefined);
    },
  };
};
