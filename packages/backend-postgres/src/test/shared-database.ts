import { query, testDatabase } from "@bulkhead/harness";
import { afterAll } from "vitest";
import { migrateTenantDatabase } from "../migrate.ts";

/** A tenant's database, migrated and empty, of its own; the caller closes it. */
export const tenantDatabase = (): ReturnType<typeof testDatabase> =>
  testDatabase({ migrate: (at) => migrateTenantDatabase(at) });

let shared: ReturnType<typeof tenantDatabase> | undefined;

/** The URL of one database for all tests of a file, gone when they are over. */
export const sharedDatabase = async (): Promise<string> =>
  (await (shared ??= tenantDatabase())).url;

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
