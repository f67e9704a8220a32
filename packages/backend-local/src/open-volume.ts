import { dirname, resolve } from "node:path";
import { FileError } from "@bulkhead/contract";
import { isDiskFault, withFaults } from "./disk-fault.ts";
import { stampClock } from "./etag.ts";
import { detectFolding, foldKey, folds } from "./folding.ts";
import { layout } from "./layout.ts";
import { type ListingBounds, listings } from "./listings.ts";
import { checkMarker, makeMarker, readMarker } from "./marker.ts";
import { pathLocks } from "./path-locks.ts";
import type { FileSystemPort } from "./port.ts";
import { staging } from "./staging.ts";
import type { Volume } from "./volume.ts";

export interface VolumeOptions {
  readonly root: string;
  readonly strict: boolean;
  readonly fs: FileSystemPort;
  readonly expect: string | undefined;
  readonly listings: ListingBounds;
}

/** Makes a directory unless it is there. Answers whether it was made. */
const ensureDirectory = async (
  fs: FileSystemPort,
  path: string,
  mode: number,
): Promise<boolean> => {
  try {
    await fs.mkdir(path, mode);
    return true;
  } catch (error) {
    if (!isDiskFault(error, "EEXIST")) throw error;
    if ((await fs.lstat(path)).kind === "directory") return false;
    throw new FileError(
      "unavailable",
      "Something other than a directory stands where the storage keeps its own state.",
    );
  }
};

const sync = async (fs: FileSystemPort, directory: string): Promise<void> => {
  const handle = await fs.open(directory, "directory");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

/** Makes the root and what is missing above it, durably. */
const ensureRoot = async (fs: FileSystemPort, root: string): Promise<void> => {
  try {
    await fs.realpath(root);
    return;
  } catch (error) {
    if (!isDiskFault(error, "ENOENT") || dirname(root) === root) throw error;
  }
  await ensureRoot(fs, dirname(root));
  await ensureDirectory(fs, root, 0o777);
  await sync(fs, await fs.realpath(dirname(root)));
};

/** Opens the storage at a root, which is made where no marker is expected. Throws `unavailable`. */
export const openVolume = async (
  options: VolumeOptions,
): Promise<{ readonly volume: Volume; readonly marker: string }> => {
  const fs = withFaults(options.fs);
  const given = resolve(options.root);
  let root: string;
  try {
    if (options.expect === undefined) await ensureRoot(fs, given);
    root = await fs.realpath(given);
  } catch (error) {
    if (!isDiskFault(error, "ENOENT", "ENOTDIR")) throw error;
    throw new FileError("unavailable", "The storage's root is missing: is its disk mounted?");
  }
  let marker = await readMarker(root, fs);
  if (options.expect !== undefined) checkMarker(options.expect, marker);

  const { hidden, staging: staged, trash } = layout(fs, root, false);
  const made = await ensureDirectory(fs, hidden, 0o700);
  // Whatever it was made with: nobody else reads what is staged.
  await fs.chmod(hidden, 0o700);
  await ensureDirectory(fs, staged, 0o700);
  await ensureDirectory(fs, trash, 0o700);
  if (marker === undefined) {
    marker = await makeMarker(fs, hidden);
    await sync(fs, hidden);
  }
  if (made) await sync(fs, root);

  const folding = await detectFolding(fs, staged);
  const place = layout(fs, root, folds(folding));
  return {
    marker,
    volume: {
      fs,
      place,
      folding,
      locks: pathLocks(foldKey(folding)),
      turns: pathLocks(foldKey(folding)),
      staging: staging(fs, place),
      listings: listings(options.listings),
      strict: options.strict,
      stamp: stampClock(),
    },
  };
};
