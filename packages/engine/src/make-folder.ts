import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { syncFolder } from "./backup-file.ts";

/**
 * Makes a folder, readable by its owner alone, and what is missing above it; what is made outlives power loss. Of one
 * that is there nothing is changed.
 */
export const makeFolder = async (path: string): Promise<void> => {
  const made = await mkdir(path, { recursive: true, mode: 0o700 });
  if (made === undefined) return;
  const highest = dirname(resolve(made));
  // Each entry that was made lies in the folder above it.
  for (let at = dirname(resolve(path)); ; at = dirname(at)) {
    await syncFolder(at);
    if (at === highest || at === dirname(at)) return;
  }
};
