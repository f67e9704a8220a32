import { lstat } from "node:fs/promises";
import { join } from "node:path";

/** There while a restore into the data folder has not ended. */
export const unfinishedFile = "restore-unfinished";

/** Rejects with an `Error` for a data folder that a restore was filling when it was killed. */
export const refuseUnfinished = async (dataDir: string): Promise<void> => {
  const found = await lstat(join(dataDir, unfinishedFile)).then(
    () => true,
    () => false,
  );
  if (found)
    throw new Error(
      `A restore into ${dataDir} was interrupted: remove that folder, and the schema 'bulkhead' of its database if that was named, and restore again.`,
    );
};
