import type pg from "pg";
import { migrationHash, migrations } from "../migrations/index.ts";
import type { LedgerDump } from "./types.ts";

/** Answers the steps of a database's schema. Rejects with an `Error` where they are not all of this release's. */
export const checkSchema = async (client: pg.Client): Promise<LedgerDump["schema"]> => {
  const found = await client.query<{ ok: boolean }>(
    "select to_regclass('bulkhead.schema_migration') is not null as ok",
  );
  if (found.rows[0]?.ok !== true) throw new Error("There is no ledger in this database.");
  const { rows } = await client.query<{ version: number; hash: string }>(
    "select version, hash from bulkhead.schema_migration order by version",
  );
  if (!isKnown(rows) || rows.length < migrations.length)
    throw new Error(
      "This ledger's schema is not the one of this release: back it up with the release that serves it, or start this one on it first.",
    );
  return rows;
};

/** True if this release has made every one of these steps, or can make them. */
export const isKnown = (schema: LedgerDump["schema"]): boolean =>
  schema.every(({ version, hash }) => {
    const step = migrations.find((one) => one.version === version);
    return step !== undefined && migrationHash(step) === hash;
  });
