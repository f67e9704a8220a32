import type { Sql } from "@bulkhead/harness";

/** The clock of a test's own ledger. */
export interface LedgerClock {
  /** From now on it is that time there, and goes on from it. In milliseconds since the epoch. */
  readonly set: (ms: number) => Promise<void>;
}

/** Replaces the clock of a ledger; what was promised until a moment lasts as long as before. */
export const ledgerClock = (sql: Sql): LedgerClock => {
  let offset = 0;
  return {
    set: async (ms) => {
      const before = offset;
      offset = ms - Date.now();
      const passed = `interval '${offset - before} milliseconds'`;
      await sql.run(
        `begin;
         create or replace function bulkhead.now() returns timestamptz language sql volatile as
           $$ select date_trunc('milliseconds', clock_timestamp() + interval '${offset} milliseconds') $$;
         update bulkhead.lease set until = until + ${passed};
         update bulkhead.intent set lease = lease + ${passed};
         update bulkhead.job set lease = lease + ${passed};
         commit`,
      );
    },
  };
};
