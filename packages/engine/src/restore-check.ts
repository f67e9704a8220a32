import { join } from "node:path";
import { digestOf, isMissing } from "./backup-file.ts";
import { readListing } from "./backup-listing.ts";
import { backupLayout, changed, type Manifest } from "./backup-manifest.ts";
import { inParallel } from "./in-parallel.ts";

const width = 8;

/** Reads all of a backup and compares it with its digests. Rejects with an `Error` that names what is not what was written. */
export const checkBackup = async (
  from: string,
  { ledger, content, masterKey }: Manifest,
  signal: AbortSignal,
): Promise<void> => {
  const check = async (file: string, sha256: string): Promise<void> => {
    const found = await digestOf(join(from, file), signal).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (found !== sha256) throw changed(file);
  };
  for (const { file, sha256 } of ledger.tables)
    await check(join(backupLayout.ledger, file), sha256);
  if (masterKey !== undefined) await check(backupLayout.masterKey, masterKey);
  await check(backupLayout.listing, content.sha256);
  const entries = readListing(join(from, backupLayout.listing));
  await inParallel(entries, width, async ({ place, name, file }) => {
    if (file !== undefined)
      await check(join(backupLayout.content, String(place), name), file.sha256);
  });
};
