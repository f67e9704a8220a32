import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { FileError } from "@bulkhead/contract";
import { type Account, commandAs, giveTo } from "./account.ts";
import type { Binaries } from "./binaries.ts";
import { serverEnvironment } from "./environment.ts";

const run = promisify(execFile);
const unfinished = "postgres.unfinished-";

/** Asks the programs for their version, such as `18.4`. */
export async function versionOf(binaries: Binaries): Promise<string> {
  const { stdout } = await run(binaries.postgres, ["--version"]);
  return /(\d+(?:\.\d+)*)/.exec(stdout)?.[1] ?? "";
}

/**
 * Looks whether the cluster is there and this version can open it. `unavailable`, with the way out,
 * for one made by another major version, and for a folder that holds something else.
 */
export async function clusterExists(cluster: string, version: string): Promise<boolean> {
  const made = await read(join(cluster, "PG_VERSION"));
  const major = version.split(".")[0] ?? "";
  if (made?.trim() === major) return true;
  if (made !== undefined) {
    throw new FileError(
      "unavailable",
      `The ledger in ${cluster} was made by PostgreSQL ${made.trim()} and cannot be opened by PostgreSQL ${major}: ` +
        "start it with the release of Bulkhead that made it, move the ledger by pg_dump and pg_restore to a PostgreSQL of your own, and name that with --database-url.",
      { retry: "never" },
    );
  }
  const entries = await readdir(cluster).catch(() => []);
  if (entries.length > 0) {
    throw new FileError(
      "unavailable",
      `${cluster} is not empty and holds no PostgreSQL data: move it away, or give another --data-dir.`,
      { retry: "never" },
    );
  }
  return false;
}

/**
 * Makes the cluster. It is made beside its place and then renamed, so that one whose making was
 * interrupted is never mistaken for a whole one; what an interruption left is removed.
 */
export async function makeCluster(
  dataDir: string,
  binaries: Binaries,
  account: Account,
  options: { readonly durable: boolean; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  for (const entry of await readdir(dataDir)) {
    if (entry.startsWith(unfinished)) await remove(join(dataDir, entry));
  }
  const staged = join(dataDir, `${unfinished}${randomBytes(6).toString("hex")}`);
  await mkdir(staged, { mode: 0o700 });
  try {
    await giveTo(account, staged);
    const flags =
      "-U bulkhead --auth-local=trust --auth-host=reject -E UTF8 " +
      "--locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C";
    const sync = options.durable ? [] : ["--no-sync"];
    const init = commandAs(account, binaries.initdb, ["-D", staged, ...flags.split(" "), ...sync]);
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    const env = serverEnvironment();
    await run(init.file, init.args, { cwd: "/", env, ...init.identity, ...signal });
    await rename(staged, join(dataDir, "postgres"));
  } catch (cause) {
    await remove(staged);
    options.signal?.throwIfAborted();
    const said = cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim() : "";
    throw new FileError(
      "unavailable",
      `PostgreSQL could not be set up in ${dataDir}: ${said || String(cause)}`,
      {
        retry: "never",
        cause,
      },
    );
  }
  if (options.durable) await syncFolder(dataDir);
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

// An initdb whose starter was killed may still be writing there: try again, and leave the rest to the next start.
async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }).catch(() => {});
}

async function read(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch {
    return undefined;
  }
}
