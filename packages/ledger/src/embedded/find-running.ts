import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { databaseUrl } from "./connection.ts";
import { findPostmaster, readPostmasterFile } from "./postmaster.ts";
import { socketFolder } from "./socket-folder.ts";

/** The address of the PostgreSQL that a server runs in its data folder now, which is left alone; undefined where none is ready. */
export async function findRunning(dataDir: string): Promise<string | undefined> {
  const folder = await realpath(dataDir);
  const cluster = join(folder, "postgres");
  const running = await findPostmaster(cluster);
  if (running === undefined || (await readPostmasterFile(cluster))?.ready !== true)
    return undefined;
  return databaseUrl(socketFolder(folder));
}
