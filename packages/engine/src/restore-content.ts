import { chmod, mkdir, utimes } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { copyFileSynced, syncFolder, syncFoldersBelow } from "./backup-file.ts";
import { type ContentEntry, readListing } from "./backup-listing.ts";
import { backupLayout, changed } from "./backup-manifest.ts";
import type { ContentPlace } from "./backup-places.ts";
import { inParallel } from "./in-parallel.ts";

/** Where the content of one of a backup's places has to go. */
export type Target = Pick<ContentPlace, "mount" | "kind" | "folder" | "marker">;

const width = 8;

/** Copies a backup's content to its targets, in the manifest's order; it survives power loss once this resolves. */
export const restoreContent = async (
  from: string,
  targets: readonly Target[],
  signal: AbortSignal,
): Promise<void> => {
  const touched = new Set<string>();
  const folderOf = ({ place, name }: ContentEntry): string => {
    const target = targets[place];
    if (target === undefined) throw changed(backupLayout.listing);
    touched.add(target.folder);
    return resolve(target.folder, name);
  };
  // Directories one after another, so that each is there before what is in it.
  const files = async function* (): AsyncGenerator<ContentEntry> {
    for await (const entry of readListing(join(from, backupLayout.listing)))
      if (entry.file === undefined) await mkdir(folderOf(entry), { recursive: true });
      else yield entry;
  };
  await inParallel(files(), width, async (entry) => {
    const to = folderOf(entry);
    await mkdir(dirname(to), { recursive: true });
    const source = join(from, backupLayout.content, String(entry.place), entry.name);
    const { sha256 } = await copyFileSynced(source, to, signal);
    if (entry.file === undefined || sha256 !== entry.file.sha256) throw changed(source);
    const { modifiedAt, mode } = entry.file;
    // The backup may have been carried about by what keeps neither.
    await chmod(to, mode);
    await utimes(to, modifiedAt / 1000, modifiedAt / 1000);
  });
  for (const folder of touched) {
    await syncFoldersBelow(folder);
    await syncFolder(dirname(folder));
  }
};
