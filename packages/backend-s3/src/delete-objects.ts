import pLimit from "p-limit";
import { answerFor, isMissing } from "./fault.ts";
import { foldersOf } from "./folders.ts";
import { pagesBelow } from "./list-objects.ts";
import type { Store, StoredObject } from "./store.ts";

/** Requests of one removal at a time. */
const parallel = 8;

/** What the XML of a batch can hold. */
const isPlain = (key: string): boolean =>
  // oxlint-disable-next-line no-control-regex -- control characters are what this expression is about
  key.isWellFormed() && !/[\u0000-\u001f\ufffe\uffff]/u.test(key);

const deleteOne = async (
  store: Pick<Store, "api" | "bucket">,
  key: string,
  signal: AbortSignal,
): Promise<void> => {
  try {
    await store.api.deleteObject({ Bucket: store.bucket, Key: key }, { abortSignal: signal });
  } catch (error) {
    if (!isMissing(error)) throw answerFor(error, signal);
  }
};

/**
 * Removes up to 1,000 keys with one request. Its answer says of each key whether it failed: those are tried once more by
 * themselves, as are keys that the request cannot hold and what a store without such requests was asked.
 */
export const deleteObjects = async (
  store: Pick<Store, "api" | "bucket">,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<void> => {
  const plain = keys.filter(isPlain);
  const left = keys.filter((key) => !isPlain(key));
  if (plain.length > 0) {
    try {
      const answer = await store.api.deleteObjects(
        {
          Bucket: store.bucket,
          Delete: { Objects: plain.map((key) => ({ Key: key })), Quiet: true },
        },
        { abortSignal: signal },
      );
      const failed = new Set((answer.Errors ?? []).map(({ Key }) => Key ?? ""));
      left.push(...plain.filter((key) => failed.has(key)));
    } catch {
      left.push(...plain);
    }
  }
  const limit = pLimit(parallel);
  await Promise.all(left.map((key) => limit(() => deleteOne(store, key, signal))));
};

/** Removes all below a prefix, and tells of each page what it was. */
export const deleteBelow = async (
  store: Store,
  prefix: string,
  signal: AbortSignal,
  gone: (objects: readonly StoredObject[]) => void,
): Promise<void> => {
  const folders = new Set<string>();
  for await (const objects of pagesBelow(store, prefix, signal)) {
    const keys = objects.map(({ key }) => key);
    await deleteObjects(
      store,
      keys.filter((key) => !key.endsWith("/")),
      signal,
    );
    for (const key of keys)
      if (store.support.leavesFolders) for (const one of foldersOf(prefix, key)) folders.add(one);
      else if (key.endsWith("/")) folders.add(key);
    gone(objects);
  }
  if (store.support.leavesFolders && prefix !== store.keys.prefix) folders.add(prefix);
  // Last, and the deepest first: a store that makes folders of them refuses to remove one that is not empty.
  for (const key of [...folders].sort((a, b) => b.length - a.length))
    await deleteOne(store, key, signal);
};
