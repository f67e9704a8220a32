import { FileError } from "@bulkhead/contract";
import type { Mount } from "./mount.ts";
import { type SharedMap, sharedMap } from "./shared-map.ts";

const normalized = (root: string): string =>
  root
    .split("/")
    .filter((segment) => segment !== "")
    .join("/");

/** The root itself first, then what holds it, up to the empty string. */
const upwards = (root: string): readonly string[] => {
  const all = [root];
  for (let cut = root.lastIndexOf("/"); cut >= 0; cut = root.lastIndexOf("/", cut - 1))
    all.push(root.slice(0, cut));
  if (root !== "") all.push("");
  return all;
};

/** Where the storages of a table lie. Mutable while a table is made, never afterwards. */
export interface StorageRoots {
  readonly copy: () => StorageRoots;
  /** Throws `invalid-request` if the mount's root is, holds or lies in one that is there. */
  readonly add: (mount: Mount) => void;
  readonly remove: (mount: Mount) => void;
}

/** Makes the index that finds a shared or nested root in as many steps as the root has segments. */
export const storageRoots = (
  owners: SharedMap<string, string> = sharedMap(),
  holding: SharedMap<string, number> = sharedMap(),
): StorageRoots => ({
  copy: () => storageRoots(owners.copy(), holding.copy()),
  add: (mount) => {
    if (mount.storageRoot === undefined) return;
    const root = normalized(mount.storageRoot);
    const chain = upwards(root);
    const owner = chain.map((at) => owners.get(at)).find((id) => id !== undefined);
    if (owner !== undefined || holding.has(root))
      throw new FileError(
        "invalid-request",
        `The storage of mount '${mount.id}' shares or nests the root of another.`,
      );
    owners.set(root, mount.id);
    for (const at of chain.slice(1)) holding.set(at, (holding.get(at) ?? 0) + 1);
  },
  remove: (mount) => {
    if (mount.storageRoot === undefined) return;
    const root = normalized(mount.storageRoot);
    owners.delete(root);
    for (const at of upwards(root).slice(1)) {
      const left = (holding.get(at) ?? 1) - 1;
      if (left === 0) holding.delete(at);
      else holding.set(at, left);
    }
  },
});
