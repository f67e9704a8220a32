import pg from "pg";

export interface CallFunction extends AsyncDisposable {
  readonly call: (values: readonly unknown[]) => Promise<unknown>;
}

/** The bare call of a function of the ledger, as a named statement over so many connections. */
export const callFunction = (
  url: string,
  name: string,
  parameters: number,
  connections: number,
): CallFunction => {
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    options: "-c role=bulkhead_app",
  });
  // A server that stops ends idle connections too.
  pool.on("error", () => undefined);
  const places = Array.from({ length: parameters }, (_, i) => `$${i + 1}`).join(", ");
  const statement = { name: `bench_${name}`, text: `select * from bulkhead.${name}(${places})` };
  return {
    call: async (values) => (await pool.query({ ...statement, values: [...values] })).rows[0],
    [Symbol.asyncDispose]: () => pool.end(),
  };
};
