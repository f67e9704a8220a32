import { type BackendPath, isRoot, parent } from "@bulkhead/contract";
import { headObject } from "./head-object.ts";
import { isEmptyFolder, listObjects } from "./list-objects.ts";
import type { Store, StoredObject } from "./store.ts";

/** What is at a path. */
export type Found =
  | ({ readonly is: "file" } & StoredObject)
  | { readonly is: "directory" }
  | { readonly is: "missing" }
  /** Nothing, and a file stands where a directory would have to be. */
  | { readonly is: "below-file" };

/** True if anything lies in a directory, or it has a key of its own. The root is always there. */
export const isDirectory = async (
  store: Store,
  path: BackendPath,
  signal: AbortSignal,
): Promise<boolean> => {
  if (isRoot(path)) return true;
  const prefix = store.keys.below(path);
  const { objects } = await listObjects(store, { prefix, max: 2 }, signal);
  return objects.some((object) => !isEmptyFolder(object));
};

/**
 * Finds what is at a path: a file, where there are both a file and a directory. One question, since the first key that
 * begins as the path does is the path's own; a second only where neighbours with longer names stand before its slash.
 */
export const findAt = async (
  store: Store,
  path: BackendPath,
  signal: AbortSignal,
): Promise<Exclude<Found, { readonly is: "below-file" }>> => {
  if (isRoot(path)) return { is: "directory" };
  const key = store.keys.of(path);
  const inside = store.keys.below(path);
  const { objects, next } = await listObjects(store, { prefix: key, max: 2 }, signal);
  const own = objects.find((object) => object.key === key);
  if (own !== undefined) return { is: "file", ...own };
  if (objects.some((object) => object.key.startsWith(inside) && !isEmptyFolder(object)))
    return { is: "directory" };
  if (next === undefined) return { is: "missing" };
  return (await isDirectory(store, path, signal)) ? { is: "directory" } : { is: "missing" };
};

/** True if one of the directories that would hold a path is a file. What was seen not to be one is not asked again. */
export const isBelowFile = async (
  store: Store,
  path: BackendPath,
  signal: AbortSignal,
): Promise<boolean> => {
  const unknown: BackendPath[] = [];
  for (let at = parent(path); at !== undefined && !isRoot(at); at = parent(at))
    if (!store.notFiles.has(at)) unknown.push(at);
  const found = await Promise.all(
    unknown.map(async (at) => {
      if ((await headObject(store, store.keys.of(at), signal)) !== undefined) return true;
      store.notFiles.set(at, true);
      return false;
    }),
  );
  return found.includes(true);
};

const lookAt = (
  store: Store,
  path: BackendPath,
  signal: AbortSignal,
): ReturnType<typeof findAt> => {
  store.places.looked(path);
  return findAt(store, path, signal);
};

/** Finds what is where no directory is: its own key is all that has to be asked for. */
const fileAt = async (
  store: Store,
  path: BackendPath,
  signal: AbortSignal,
): ReturnType<typeof findAt> => {
  const head = await headObject(store, store.keys.of(path), signal);
  return head === undefined ? { is: "missing" } : { is: "file", ...head };
};

/** Finds what a file put at `path` would meet. */
export const findTarget = async (
  store: Store,
  path: BackendPath,
  signal: AbortSignal,
): Promise<Found> => {
  const [found, below] = await Promise.all([
    store.places.isNoDirectory(path) ? fileAt(store, path, signal) : lookAt(store, path, signal),
    isBelowFile(store, path, signal),
  ]);
  return found.is === "missing" && below ? { is: "below-file" } : found;
};
