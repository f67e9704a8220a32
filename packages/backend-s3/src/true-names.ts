import type { Stat } from "@bulkhead/contract";
import { sortKey } from "@bulkhead/kit";
import { isEmptyFolder, listObjects } from "./list-objects.ts";
import { headObject } from "./head-object.ts";
import { replacement, spellings } from "./spellings.ts";
import type { Store } from "./store.ts";

/**
 * Finds out the names behind those that came with U+FFFD, from a store that cannot tell: whichever spelling is there.
 * Entries of which none is are left as they came.
 */
export const trueNames = async (
  store: Store,
  base: string,
  found: Map<string, Stat>,
  signal: AbortSignal,
): Promise<void> => {
  const doubtful = [...found].filter(([, { name }]) => name.includes(replacement));
  for (const [listed, stat] of doubtful) {
    const there = await Promise.all(
      spellings(stat.name).map(async (name): Promise<readonly Stat[]> => {
        if (stat.kind === "directory") {
          const prefix = `${base}${name}/`;
          const { objects } = await listObjects(store, { prefix, max: 2 }, signal);
          return objects.some((object) => !isEmptyFolder(object)) ? [{ ...stat, name }] : [];
        }
        const head = await headObject(store, `${base}${name}`, signal);
        if (head === undefined) return [];
        return [{ ...stat, name, size: head.size, etag: head.etag, modifiedAt: head.modifiedAt }];
      }),
    );
    const all = there.flat();
    if (all.length > 0) found.delete(listed);
    for (const one of all) found.set(sortKey(one), one);
  }
};
