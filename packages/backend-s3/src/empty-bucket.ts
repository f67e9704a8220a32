import { connect } from "./connect.ts";
import { deleteObjects } from "./delete-objects.ts";
import { answerFor } from "./fault.ts";
import { listObjects } from "./list-objects.ts";
import { abortUpload } from "./open-upload.ts";
import { keyPrefixOf, type S3Options } from "./options.ts";
import { spellings } from "./spellings.ts";
import type { Store } from "./store.ts";

/**
 * Removes every object below the prefix, what is the storage's own and what is hidden among them, and every upload that
 * was begun there. For a place that nobody serves any more; can be repeated.
 */
export const emptyBucket = async (options: S3Options, signal: AbortSignal): Promise<void> => {
  const api = await connect(options);
  const { bucket, prefix } = options;
  try {
    await emptyBucketBut({ api, bucket }, keyPrefixOf(prefix), undefined, signal);
  } catch (error) {
    throw answerFor(error, signal);
  } finally {
    api.destroy();
  }
};

/** The same with a client that is there, but for one key. */
export const emptyBucketBut = async (
  store: Pick<Store, "api" | "bucket">,
  prefix: string,
  kept: string | undefined,
  signal: AbortSignal,
): Promise<void> => {
  for (;;) {
    const { objects } = await listObjects(store, { prefix }, signal);
    const going = objects.filter(
      ({ key }) => key !== kept && !(key.endsWith("/") && kept?.startsWith(key)),
    );
    if (going.length === 0) break;
    await deleteObjects(
      store,
      // Of keys that the store cannot tell, whichever they are: all of this place goes.
      going.flatMap(({ key }) => spellings(key.slice(prefix.length)).map((rest) => prefix + rest)),
      signal,
    );
  }
  const { Uploads = [] } = await store.api.listMultipartUploads(
    { Bucket: store.bucket, Prefix: prefix },
    { abortSignal: signal },
  );
  for (const { Key = "", UploadId = "" } of Uploads)
    if (Key.startsWith(prefix)) await abortUpload(store, { Bucket: store.bucket, Key, UploadId });
};
