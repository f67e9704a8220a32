import type { Database } from "./database.ts";
import type { Outbox, OutboxEvent } from "./types-work.ts";

const statements = {
  claim: { name: "events_claim_v1", text: "select bulkhead.events_claim_v1($1, $2)" },
  ack: { name: "events_ack_v1", text: "select bulkhead.events_ack_v1($1, $2)" },
} as const;

interface EventRow extends Omit<OutboxEvent, "id" | "tenantUid"> {
  readonly tenant: string;
}

/** Hands out events of settled operations. An event's id is its tenant's uid and its number. */
export const createOutbox = (database: Database): Outbox => ({
  claim: async (limit, leaseMs) => {
    const rows = await database.call<readonly EventRow[]>(statements.claim, [limit, leaseMs]);
    return rows.map(({ tenant, ...event }) => ({
      ...event,
      id: `${tenant}.${event.seq}`,
      tenantUid: tenant,
    }));
  },
  ack: async (ids) => {
    const parts = ids.map((id) => id.split("."));
    await database.call<null>(statements.ack, [
      parts.map(([tenant]) => tenant),
      parts.map(([, seq]) => seq),
    ]);
  },
});
