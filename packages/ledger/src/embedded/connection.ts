import { Client } from "pg";

/** The user that initdb made, and the database that the ledger lives in. */
const owner = "bulkhead";

/** The address of a database on the server whose socket is in that folder. */
export function databaseUrl(sockets: string, database: string = owner): string {
  const query = new URLSearchParams({ host: sockets });
  return `postgresql://${owner}@localhost:5432/${encodeURIComponent(database)}?${query.toString()}`;
}

/** Runs `use` on a connection of its own to PostgreSQL's maintenance database. Rejects if there is none within 5 s. */
export async function withConnection<T>(
  sockets: string,
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const connectionString = databaseUrl(sockets, "postgres");
  const client = new Client({
    connectionString,
    connectionTimeoutMillis: 5_000,
    application_name: "bulkhead start",
  });
  // A server that ends while the connection is open is reported by the query; the event alone would end this process.
  client.on("error", () => {});
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Makes the ledger's database where it is missing. */
export async function ensureDatabase(sockets: string): Promise<void> {
  await withConnection(sockets, async (client) => {
    const found = await client.query("select from pg_catalog.pg_database where datname = $1", [
      owner,
    ]);
    if (found.rowCount === 0) await client.query(`create database ${owner}`);
  });
}
