import type { Stat } from "@bulkhead/contract";
import { sortKey } from "@bulkhead/kit";
import { isEmptyFolder, listObjects } from "./list-objects.ts";
import { headObject } from "./look.ts";
import type { Store } from "./store.ts";

/** What stands in an answer for a character that XML cannot hold, and which those are that a name can. */
const replacement = "\ufffd";
const candidates = [replacement, "\ufffe", "\uffff"] as const;

/** A name with more of them is left as it was told. */
const most = 3;

const spellings = (name: string): readonly string[] => {
  const parts = name.split(replacement);
  if (parts.length - 1 > most) return [name];
  return parts.reduce<readonly string[]>(
    (all, part, i) =>
      i === 0 ? [part] : all.flatMap((one) => candidates.map((c) => `${one}${c}${part}`)),
    [],
  );
};

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
