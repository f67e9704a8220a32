import type { Database } from "./database.ts";
import type { Outbox, OutboxEvent } from "./types-work.ts";

const claim = { name: "outbox_claim_v1", text: "select bulkhead.outbox_claim_v1($1, $2)" };

interface EventRow extends Omit<OutboxEvent, "id" | "tenantUid"> {
  readonly id: number;
  readonly tenant: string;
}

/** Hands out events of settled operations. */
export const createOutbox = (database: Database): Outbox => ({
  claim: async (limit, leaseMs) => {
    const rows = await database.call<readonly EventRow[]>(claim, [limit, leaseMs]);
    return rows.map(({ tenant, id, ...event }) => ({
      ...event,
      id: String(id),
      tenantUid: tenant,
    }));
  },
  ack: async (ids) => {
    await database.rows("delete from bulkhead.outbox where id = any ($1::bigint[])", [ids]);
  },
});
