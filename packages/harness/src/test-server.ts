import { existsSync } from "node:fs";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isFileError } from "@bulkhead/contract";
import { type EmbeddedPostgres, lockDataDir, startEmbedded } from "@bulkhead/ledger";

let server: Promise<string> | undefined;

/**
 * The address of the run's PostgreSQL: BULKHEAD_TEST_DATABASE_URL, else one of the run's own that
 * its first test to ask for it starts, so that a run without such a test does not pay for it.
 */
export function testServer(): Promise<string> {
  return (server ??= find());
}

async function find(): Promise<string> {
  const given = process.env["BULKHEAD_TEST_DATABASE_URL"];
  if (given !== undefined && given !== "") return given;
  const dataDir = process.env["BULKHEAD_TEST_DATA_DIR"];
  if (dataDir === undefined) {
    throw new Error("There is no test server: run vitest with the repository's vitest.config.ts.");
  }
  const file = join(dataDir, "url");
  while (!existsSync(file)) {
    try {
      const starting = await lockDataDir(join(dataDir, "starting"));
      // Whoever had the lock before may have started it; a second start would end the others' connections.
      if (!existsSync(file)) {
        const { url } = await startShared(dataDir);
        await writeFile(`${file}.part`, url);
        await rename(`${file}.part`, file);
      }
      await starting.release();
    } catch (error) {
      if (!isFileError(error, "conflict")) throw error;
      await sleep(20);
    }
  }
  return readFile(file, "utf8");
}

/** Stops the run's own server, if a test asked for one, and removes its folder. */
export async function removeServer(dataDir: string): Promise<void> {
  if (existsSync(join(dataDir, "postgres", "postmaster.pid"))) {
    const found = await startShared(dataDir);
    await found.stop();
  }
  await rm(dataDir, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
}

function startShared(dataDir: string): Promise<EmbeddedPostgres> {
  return startEmbedded({ dataDir, durability: "none", maxConnections: 300 });
}
