import {
  type BackendPath,
  child,
  FileError,
  nameOf,
  parent,
  reservedName,
  segmentsBelow,
  segmentsOf,
  type VirtualPath,
} from "@bulkhead/contract";
import { compareUtf8 } from "@bulkhead/kit";
import { checkMount, type Mount } from "./mount.ts";
import { type SharedMap, sharedMap } from "./shared-map.ts";
import { type StorageRoots, storageRoots } from "./storage-roots.ts";

/** A place in a storage. */
export interface Place {
  readonly mount: Mount;
  readonly path: BackendPath;
}

/** Names in the order of a listing, with more of them: a few are put in their places, many are sorted. */
const joined = (names: readonly string[], more: ReadonlySet<string>): readonly string[] => {
  if (more.size > 16) return [...new Set([...names, ...more])].sort(byListing);
  let all = names;
  for (const name of more) {
    let low = 0;
    for (let high = all.length; low < high;) {
      const middle = (low + high) >> 1;
      if (byListing(all[middle] ?? "", name) < 0) low = middle + 1;
      else high = middle;
    }
    if (all[low] !== name) all = all.toSpliced(low, 0, name);
  }
  return all;
};

const byListing = (a: string, b: string): number => compareUtf8(`${a}/`, `${b}/`);

/**
 * Which storage holds which part of the tree. Immutable: `with` and `without` answer another table. Looking up costs
 * the depth of the path, whatever the number of mounts.
 */
export class MountTable {
  /** At each mount point its mounts, the one that serves first. */
  readonly #points: SharedMap<VirtualPath, readonly Mount[]>;
  /** For each directory above a mount point the names that lead to one, in the order of a listing. */
  readonly #below: SharedMap<VirtualPath, readonly string[]>;
  readonly #ids: SharedMap<string, VirtualPath>;
  readonly #roots: StorageRoots;

  private constructor(
    points: SharedMap<VirtualPath, readonly Mount[]>,
    below: SharedMap<VirtualPath, readonly string[]>,
    ids: SharedMap<string, VirtualPath>,
    roots: StorageRoots,
  ) {
    this.#points = points;
    this.#below = below;
    this.#ids = ids;
    this.#roots = roots;
  }

  /** Makes a table. Throws `invalid-request` for mounts that share an id, a priority at one point, or a storage root. */
  static of(mounts: Iterable<Mount>): MountTable {
    return new MountTable(sharedMap(), sharedMap(), sharedMap(), storageRoots()).with(mounts);
  }

  get size(): number {
    return this.#ids.size();
  }

  /** Every mount, also those that a greater priority hides. */
  *mounts(): IterableIterator<Mount> {
    for (const here of this.#points.values()) yield* here;
  }

  /** The table with these mounts as well. Throws as `of` does. */
  with(mounts: Iterable<Mount>): MountTable {
    const points = this.#points.copy();
    const ids = this.#ids.copy();
    const roots = this.#roots.copy();
    const gained = new Map<VirtualPath, Set<string>>();
    for (const mount of mounts) {
      checkMount(mount);
      if (ids.has(mount.id))
        throw new FileError("invalid-request", `Two mounts have the id '${mount.id}'.`);
      const here = points.get(mount.path) ?? [];
      if (here.some((other) => (other.priority ?? 0) === (mount.priority ?? 0)))
        throw new FileError(
          "invalid-request",
          `Mount '${mount.id}' ties with another at its point: give it a priority.`,
        );
      roots.add(mount);
      ids.set(mount.id, mount.path);
      points.set(
        mount.path,
        [...here, mount].sort((a, b) => (b.priority ?? 0) - (a.priority ?? 0)),
      );
      this.#lead(mount.path, gained);
    }
    const below = this.#below.copy();
    for (const [directory, names] of gained)
      below.set(directory, joined(below.get(directory) ?? [], names));
    return new MountTable(points, below, ids, roots);
  }

  #lead(point: VirtualPath, gained: Map<VirtualPath, Set<string>>): void {
    let at = point;
    for (let above = parent(at); above !== undefined; above = parent(at)) {
      const names = gained.get(above);
      // What holds a name already has everything above it.
      if (names?.has(nameOf(at)) === true) return;
      if (names === undefined) gained.set(above, new Set([nameOf(at)]));
      else names.add(nameOf(at));
      at = above;
    }
  }

  /** The table without any mount at these points. A point where nothing is mounted is passed over. */
  without(paths: Iterable<VirtualPath>): MountTable {
    const points = this.#points.copy();
    const ids = this.#ids.copy();
    const roots = this.#roots.copy();
    const below = this.#below.copy();
    // By depth: a directory that loses its last name is itself taken from the one above.
    const lost: (Map<VirtualPath, Set<string>> | undefined)[] = [];
    const gone = (path: VirtualPath): void => {
      const above = parent(path);
      if (above === undefined || points.has(path) || below.has(path)) return;
      const level = (lost[segmentsOf(above).length] ??= new Map<VirtualPath, Set<string>>());
      level.set(above, (level.get(above) ?? new Set<string>()).add(nameOf(path)));
    };
    for (const path of paths) {
      for (const mount of points.get(path) ?? []) {
        ids.delete(mount.id);
        roots.remove(mount);
      }
      if (points.delete(path)) gone(path);
    }
    for (let depth = lost.length - 1; depth >= 0; depth--) {
      for (const [directory, names] of lost[depth] ?? []) {
        const left = (below.get(directory) ?? []).filter((name) => !names.has(name));
        if (left.length > 0) below.set(directory, left);
        else {
          below.delete(directory);
          gone(directory);
        }
      }
    }
    return new MountTable(points, below, ids, roots);
  }

  /** The mount that serves this very point. */
  mountAt(path: VirtualPath): Mount | undefined {
    return this.#points.get(path)?.[0];
  }

  /** The mounts at this very point, the one that serves first. */
  mountsAt(path: VirtualPath): readonly Mount[] {
    return this.#points.get(path) ?? [];
  }

  /** True if mount points lie below `path`. */
  isAncestorOfMount(path: VirtualPath): boolean {
    return this.#below.has(path);
  }

  /** The names in the directory `path` that lead to mount points, in the order of a listing. */
  mountNamesBelow(path: VirtualPath): readonly string[] {
    return this.#below.get(path) ?? [];
  }

  /** Where in the tree `names` inside a mount are; undefined if that mount is not there, or another serves the place. */
  placeOf(id: string, names: readonly string[]): VirtualPath | undefined {
    const point = this.#ids.get(id);
    if (point === undefined) return undefined;
    const path = names.reduce<VirtualPath>((at, name) => child(at, name), point);
    return this.resolve(path).mount.id === id ? path : undefined;
  }

  /**
   * Finds the storage that holds `path`: the nearest mount point above it, and nothing else whatever that storage
   * answers. Throws `not-found` where nothing is mounted and `invalid-path` for a storage's own folder.
   */
  resolve(path: VirtualPath): Place {
    for (let at: VirtualPath | undefined = path; at !== undefined; at = parent(at)) {
      const mount = this.mountAt(at);
      if (mount === undefined) continue;
      const names = segmentsBelow(at, path) ?? [];
      if (names[0] === reservedName)
        throw new FileError("invalid-path", `'${reservedName}' is reserved.`);
      return { mount, path: names.join("/") as BackendPath };
    }
    throw new FileError("not-found", "Nothing is mounted here.");
  }
}
