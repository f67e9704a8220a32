import { type BackendPath, FileError, parent } from "@bulkhead/contract";
import { DiskFault } from "./disk-fault.ts";
import type { FileHandlePort } from "./port.ts";
import type { Volume } from "./volume.ts";

/** Makes a file's bytes outlive power loss, where the volume promises it. */
export const syncContent = async (volume: Volume, handle: FileHandlePort): Promise<void> => {
  if (volume.strict) await handle.datasync();
};

/** Makes a directory's entries outlive power loss, where the volume promises it. */
export const syncDirectory = async (volume: Volume, disk: string): Promise<void> => {
  if (!volume.strict) return;
  const handle = await volume.fs.open(disk, "directory");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** The directories that hold `path`, from the nearest, `count` of them at most. */
export const directoriesAbove = (
  path: BackendPath,
  count: number = Number.POSITIVE_INFINITY,
): BackendPath[] => {
  const above: BackendPath[] = [];
  for (let at = parent(path); at !== undefined && above.length < count; at = parent(at))
    above.push(at);
  return above;
};

/**
 * Runs what is left to do once an effect is visible. A failure is `unavailable` and not to be repeated blindly: readers
 * see the effect, but it may not outlive power loss.
 */
export const confirm = async <R>(rest: () => Promise<R>): Promise<R> => {
  try {
    return await rest();
  } catch (error) {
    if (!(error instanceof DiskFault)) throw error;
    throw new FileError(
      "unavailable",
      `The change was made, but the storage could not confirm that it is durable (${error.code}).`,
      { retry: "never" },
    );
  }
};

/** Syncs the directories in which an effect made or took an entry. */
export const syncEffect = (volume: Volume, directories: readonly BackendPath[]): Promise<void> =>
  confirm(async () => {
    for (const directory of new Set(directories))
      await syncDirectory(volume, volume.place.diskName(directory));
  });
