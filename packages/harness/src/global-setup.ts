import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type EmbeddedPostgres, lockDataDir, startEmbedded } from "@bulkhead/ledger";
import { Client } from "pg";

const prefix = "bulkhead-tests-";

/**
 * Gives a whole vitest run one PostgreSQL: that of BULKHEAD_TEST_DATABASE_URL, else one of its own,
 * made for speed, which is gone with its folder when the run ends.
 */
export async function setup(): Promise<() => Promise<void>> {
  const run = randomBytes(4).toString("hex");
  process.env["BULKHEAD_TEST_RUN"] = run;
  const given = process.env["BULKHEAD_TEST_DATABASE_URL"];
  if (given !== undefined && given !== "") return () => dropDatabases(given, run);

  await removeLeftovers();
  const dataDir = await mkdtemp(join(tmpdir(), prefix));
  const lock = await lockDataDir(dataDir);
  const server = await startEmbedded({ dataDir, durability: "none", maxConnections: 300 });
  process.env["BULKHEAD_TEST_DATABASE_URL"] = server.url;
  return async () => {
    delete process.env["BULKHEAD_TEST_DATABASE_URL"];
    await end(server, dataDir);
    await lock.release().catch(() => {});
    await rm(dataDir, { recursive: true, force: true });
  };
}

async function end(server: EmbeddedPostgres, dataDir: string): Promise<void> {
  await server.stop();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
}

/** Ends the servers of runs that were killed: their folders are there, and nobody holds the lock. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const dataDir = join(tmpdir(), name);
    // One without a lock is being made, or removed, just now.
    if (!name.startsWith(prefix) || !existsSync(join(dataDir, "lock"))) continue;
    try {
      const lock = await lockDataDir(dataDir);
      const server = await startEmbedded({ dataDir, durability: "none", maxConnections: 300 });
      await end(server, dataDir);
      await lock.release().catch(() => {});
    } catch {
      // Another run's, and that run is alive.
    }
  }
}

/** On a server that stays, removes what this run's killed workers and its templates left. */
async function dropDatabases(url: string, run: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const found = await client.query<{ name: string }>(
      "select datname as name from pg_catalog.pg_database where starts_with(datname, $1)",
      [`test_${run}_`],
    );
    for (const { name } of found.rows)
      await client.query(`drop database if exists "${name}" with (force)`);
  } finally {
    await client.end();
  }
}
