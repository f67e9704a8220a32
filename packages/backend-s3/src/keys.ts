import {
  type BackendPath,
  isRoot,
  nameFault,
  pathLimits,
  reservedName,
  segmentsOf,
  utf8Length,
} from "@bulkhead/contract";

/** Between paths of a storage and keys of a bucket. */
export interface Keys {
  /** What every key begins with: empty, or ending in a slash. */
  readonly prefix: string;
  /** The key of a file; of the root, the prefix itself. */
  readonly of: (path: BackendPath) => string;
  /** What the keys below a directory begin with. */
  readonly below: (path: BackendPath) => string;
  /** A key of the storage's own, which no path names. */
  readonly own: (name: string) => string;
  /** True for what lies among the storage's own. */
  readonly isOwn: (key: string) => boolean;
  /** True for a key that is no path of a file: it is hidden. */
  readonly isHidden: (key: string) => boolean;
}

/** Whether a name in that directory is the name of a file or directory of the tree. */
export const isShown = (directory: BackendPath, name: string): boolean =>
  nameFault(name) === undefined &&
  !(isRoot(directory) && name === reservedName) &&
  segmentsOf(directory).length < pathLimits.depth &&
  utf8Length(directory) + 1 + utf8Length(name) <= pathLimits.pathBytes;

export const keysOf = (prefix: string): Keys => {
  const own = `${prefix}${reservedName}/`;
  return {
    prefix,
    of: (path) => `${prefix}${path}`,
    below: (path) => (isRoot(path) ? prefix : `${prefix}${path}/`),
    own: (name) => `${own}${name}`,
    isOwn: (key) => key.startsWith(own),
    isHidden: (key) => {
      const path = key.slice(prefix.length);
      const names = path.split("/");
      // A directory may have a key of its own, which ends in the slash.
      if (names.at(-1) === "") names.pop();
      return (
        path !== "" &&
        (names.length > pathLimits.depth ||
          utf8Length(path) > pathLimits.pathBytes ||
          names.some((name) => nameFault(name) !== undefined))
      );
    },
  };
};
