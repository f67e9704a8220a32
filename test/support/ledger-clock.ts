/** The clock of a test's own ledger. */
export interface LedgerClock {
  /** From now on it is that time there, and goes on from it. In milliseconds since the epoch. */
  readonly set: (ms: number) => Promise<void>;
  /** Lets so much time pass there, in milliseconds. */
  readonly advance: (ms: number) => Promise<void>;
}

/**
 * Replaces the clock of a ledger; what was promised until a moment lasts as long as before. The offset lies in a
 * sequence: to replace the function each time would throw away every plan that there is.
 */
export const ledgerClock = (sql: {
  readonly run: (text: string) => Promise<unknown>;
}): LedgerClock => {
  let offset = 0;
  let replaced: Promise<unknown> | undefined;
  const advance = async (ms: number): Promise<void> => {
    offset += ms;
    await (replaced ??= sql.run(
      `begin;
       create schema bulkhead_test;
       create sequence bulkhead_test.clock minvalue ${Number.MIN_SAFE_INTEGER};
       select setval('bulkhead_test.clock', 0);
       grant usage on schema bulkhead_test to public;
       grant usage, select on sequence bulkhead_test.clock to public;
       create or replace function bulkhead.now() returns timestamptz language sql volatile as
         $$ select date_trunc('milliseconds',
              clock_timestamp() + pg_sequence_last_value('bulkhead_test.clock'::regclass) * interval '1 millisecond') $$;
       commit`,
    ));
    const passed = `interval '${ms} milliseconds'`;
    await sql.run(
      `begin;
       select setval('bulkhead_test.clock', ${offset});
       update bulkhead.lease set until = until + ${passed};
       update bulkhead.intent set lease = lease + ${passed};
       update bulkhead.job set lease = lease + ${passed};
       commit`,
    );
  };
  return { advance, set: (ms) => advance(ms - Date.now() - offset) };
};
