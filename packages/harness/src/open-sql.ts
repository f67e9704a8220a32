import { Client } from "pg";

/** One connection, on which statements run one after another. */
export interface Sql {
  /** Runs one statement and answers its rows. */
  readonly run: (
    text: string,
    values?: readonly unknown[],
  ) => Promise<readonly Readonly<Record<string, unknown>>[]>;
  readonly close: () => Promise<void>;
}

/** Connects as the URL's user, for tests that ask so often that a connection each would be what they cost. */
export async function openSql(url: string): Promise<Sql> {
  const client = new Client({ connectionString: url });
  // A connection that breaks is the next statement's to find out.
  client.on("error", () => undefined);
  await client.connect();
  let last: Promise<unknown> = Promise.resolve();
  return {
    run: (text, values = []) => {
      const run = last.then(
        async () => (await client.query<Record<string, unknown>>(text, [...values])).rows,
      );
      last = run.catch(() => undefined);
      return run;
    },
    close: () => client.end(),
  };
}
