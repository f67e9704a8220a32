import type { Removed } from "@bulkhead/contract";
import { isDiskFault } from "./disk-fault.ts";
import { syncContent, syncDirectory } from "./durability.ts";
import { servedEntries } from "./list.ts";
import { checkAborted } from "./transfer.ts";
import type { Volume } from "./volume.ts";

/** Counts what is served below a directory on disk: files, and their bytes. */
export const countTree = async (
  volume: Volume,
  disk: string,
  signal: AbortSignal,
): Promise<Removed> => {
  let files = 0;
  let bytes = 0;
  const waiting = [disk];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    checkAborted(signal);
    for (const { name, kind } of servedEntries(
      await volume.fs.readdir(at),
      at === volume.place.root,
    )) {
      if (kind === "directory") waiting.push(`${at}/${name}`);
      else {
        files += 1;
        bytes += (await volume.fs.lstat(`${at}/${name}`)).size;
      }
    }
  }
  return { files, bytes };
};

/** Copies one file to what must not exist, durably, under a modification time of its own. */
export const copyContent = async (volume: Volume, from: string, to: string): Promise<void> => {
  await volume.fs.copyFile(from, to);
  const handle = await volume.fs.open(to, "update");
  try {
    await handle.touch(volume.stamp());
    await syncContent(volume, handle);
  } finally {
    await handle.close();
  }
};

/**
 * Copies what is served of a directory to what must not exist, durably. Nothing is held meanwhile: a file removed
 * before it was reached is left out. Answers what was copied.
 */
export const copyTree = async (
  volume: Volume,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<Removed> => {
  let files = 0;
  let bytes = 0;
  await volume.fs.mkdir(to, 0o777);
  for (const { name, kind } of servedEntries(
    await volume.fs.readdir(from),
    from === volume.place.root,
  )) {
    checkAborted(signal);
    try {
      if (kind === "directory") {
        const copied = await copyTree(volume, `${from}/${name}`, `${to}/${name}`, signal);
        files += copied.files;
        bytes += copied.bytes;
      } else {
        await copyContent(volume, `${from}/${name}`, `${to}/${name}`);
        files += 1;
        bytes += (await volume.fs.lstat(`${to}/${name}`)).size;
      }
    } catch (error) {
      if (!isDiskFault(error, "ENOENT")) throw error;
    }
  }
  await syncDirectory(volume, to);
  return { files, bytes };
};
