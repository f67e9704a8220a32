import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, statfs, writeFile } from "node:fs/promises";
import { freemem } from "node:os";
import { basename, join } from "node:path";
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
        const { url } = await startShared(process.env["BULKHEAD_TEST_POSTGRES_DIR"] ?? dataDir);
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

/** Room that a whole run has never come near to, and the least memory that it may take it of. */
const room = 6 * 2 ** 30;
const memory = "/dev/shm";

/**
 * Where the run's PostgreSQL keeps its files. It makes databases by the hundred, a thousand files each, and syncs
 * none of them: in memory, where there is plenty of it, for a fifth of the time.
 */
export async function makePostgresDir(dataDir: string): Promise<string> {
  const free = await statfs(memory).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  );
  if (free < room || freemem() < 2 * room) return dataDir;
  const dir = inMemory(dataDir);
  await mkdir(dir, { mode: 0o700 });
  return dir;
}

const inMemory = (dataDir: string): string => join(memory, basename(dataDir));

/** Stops the run's own server, if a test asked for one, and removes its folder. */
export async function removeServer(dataDir: string): Promise<void> {
  for (const dir of [inMemory(dataDir), dataDir]) {
    if (existsSync(join(dir, "postgres", "postmaster.pid"))) {
      const found = await startShared(dir);
      await found.stop();
    }
    await rm(dir, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 });
  }
}

function startShared(dataDir: string): Promise<EmbeddedPostgres> {
  return startEmbedded({ dataDir, durability: "none", maxConnections: 300 });
}
