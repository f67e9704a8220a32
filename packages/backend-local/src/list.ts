import type { Backend, BackendPath, Stat } from "@bulkhead/contract";
import { FileError, isRoot, nameFault, reservedName } from "@bulkhead/contract";
import { compareUtf8, pageLimit, sortKey } from "@bulkhead/kit";
import { isDiskFault } from "./disk-fault.ts";
import type { DirectoryEntry } from "./port.ts";
import type { Claim } from "./path-locks.ts";
import { served } from "./source.ts";
import { statOf } from "./stat.ts";
import { notDirectory } from "./target.ts";
import { checkAborted } from "./transfer.ts";
import type { Volume } from "./volume.ts";

// As many as are worth waiting for together; more would keep the thread pool from everybody else.
const together = 64;

export interface ServedEntry {
  readonly name: string;
  readonly kind: "file" | "directory";
}

/** The entries of a directory that have a path: no links or pipes, no names that no path spells, no `.bulkhead`. */
export const servedEntries = (entries: readonly DirectoryEntry[], atRoot: boolean): ServedEntry[] =>
  entries.flatMap(({ name, kind }) =>
    name === undefined ||
    kind === "other" ||
    nameFault(name) !== undefined ||
    (atRoot && name === reservedName)
      ? []
      : [{ name, kind }],
  );

const firstAfter = (keys: readonly string[], after: string): number => {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareUtf8(keys[middle] ?? "", after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** `Backend.list`: names are read and sorted once while they are paged through, stats for each page alone. */
export const list =
  (volume: Volume): Backend["list"] =>
  async (ctx, path, { limit = pageLimit, after } = {}) => {
    const { fs, place, listings } = volume;
    if (!Number.isInteger(limit) || limit < 1 || limit > pageLimit)
      throw new FileError("invalid-request", `A page holds 1 to ${pageLimit} entries.`);
    checkAborted(ctx.signal);
    const turn: Claim = { path, extent: "entry", shared: true };
    return volume.turns.hold([turn], ctx.signal, async () => {
      const found = served(await place.find(path));
      if (found.state === "file") throw notDirectory();
      const read = async (): Promise<readonly string[]> =>
        servedEntries(await fs.readdir(found.disk), isRoot(path))
          .map((entry) => sortKey(entry))
          .sort(compareUtf8);
      const position = (keys: readonly string[]): number =>
        after === undefined ? 0 : firstAfter(keys, after);
      // A listing from the start is always read anew.
      const keys =
        (after === undefined ? undefined : listings.get(path, found.stat)) ??
        (await listings.load(path, found.stat, read, (all) => position(all) + limit < all.length));

      const entries: Stat[] = [];
      let at = position(keys);
      let last: string | undefined;
      while (entries.length < limit && at < keys.length) {
        checkAborted(ctx.signal);
        const batch = keys.slice(at, at + Math.min(together, limit - entries.length));
        const stats = await Promise.all(batch.map((key) => entryAt(volume, path, key)));
        entries.push(...stats.filter((stat) => stat !== undefined));
        at += batch.length;
        last = batch.at(-1);
      }
      return at < keys.length && last !== undefined && entries.length > 0
        ? { entries, next: last }
        : { entries };
    });
  };

/** The entry as it is now, or undefined if it is gone or became something else since the names were read. */
const entryAt = async (
  volume: Volume,
  path: BackendPath,
  key: string,
): Promise<Stat | undefined> => {
  const [name = key] = key.split("/");
  try {
    const stat = await volume.fs.lstat(`${volume.place.diskName(path)}/${name}`);
    if (stat.kind === "other") return undefined;
    const entry = statOf(name, stat);
    return sortKey(entry) === key ? entry : undefined;
  } catch (error) {
    if (isDiskFault(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
};
