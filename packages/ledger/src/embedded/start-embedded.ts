import { mkdir, realpath, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { chooseAccount, commandAs, giveTo } from "./account.ts";
import { adopt } from "./adopt.ts";
import { type Binaries, findBinaries } from "./binaries.ts";
import { clusterExists, makeCluster, versionOf } from "./cluster.ts";
import { databaseUrl, ensureDatabase } from "./connection.ts";
import { launch } from "./launch.ts";
import {
  type Postmaster,
  findPostmaster,
  readPostmasterFile,
  stopPostmaster,
} from "./postmaster.ts";
import { processStart } from "./process-start.ts";
import { makeSocketFolder, socketFolder } from "./socket-folder.ts";

export interface EmbeddedOptions {
  /** The data folder; the cluster is `postgres` in it, its log `postgres.log`. Made where it is missing. */
  readonly dataDir: string;
  /** Gives up starting, and ends what was started. */
  readonly signal?: AbortSignal;
  /** `full` (default) survives power loss; `none` keeps nothing safe from it, for tests alone. */
  readonly durability?: "full" | "none";
  /** PostgreSQL's own default is 100. */
  readonly maxConnections?: number;
  /** Where PostgreSQL's programs are; by default in the package that npm installed for this platform. */
  readonly binaries?: Binaries;
}

export interface EmbeddedPostgres {
  /** Of the ledger's database, over the Unix socket, as the cluster's superuser. */
  readonly url: string;
  readonly pid: number;
  /** Whether it was still running, left by a server that was killed. */
  readonly adopted: boolean;
  /** Disconnects every client, shuts down cleanly, and resolves when the process is gone. */
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL of a data folder, or adopts the one that a killed server left running, with
 * all of that server's connections ended. It outlives this process unless stopped. The caller holds
 * the folder's lock (`lockDataDir`). `unavailable`, in a sentence that says what to do, when it cannot.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { signal } = options;
  signal?.throwIfAborted();
  const binaries = options.binaries ?? findBinaries();
  await mkdir(options.dataDir, { recursive: true, mode: 0o700 });
  const dataDir = await realpath(options.dataDir);
  const cluster = join(dataDir, "postgres");
  const sockets = socketFolder(dataDir);
  const version = await versionOf(binaries);
  const args = argumentsOf(cluster, sockets, options);
  const durable = options.durability !== "none";
  const exists = await clusterExists(cluster, version);

  const running = exists ? await findPostmaster(cluster) : undefined;
  if (running !== undefined) {
    if (await adopt(running, { cluster, sockets, args, version, signal })) {
      return embedded(running, sockets, true);
    }
    await stopPostmaster(running);
  }

  const account = await chooseAccount(dataDir, binaries);
  if (!exists) await makeCluster(dataDir, binaries, account, { durable, signal });
  await giveTo(account, cluster);
  await makeSocketFolder(sockets, account);
  await forgetStranger(cluster);
  const command = commandAs(account, binaries.postgres, args);
  let postmaster: Postmaster | undefined;
  try {
    postmaster = await launch(command, { dataDir, cluster, signal });
    await ensureDatabase(sockets);
  } catch (error) {
    if (postmaster !== undefined) await stopPostmaster(postmaster);
    await rmdir(sockets).catch(() => {});
    throw error;
  }
  return embedded(postmaster, sockets, false);
}

function argumentsOf(
  cluster: string,
  sockets: string,
  { durability = "full", maxConnections }: EmbeddedOptions,
): readonly string[] {
  const settings = [
    "listen_addresses=",
    `unix_socket_directories=${sockets}`,
    ...(durability === "full"
      ? []
      : ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]),
    ...(maxConnections === undefined ? [] : [`max_connections=${maxConnections}`]),
  ];
  return ["-D", cluster, ...settings.flatMap((setting) => ["-c", setting])];
}

function embedded(postmaster: Postmaster, sockets: string, adopted: boolean): EmbeddedPostgres {
  let stopped: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    await stopPostmaster(postmaster);
    // After SIGKILL the socket is still there, and then so is its folder: the next start uses it.
    await rmdir(sockets).catch(() => {});
  };
  const stop = (): Promise<void> => (stopped ??= end());
  return { url: databaseUrl(sockets), pid: postmaster.pid, adopted, stop };
}

// PostgreSQL does not start while a process has the pid in its file, be it anybody's since the
// machine was started again. Orphans of a killed postmaster it finds by their shared memory.
async function forgetStranger(cluster: string): Promise<void> {
  const file = await readPostmasterFile(cluster);
  if (file !== undefined && (await processStart(file.pid)) !== undefined) {
    await rm(join(cluster, "postmaster.pid"));
  }
}
