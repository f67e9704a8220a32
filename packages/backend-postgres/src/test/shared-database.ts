import { query, testDatabase } from "@bulkhead/harness";
import { afterAll } from "vitest";
import { migrateTenantDatabase } from "../migrate.ts";

let shared: ReturnType<typeof testDatabase> | undefined;

/** The URL of one database for all tests of a file, gone when they are over. */
export const sharedDatabase = async (): Promise<string> =>
  (await (shared ??= testDatabase({ migrate: (at) => migrateTenantDatabase(at) }))).url;

afterAll(async () => (await shared)?.close());

/** Empties a tenant's database: making another one takes longer. */
export const emptied = async (url: string): Promise<string> => {
  await query(
    url,
    `truncate bulkhead.node, bulkhead.chunk, bulkhead.blob, bulkhead.effect;
     insert into bulkhead.node (id, parent, name, directory, created_at, modified_at)
     values (0, null, '', true, now(), now())`.replaceAll("\n", " "),
  );
  return url;
};
