import { type BackendPath, isRoot, reservedName, segmentsOf } from "@bulkhead/contract";
import { isDiskFault } from "./disk-fault.ts";
import type { FileStat, FileSystemPort } from "./port.ts";

/** What stands at a path. `special` is anything that is not served, `collides` another spelling of the name, at or above it. */
export type Found =
  | { readonly state: "file" | "directory"; readonly disk: string; readonly stat: FileStat }
  /** `missing` of the path's last names are not there; the directory above them is. */
  | { readonly state: "missing"; readonly missing: number }
  | { readonly state: "below-file" | "special" | "collides" };

/** Where things are under one root. */
export interface Layout {
  readonly root: string;
  readonly hidden: string;
  readonly staging: string;
  readonly trash: string;
  readonly marker: string;
  /**
   * Turns a path into the name of its file, and nothing else does: no name on the way may be a link, and on a folding
   * file system each has to be spelled on disk as in the path. The root's own kind is looked at when it opens.
   */
  readonly find: (path: BackendPath) => Promise<Found>;
  /** The file name of a path whose directory `find` has walked. */
  readonly diskName: (path: BackendPath) => string;
}

/** From so many names on, the real name of their directory is asked for once instead of looking at each. */
const deep = 4;

/** Lays a storage out under `root`, which is absolute and free of links. */
export const layout = (fs: FileSystemPort, root: string, spelled: boolean): Layout => {
  const hidden = `${root}/${reservedName}`;

  const isSpelled = async (directory: string, name: string): Promise<boolean> =>
    !spelled || (await fs.readdir(directory)).some((entry) => entry.name === name);

  /** What stands deep down, in two calls however deep; undefined where it takes a look at each name to tell. */
  const straight = async (names: readonly string[]): Promise<Found | undefined> => {
    const directory = `${root}/${names.slice(0, -1).join("/")}`;
    const disk = `${directory}/${names.at(-1)}`;
    const missing = (error: unknown): undefined => {
      if (!isDiskFault(error, "ENOENT")) throw error;
    };
    try {
      const [real, stat] = await Promise.all([
        fs.realpath(directory),
        fs.lstat(disk).catch(missing),
      ]);
      // The root is free of links: a directory has another real name if one lies on the way to it.
      if (real !== directory || stat?.kind === "other") return undefined;
      return stat === undefined
        ? { state: "missing", missing: 1 }
        : { state: stat.kind, disk, stat };
    } catch (error) {
      if (isDiskFault(error)) return undefined;
      throw error;
    }
  };

  const walk = async (names: readonly string[]): Promise<Found> => {
    let disk = root;
    let stat: FileStat | undefined;
    for (const [depth, name] of names.entries()) {
      if (stat?.kind === "file") return { state: "below-file" };
      const directory = disk;
      disk = `${directory}/${name}`;
      try {
        stat = await fs.lstat(disk);
        if (!(await isSpelled(directory, name))) return { state: "collides" };
      } catch (error) {
        // The directory became a file since it was looked at.
        if (isDiskFault(error, "ENOTDIR")) return { state: "below-file" };
        if (!isDiskFault(error, "ENOENT")) throw error;
        // Without a root there is no place to put anything.
        if (depth === 0) await fs.lstat(root);
        return { state: "missing", missing: names.length - depth };
      }
      if (stat.kind === "other") return { state: "special" };
    }
    stat ??= await fs.lstat(root);
    return stat.kind === "other" ? { state: "special" } : { state: stat.kind, disk, stat };
  };

  const find = async (path: BackendPath): Promise<Found> => {
    const names = segmentsOf(path);
    return (names.length < deep || spelled ? undefined : await straight(names)) ?? walk(names);
  };

  return {
    root,
    hidden,
    staging: `${hidden}/staging`,
    trash: `${hidden}/trash`,
    marker: `${hidden}/marker`,
    find,
    diskName: (path) => (isRoot(path) ? root : `${root}/${path}`),
  };
};
