/** The clock of a test's own ledger. */
export interface LedgerClock {
  /** From now on it is that time there, and goes on from it. In milliseconds since the epoch. */
  readonly set: (ms: number) => Promise<void>;
  /** Lets so much time pass there, in milliseconds. */
  readonly advance: (ms: number) => Promise<void>;
}

/** Replaces the clock of a ledger; what was promised until a moment lasts as long as before. */
export const ledgerClock = (sql: {
  readonly run: (text: string) => Promise<unknown>;
}): LedgerClock => {
  let offset = 0;
  const advance = async (ms: number): Promise<void> => {
    offset += ms;
    const passed = `interval '${ms} milliseconds'`;
    await sql.run(
      `begin;
       create or replace function bulkhead.now() returns timestamptz language sql volatile as
         $$ select date_trunc('milliseconds', clock_timestamp() + interval '${offset} milliseconds') $$;
       update bulkhead.lease set until = until + ${passed};
       update bulkhead.intent set lease = lease + ${passed};
       update bulkhead.job set lease = lease + ${passed};
       commit`,
    );
  };
  return { advance, set: (ms) => advance(ms - Date.now() - offset) };
};
