import { connect } from "./connect.ts";
import { deleteObjects } from "./delete-objects.ts";
import { answerFor } from "./fault.ts";
import { listObjects } from "./list-objects.ts";
import { abortUpload } from "./open-upload.ts";
import { spellings } from "./spellings.ts";
import { keyPrefixOf, type S3Options } from "./options.ts";

/**
 * Removes every object below the prefix, what is the storage's own and what is hidden among them, and every upload that
 * was begun there. For a place that nobody serves any more; can be repeated.
 */
export const emptyBucket = async (options: S3Options, signal: AbortSignal): Promise<void> => {
  const api = await connect(options);
  const store = { api, bucket: options.bucket };
  const prefix = keyPrefixOf(options.prefix);
  try {
    for (;;) {
      const { objects } = await listObjects(store, { prefix }, signal);
      if (objects.length === 0) break;
      await deleteObjects(
        store,
        // Of keys that the store cannot tell, whichever they are: all of this place goes.
        objects.flatMap(({ key }) =>
          spellings(key.slice(prefix.length)).map((rest) => prefix + rest),
        ),
        signal,
      );
    }
    const { Uploads = [] } = await api.listMultipartUploads(
      { Bucket: options.bucket, Prefix: prefix },
      { abortSignal: signal },
    );
    for (const { Key = "", UploadId = "" } of Uploads)
      if (Key.startsWith(prefix))
        await abortUpload(store, { Bucket: options.bucket, Key, UploadId });
  } catch (error) {
    throw answerFor(error, signal);
  } finally {
    api.destroy();
  }
};
