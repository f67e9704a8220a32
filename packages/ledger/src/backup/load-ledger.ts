import { createReadStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import { migrate } from "../migrate.ts";
import { migrations } from "../migrations/index.ts";
import { isKnown } from "./check-schema.ts";
import { withClient } from "./connect.ts";
import { quoted } from "./quoted.ts";
import type { DumpedTable, LedgerDump } from "./types.ts";

export interface LoadOptions {
  readonly url: string;
  /** Where the tables' files are. */
  readonly folder: string;
  readonly dump: LedgerDump;
  readonly signal: AbortSignal;
}

/** Rejects with an `Error` unless this release knows every step of the schema that was backed up. */
export const checkLoadable = ({ schema }: LedgerDump): void => {
  if (!isKnown(schema))
    throw new Error(
      "The backup is of another release's ledger: restore it with that release, or a newer one.",
    );
};

/** Rejects with `Error` unless the database is there and holds no ledger. */
export const checkEmpty = (url: string): Promise<void> =>
  withClient(url, async (client) => {
    const { rowCount } = await client.query("select from pg_namespace where nspname = 'bulkhead'");
    if (rowCount !== 0)
      throw new Error("The database holds a ledger already: restore into an empty one.");
  });

/**
 * Makes a ledger of a dump, in a database that has none: the schema as it was, then every row, in one transaction with a
 * new epoch and nothing held by anybody; then this release's schema. Where it fails there is no ledger afterwards.
 */
export const loadLedger = async (options: LoadOptions): Promise<void> => {
  const { url, dump } = options;
  checkLoadable(dump);
  await checkEmpty(url);
  try {
    const recorded = new Set(dump.schema.map(({ version }) => version));
    await migrate(url, { steps: migrations.filter(({ version }) => recorded.has(version)) });
    await withClient(url, (client) => fill(client, options));
    await migrate(url);
  } catch (error) {
    await dropLedger(url).catch(() => undefined);
    throw error;
  }
};

/** Undoes `loadLedger`. */
export const dropLedger = (url: string): Promise<void> =>
  withClient(url, async (client) => {
    await client.query("drop schema if exists bulkhead cascade");
  });

const fill = async (client: pg.Client, { folder, dump, signal }: LoadOptions): Promise<void> => {
  const { tables, partitions, sequences } = dump;
  const { rows: forced } = await client.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'bulkhead'::regnamespace and relforcerowsecurity
      and not relispartition`,
  );
  await client.query("begin");
  // The tables' owner need not be a superuser, and may fill what is not forced on it.
  for (const { name } of forced)
    await client.query(`alter table bulkhead.${quoted(name)} no force row level security`);
  await client.query(
    `truncate ${tables.map(({ name }) => `bulkhead.${quoted(name)}`).join(", ")} cascade`,
  );
  for (const { name, parent, bounds } of partitions) {
    if (!/^(DEFAULT|FOR VALUES FROM \('[0-9 :+-]+'\) TO \('[0-9 :+-]+'\))$/.test(bounds))
      throw new Error(`The bounds of the partition '${name}' are no bounds.`);
    await client.query(
      `create table if not exists bulkhead.${quoted(name)} partition of bulkhead.${quoted(parent)} ${bounds}`,
    );
  }
  for (const table of tables) await fillTable(client, folder, table, signal);
  for (const { name, last } of sequences)
    if (last !== undefined)
      await client.query("select setval(format('bulkhead.%I', $1::text)::regclass, $2::bigint)", [
        name,
        last,
      ]);
  for (const { name } of forced)
    await client.query(`alter table bulkhead.${quoted(name)} force row level security`);
  await client.query("set local role bulkhead_system");
  await client.query("select bulkhead.restored_v1($1)", [
    JSON.stringify({ takenAt: new Date(dump.takenAt).toISOString(), epoch: dump.epoch }),
  ]);
  await client.query("commit");
};

const fillTable = async (
  client: pg.Client,
  folder: string,
  { name, columns, file, rows }: DumpedTable,
  signal: AbortSignal,
): Promise<void> => {
  const filling = client.query(
    copyFrom(`copy bulkhead.${quoted(name)} (${columns.map(quoted).join(", ")}) from stdin`),
  );
  await pipeline(createReadStream(join(folder, file), { highWaterMark: 1 << 18 }), filling, {
    signal,
  });
  if (filling.rowCount !== rows)
    throw new Error(`The table '${name}' took ${filling.rowCount} of its ${rows} rows.`);
};
