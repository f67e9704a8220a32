import pg from "pg";
import { isConnectionFault, toFileError } from "../errors.ts";

/** How values are spelled in a backup, whatever the server's settings are. */
const settings =
  "-c timezone=UTC -c datestyle=ISO -c intervalstyle=iso_8601 -c bytea_output=hex -c extra_float_digits=1 -c client_min_messages=warning";

/** Runs `work` on a connection of its own, as the URL's user. Rejects with `unavailable` without a database. */
export const withClient = async <R>(
  url: string,
  work: (client: pg.Client) => Promise<R>,
): Promise<R> => {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5000,
    application_name: "bulkhead-backup",
    options: settings,
    keepAlive: true,
  });
  // What breaks is reported by the statement that waits for it.
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw isConnectionFault(error) ? toFileError(error) : error;
  } finally {
    await client.end().catch(() => undefined);
  }
};
