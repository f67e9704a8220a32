import type { BackendPath } from "@bulkhead/contract";
import pLimit from "p-limit";
import { deleteObjects } from "./delete-objects.ts";
import { pagesBelow } from "./list-objects.ts";
import { headObject } from "./head-object.ts";
import type { Store } from "./store.ts";

/** Looks at a time. */
const parallel = 16;

/** How long the recovery of a tree may take for each page of keys. */
const pageMs = 60_000;

/** Goes through the objects below a prefix that a PUT of ours with that id made. */
async function* copiesBelow(
  store: Store,
  prefix: string,
  write: string,
): AsyncGenerator<readonly string[]> {
  const limit = pLimit(parallel);
  for await (const objects of pagesBelow(store, prefix, AbortSignal.timeout(10 * pageMs))) {
    const signal = AbortSignal.timeout(pageMs);
    const heads = await Promise.all(
      objects.map(({ key }) => limit(() => headObject(store, key, signal))),
    );
    yield heads.flatMap((head) => (head?.write === write ? [head.key] : []));
  }
}

/** Removes what a copy that did not come to its end had made. What others put beside it stays. */
export const discardCopies = async (store: Store, prefix: string, write: string): Promise<void> => {
  for await (const keys of copiesBelow(store, prefix, write))
    await deleteObjects(store, keys, AbortSignal.timeout(pageMs));
};

/**
 * Ends the move of a directory that was interrupted. Nothing of the source goes before all of it was copied: so where a
 * copy has no source any more, or no source lacks its copy, the rest of the sources go, and it is done. Else the copies
 * go. Neither end is ever without a file.
 */
export const recoverMovedTree = async (
  store: Store,
  from: BackendPath,
  to: BackendPath,
  write: string,
): Promise<"done" | "undone"> => {
  const [source, target] = [store.keys.below(from), store.keys.below(to)];
  const sources = new Set<string>();
  for await (const objects of pagesBelow(store, source, AbortSignal.timeout(10 * pageMs)))
    for (const { key, etag } of objects) if (etag !== "") sources.add(key.slice(source.length));
  const copies = new Set<string>();
  for await (const keys of copiesBelow(store, target, write))
    for (const key of keys) copies.add(key.slice(target.length));

  const begun = [...copies].some((name) => !sources.has(name));
  const whole = [...sources].every((name) => copies.has(name));
  if (!begun && !(whole && copies.size > 0)) {
    await discardCopies(store, target, write);
    return "undone";
  }
  // What came to the source since has no copy, and stays.
  const left = [...sources].filter((name) => copies.has(name)).map((name) => source + name);
  for (let i = 0; i < left.length; i += 1000)
    await deleteObjects(store, left.slice(i, i + 1000), AbortSignal.timeout(pageMs));
  return "done";
};
