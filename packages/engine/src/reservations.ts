import { randomUUID } from "node:crypto";
import type { Reservations } from "@bulkhead/ledger";
import type { Usage } from "@bulkhead/policy";

/** A third of a reservation's lease. */
const renewEveryMs = 20_000;

/** Holds room for bodies in the ledger, and renews each hold until it ends; `close` ends the renewing. */
export const reservations = (
  store: Reservations,
): { readonly usage: Usage; readonly close: () => Promise<void> } => {
  const held = new Map<string, string>();
  let renewing: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    const leases = [...held].map(([id, tenant]) => ({ id, tenant }));
    // One that could not be renewed may be over: its commit then looks for room again.
    renewing = store.renew(leases).catch(() => undefined);
  }, renewEveryMs).unref();
  return {
    usage: {
      hold: (tenant) => {
        const id = randomUUID();
        return {
          id,
          more: async (wanted, least) => {
            const granted = await store.reserve(tenant, id, wanted, least);
            if (granted !== undefined) held.set(id, tenant);
            return granted;
          },
          end: async (used) => {
            if (!held.delete(id) || used) return;
            // What the ledger cannot be told now lapses.
            await store.release(tenant, id).catch(() => undefined);
          },
        };
      },
    },
    close: async () => {
      clearInterval(timer);
      await renewing;
    },
  };
};
