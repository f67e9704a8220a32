import { existsSync } from "node:fs";
import { join } from "node:path";
import { FileError, isFileError } from "@bulkhead/contract";
import { findRunning, lockDataDir, startEmbedded } from "@bulkhead/ledger";
import type { Closers } from "./closers.ts";

/**
 * The address of a server's ledger, whether the server runs or not. A PostgreSQL of its own that nobody runs is started,
 * and its folder kept from everybody else, until `opened` is closed. Rejects with `unavailable` while a server starts.
 */
export const reachDatabase = async (
  { databaseUrl, dataDir }: { readonly databaseUrl: string | undefined; readonly dataDir: string },
  opened: Closers,
): Promise<string> => {
  if (databaseUrl !== undefined) return databaseUrl;
  if (!existsSync(join(dataDir, "postgres", "PG_VERSION")))
    throw new Error(
      `There is no ledger in ${dataDir}: name the server's --data-dir, or its --database-url.`,
    );
  try {
    const lock = await lockDataDir(dataDir);
    opened.add(() => lock.release());
  } catch (error) {
    if (!isFileError(error, "conflict")) throw error;
    const url = await findRunning(dataDir);
    if (url !== undefined) return url;
    throw new FileError(
      "unavailable",
      `The server that uses ${dataDir} is starting or stopping; try again shortly.`,
      { cause: error },
    );
  }
  const postgres = await startEmbedded({ dataDir });
  opened.add(() => postgres.stop());
  return postgres.url;
};
