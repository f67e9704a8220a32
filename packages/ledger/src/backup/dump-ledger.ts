import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import type pg from "pg";
import { to as copyTo } from "pg-copy-streams";
import { codeOf } from "../errors.ts";
import { hiddenTables, partitionsOf, sequencesOf, tablesOf } from "./catalog.ts";
import { withClient } from "./connect.ts";
import { checkSchema } from "./check-schema.ts";
import { quoted } from "./quoted.ts";
import type { DumpedTable, LedgerDump } from "./types.ts";

export interface DumpOptions {
  readonly url: string;
  /** An existing folder for the tables' files. */
  readonly folder: string;
  /** How long the one snapshot may be held, in milliseconds: while it is, the server cannot tidy behind its writers. */
  readonly snapshotMs: number;
  readonly signal: AbortSignal;
}

/**
 * Writes every row of a ledger as of one moment, while it may be in use, and changes nothing in it. Rejects with an
 * `Error` that says what to do where the snapshot would have to be held for longer than `snapshotMs`, or where the schema
 * is not this release's.
 */
export const dumpLedger = async (options: DumpOptions): Promise<LedgerDump> =>
  withClient(options.url, async (client) => {
    const schema = await checkSchema(client);
    const hidden = await hiddenTables(client);
    if (hidden.length > 0)
      throw new Error(
        `Not every row would be shown of ${hidden.join(", ")}: the ledger's policies were changed.`,
      );
    const end = performance.now() + options.snapshotMs;
    await client.query("begin isolation level repeatable read read only");
    try {
      await client.query("set local role bulkhead_system");
      const { rows } = await client.query<Snapshot>(
        `select m.ledger as id, m.fingerprint, r.epoch, bulkhead.ms(bulkhead.now())::text as taken_at
          from bulkhead.meta m, bulkhead.revision r where r.tenant = '00000000-0000-0000-0000-000000000000'`,
      );
      const [snapshot] = rows;
      if (snapshot === undefined) throw new Error("The control plane lost its identity row.");
      const partitions = await partitionsOf(client);
      const tables: DumpedTable[] = [];
      for (const table of await tablesOf(client))
        tables.push(await dumpTable(client, table, options, end));
      await client.query("commit");
      return {
        id: snapshot.id,
        fingerprint: snapshot.fingerprint ?? undefined,
        epoch: snapshot.epoch,
        takenAt: Number(snapshot.taken_at),
        schema,
        tables,
        partitions,
        // Not of the snapshot: later, and so never behind what is in it.
        sequences: await sequencesOf(client),
      };
    } catch (error) {
      throw codeOf(error) === "57014" ? tooLong(options.snapshotMs) : error;
    }
  });

interface Snapshot {
  readonly id: string;
  readonly fingerprint: string | null;
  readonly epoch: string;
  readonly taken_at: string;
}

const tooLong = (ms: number): Error =>
  new Error(
    `The ledger could not be written within ${ms / 1000} s, which is as long as its snapshot may be held: give it longer, a faster disk, or stop the server first.`,
  );

/** Bytes of one write. */
const batch = 1 << 20;

const dumpTable = async (
  client: pg.Client,
  { name, columns }: { readonly name: string; readonly columns: readonly string[] },
  { folder, snapshotMs, signal }: DumpOptions,
  end: number,
): Promise<DumpedTable> => {
  signal.throwIfAborted();
  const left = Math.floor(end - performance.now());
  if (left < 1) throw tooLong(snapshotMs);
  await client.query(`set local statement_timeout = ${left}`);
  const file = `${name}.tsv`;
  const handle = await open(join(folder, file), "wx", 0o600);
  try {
    const rows = client.query(
      copyTo(
        `copy (select ${columns.map(quoted).join(", ")} from bulkhead.${quoted(name)}) to stdout`,
        { highWaterMark: 1 << 18 },
      ),
    );
    const hash = createHash("sha256");
    let bytes = 0;
    let waiting: Buffer[] = [];
    let size = 0;
    const flush = async (): Promise<void> => {
      const whole = Buffer.concat(waiting, size);
      waiting = [];
      size = 0;
      hash.update(whole);
      bytes += whole.length;
      await handle.writeFile(whole);
    };
    // They come row by row.
    for await (const chunk of rows as AsyncIterable<Buffer>) {
      waiting.push(chunk);
      size += chunk.length;
      if (size < batch) continue;
      signal.throwIfAborted();
      await flush();
    }
    await flush();
    await handle.datasync();
    return { name, columns, file, rows: rows.rowCount, bytes, sha256: hash.digest("hex") };
  } finally {
    await handle.close();
  }
};
