import { randomBytes } from "node:crypto";
import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lockDataDir } from "@bulkhead/ledger";
import { Client } from "pg";
import { prepareS3, removeS3 } from "./s3/test-s3.ts";
import { makePostgresDir, removeServer } from "./test-server.ts";

const prefix = "bulkhead-tests-";
const compileCache = fileURLToPath(
  new URL("../../../node_modules/.cache/bulkhead/compile", import.meta.url),
);

/**
 * Prepares a vitest run for `testDatabase` and `testS3`: on the server of BULKHEAD_TEST_DATABASE_URL, else on one
 * of its own, made for speed, which is gone with its folder when the run ends; so are its S3 servers.
 */
export async function setup(): Promise<() => Promise<void>> {
  // Servers and command lines run from sources in processes of their own, by the hundred: compiled once, not each time.
  process.env["NODE_COMPILE_CACHE"] ??= compileCache;
  const run = randomBytes(4).toString("hex");
  process.env["BULKHEAD_TEST_RUN"] = run;
  await removeLeftovers();
  const dataDir = await mkdtemp(join(tmpdir(), prefix));
  // Held for the whole run: a folder that nobody holds is one that a killed run left.
  await lockDataDir(dataDir);
  process.env["BULKHEAD_TEST_DATA_DIR"] = dataDir;
  process.env["BULKHEAD_TEST_POSTGRES_DIR"] = await makePostgresDir(dataDir);
  // Beside the first tests: it may take a minute. Who needs it waits for it, and hears why it failed.
  if (process.env["CI"] === "true") void prepareS3().catch(() => undefined);

  const given = process.env["BULKHEAD_TEST_DATABASE_URL"] ?? "";
  return async () => {
    await removeRun(dataDir);
    if (given !== "") await dropDatabases(given, run);
  };
}

const removeRun = async (dataDir: string): Promise<void> => {
  await removeS3(dataDir);
  await removeServer(dataDir);
};

async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const dataDir = join(tmpdir(), name);
    if (!name.startsWith(prefix)) continue;
    try {
      // One without a lock is being made, or removed, just now.
      if (!(await readdir(join(dataDir, "lock"))).some((file) => /^\d+$/.test(file))) continue;
      await lockDataDir(dataDir);
      await removeRun(dataDir);
    } catch {
      // Another run's, and that run is alive.
    }
  }
}

/** On a server that stays, removes the run's templates and what its killed workers left. */
async function dropDatabases(url: string, run: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const found = await client.query<{ name: string }>(
      "select datname as name from pg_catalog.pg_database where starts_with(datname, $1)",
      [`test_${run}_`],
    );
    for (const { name } of found.rows) {
      await client.query(`drop database if exists "${name}" with (force)`);
    }
  } finally {
    await client.end();
  }
}
