import { type Backend, type BackendPath, isRoot, parent, reservedName } from "@bulkhead/contract";
import { FileError } from "@bulkhead/contract";
import { isDiskFault } from "./disk-fault.ts";
import { syncEffect } from "./durability.ts";
import { etagOf } from "./etag.ts";
import { served } from "./source.ts";
import { stagedId } from "./staging.ts";
import { checkMatch } from "./target.ts";
import { checkAborted } from "./transfer.ts";
import { countTree } from "./tree.ts";
import type { Volume } from "./volume.ts";

const notEmpty = (): FileError =>
  new FileError(
    "not-empty",
    "The directory is not empty; ask for `recursive` to remove what is in it.",
  );

/** Everything in a directory but the storage's own; what is not served goes with the tree it is in. */
const allEntries = async (volume: Volume, disk: string): Promise<readonly (string | undefined)[]> =>
  (await volume.fs.readdir(disk))
    .map((entry) => entry.name)
    .filter((name) => disk !== volume.place.root || name !== reservedName);

/**
 * `Backend.remove`: a file is unlinked, a directory renamed into the trash and deleted there, out of sight and out of
 * the lock. The root alone is emptied entry by entry: no rename takes it.
 */
export const remove =
  (volume: Volume): Backend["remove"] =>
  async (ctx, path, options = {}) => {
    const { fs, place, staging } = volume;
    checkAborted(ctx.signal);
    const { name } = staging.reserve();
    const removed = await volume.locks.hold([{ path, extent: "tree" }], ctx.signal, async () => {
      const { state, disk, stat } = served(await place.find(path));
      checkMatch(options.ifMatch, stat);
      const commit = async (etagBefore?: string): Promise<void> => {
        checkAborted(ctx.signal);
        await ctx.commit({
          id: stagedId(name, stat, 0),
          size: 0,
          ...(etagBefore !== undefined && { etagBefore }),
        });
      };
      if (state === "file") {
        await commit(etagOf(stat));
        await vanish(volume, path, () => fs.unlink(disk));
        return { files: 1, bytes: stat.size };
      }
      if (options.recursive !== true) {
        if ((await allEntries(volume, disk)).length > 0) throw notEmpty();
        await commit();
        if (!isRoot(path)) await vanish(volume, path, () => fs.rmdir(disk));
        return { files: 0, bytes: 0 };
      }
      const counted = await countTree(volume, disk, ctx.signal);
      await commit();
      if (isRoot(path)) await emptyRoot(volume, path, name);
      else await vanish(volume, path, () => fs.rename(disk, staging.trashName(name)));
      return counted;
    });
    await staging.empty(name);
    return removed;
  };

const vanish = async (
  volume: Volume,
  path: BackendPath,
  act: () => Promise<void>,
): Promise<void> => {
  const directory = parent(path) ?? path;
  try {
    await volume.turns.hold([{ path, extent: "tree" }], undefined, act);
  } finally {
    volume.listings.forget(directory);
  }
  await syncEffect(volume, [directory]);
};

/** Moves all that is in the root into the trash under `name`; if one entry stays, all come back. */
export const emptyRoot = async (volume: Volume, root: BackendPath, name: string): Promise<void> => {
  const { fs, place, staging } = volume;
  const trash = staging.trashName(name);
  const moved: string[] = [];
  await vanish(volume, root, async () => {
    // What is not UTF-8 stays: no call by name reaches it, and nobody sees it.
    const entries = (await allEntries(volume, place.root)).filter((entry) => entry !== undefined);
    if (entries.length === 0) return;
    try {
      await fs.mkdir(trash, 0o700);
    } catch (error) {
      // Recovery goes on where a crash left off.
      if (!isDiskFault(error, "EEXIST")) throw error;
    }
    try {
      for (const entry of entries) {
        await fs.rename(`${place.root}/${entry}`, `${trash}/${entry}`);
        moved.push(entry);
      }
    } catch (error) {
      for (const entry of moved.reverse())
        await fs.rename(`${trash}/${entry}`, `${place.root}/${entry}`);
      throw error;
    }
  });
};
