import pg from "pg";

export interface InsertRow extends AsyncDisposable {
  readonly insert: (content: Uint8Array) => Promise<void>;
}

/** The bare statement: one row of so many bytes, in a transaction of its own, over as many connections as the product has. */
export const insertRow = async (url: string, connections: number): Promise<InsertRow> => {
  const pool = new pg.Pool({ connectionString: url, max: connections });
  // A server that stops ends idle connections too.
  pool.on("error", () => undefined);
  await pool.query(
    "create table if not exists bench_row (id bigint generated always as identity primary key, content bytea)",
  );
  await pool.query("alter table bench_row alter column content set storage external");
  const statement = {
    name: "bench_insert",
    text: "insert into bench_row (content) values ($1) returning id",
  };
  return {
    insert: async (content) => {
      await pool.query({ ...statement, values: [content] });
    },
    [Symbol.asyncDispose]: async () => {
      await pool.query("drop table bench_row");
      await pool.end();
    },
  };
};
