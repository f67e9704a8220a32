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
   * Turns a path into the name of its file, and nothing else does: every name on the way is looked at without following
   * a link, and on a folding file system has to be spelled on disk as in the path.
   */
  readonly find: (path: BackendPath) => Promise<Found>;
  /** The file name of a path whose directory `find` has walked. */
  readonly diskName: (path: BackendPath) => string;
}

/** Lays a storage out under `root`, which is absolute and free of links. */
export const layout = (fs: FileSystemPort, root: string, spelled: boolean): Layout => {
  const hidden = `${root}/${reservedName}`;

  const isSpelled = async (directory: string, name: string): Promise<boolean> =>
    !spelled || (await fs.readdir(directory)).some((entry) => entry.name === name);

  const find = async (path: BackendPath): Promise<Found> => {
    let disk = root;
    let stat = await fs.lstat(root);
    const names = segmentsOf(path);
    for (const [depth, name] of names.entries()) {
      if (stat.kind === "file") return { state: "below-file" };
      const directory = disk;
      disk = `${directory}/${name}`;
      try {
        stat = await fs.lstat(disk);
        if (!(await isSpelled(directory, name))) return { state: "collides" };
      } catch (error) {
        // The directory became a file since it was looked at.
        if (isDiskFault(error, "ENOTDIR")) return { state: "below-file" };
        if (isDiskFault(error, "ENOENT"))
          return { state: "missing", missing: names.length - depth };
        throw error;
      }
      if (stat.kind === "other") return { state: "special" };
    }
    return stat.kind === "other" ? { state: "special" } : { state: stat.kind, disk, stat };
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
