import { randomUUID } from "node:crypto";
import { FileError } from "@bulkhead/contract";
import { isMissing, isRefused } from "./fault.ts";
import { conditionOf } from "./land.ts";
import type { Store } from "./store.ts";

const readMarker = async (store: Store, signal: AbortSignal): Promise<string | undefined> => {
  try {
    const found = await store.api.getObject(
      { Bucket: store.bucket, Key: store.keys.own("marker") },
      { abortSignal: signal },
    );
    const id = (await found.Body?.transformToString())?.trim() ?? "";
    return id === "" ? undefined : id;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};

/** Throws `unavailable` unless `found` is the id that was expected. */
const checkMarker = (expected: string, found: string | undefined): void => {
  if (found === expected) return;
  throw new FileError(
    "unavailable",
    found === undefined
      ? "The storage's marker is missing: is this the bucket, and the prefix?"
      : "The storage's marker is another's: this is not the content that was recorded.",
  );
};

/** Reads the id of this place, which has to be the expected one; gives it one where none is expected and it has none. */
export const findMarker = async (
  store: Store,
  expected: string | undefined,
  signal: AbortSignal,
): Promise<string> => {
  const found = await readMarker(store, signal);
  if (expected !== undefined) {
    checkMarker(expected, found);
    return expected;
  }
  if (found !== undefined) return found;
  const id = randomUUID();
  try {
    await store.api.putObject(
      {
        Bucket: store.bucket,
        Key: store.keys.own("marker"),
        Body: `${id}\n`,
        ...conditionOf("create", store.support),
      },
      { abortSignal: signal },
    );
  } catch (error) {
    if (!isRefused(error)) throw error;
  }
  // Whoever came first: another may have been there in between.
  return (await readMarker(store, signal)) ?? id;
};
