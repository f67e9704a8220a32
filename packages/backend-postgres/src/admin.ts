import { FileError } from "@bulkhead/contract";
import pg from "pg";
import { toFileError } from "./errors.ts";

/** The same server and user, another database. */
export const adminOf = (adminUrl: string, name: string): string => {
  const url = new URL(adminUrl);
  url.pathname = `/${encodeURIComponent(name)}`;
  return url.href;
};

/** The same server, as another user. */
export const databaseUrl = (
  adminUrl: string,
  name: string,
  role: string,
  password: string,
): string => {
  const url = new URL(adminOf(adminUrl, name));
  url.username = encodeURIComponent(role);
  url.password = encodeURIComponent(password);
  for (const option of ["user", "password"]) url.searchParams.delete(option);
  return url.href;
};

/**
 * Runs administration on a connection of its own. What fails becomes `unavailable` or `internal`; the statement, which
 * may hold a verifier, is in neither.
 */
export const withAdmin = async <R>(
  url: string,
  work: (client: pg.Client) => Promise<R>,
): Promise<R> => {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5000,
    application_name: "bulkhead-provision",
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    if (error instanceof FileError) throw error;
    throw toFileError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
};
