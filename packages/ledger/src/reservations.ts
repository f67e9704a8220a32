import type { Database } from "./database.ts";
import { functionCall } from "./function-call.ts";
import type { Reservations } from "./types-quota.ts";

const statements = {
  reserve: functionCall("reserve_v1", 4),
  renew: functionCall("reservation_renew_v1", 2),
  release: functionCall("reservation_release_v1", 2),
  sweep: functionCall("reservations_sweep_v1", 1),
} as const;

/** Tenants of one sweep: their heads are locked together. */
const batch = 100;

/** Keeps what bodies hold of tenants' room: as `bulkhead_app`, and in the background what nobody holds any more. */
export const createReservations = (hot: Database, background: Database): Reservations => ({
  reserve: async (tenant, id, wanted, least) => {
    const granted = await hot.call<string | null>(statements.reserve, [tenant, id, wanted, least]);
    return granted === null ? undefined : Number(granted);
  },
  renew: async (held) => {
    if (held.length === 0) return;
    await hot.call<null>(statements.renew, [
      held.map(({ tenant }) => tenant),
      held.map(({ id }) => id),
    ]);
  },
  release: async (tenant, id) => {
    await hot.call<string>(statements.release, [tenant, id]);
  },
  sweep: async () => Number(await background.call<string>(statements.sweep, [batch])),
});
