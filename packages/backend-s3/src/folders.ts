import { type BackendPath, isRoot, parent } from "@bulkhead/contract";
import { isEmptyFolder, listObjects } from "./list-objects.ts";
import { ownSignal } from "./head-object.ts";
import type { Store } from "./store.ts";

/** The folders that a key lies in, below a prefix, and what is a folder itself. */
export const foldersOf = (prefix: string, key: string): readonly string[] => {
  const folders: string[] = [];
  for (let i = key.indexOf("/", prefix.length); i >= 0; i = key.indexOf("/", i + 1))
    folders.push(key.slice(0, i + 1));
  return folders;
};

/**
 * Takes away the folders above what was removed that nothing lies in any more, on a store that would go on showing them.
 * One that somebody is at just now is left, and so are folders that were made: they are objects. Never fails: such a
 * folder is in nobody's way.
 */
export const takeFolders = async (store: Store, path: BackendPath): Promise<void> => {
  if (!store.support.leavesFolders) return;
  const { api, bucket, keys, locks } = store;
  try {
    for (let at: BackendPath | undefined = path; at !== undefined && !isRoot(at); at = parent(at)) {
      const folder = keys.below(at);
      const taken = await locks.tryHold({ exclusive: [at] }, async () => {
        const { objects } = await listObjects(store, { prefix: folder, max: 2 }, ownSignal());
        if (objects.some((object) => !isEmptyFolder(object) || object.key !== folder)) return false;
        await api.deleteObject({ Bucket: bucket, Key: folder }, { abortSignal: ownSignal() });
        return true;
      });
      if (taken !== true) return;
    }
  } catch {
    // The store takes them away by itself, later.
  }
};
