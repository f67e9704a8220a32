import { answerFor, isMissing } from "./fault.ts";
import { decodeMetadata, writeOf } from "./metadata.ts";
import { bareEtag, type Store, type StoredObject } from "./store.ts";

/** All that the store says of one object. */
export interface ObjectFacts extends StoredObject {
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  /** The id of the PUT that stored it, if it was ours. */
  readonly write: string | undefined;
}

/** Looks at one key; undefined if nothing is there. */
export const headObject = async (
  { api, bucket }: Pick<Store, "api" | "bucket">,
  key: string,
  signal: AbortSignal,
): Promise<ObjectFacts | undefined> => {
  try {
    const head = await api.headObject({ Bucket: bucket, Key: key }, { abortSignal: signal });
    return {
      key,
      size: head.ContentLength ?? 0,
      etag: bareEtag(head.ETag),
      modifiedAt: head.LastModified?.getTime() ?? 0,
      contentType: head.ContentType,
      metadata: decodeMetadata(head.Metadata),
      write: writeOf(head.Metadata),
    };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw answerFor(error, signal);
  }
};

/** Asks the way that a failed request leaves: without the caller's signal, which may be what ended it. */
export const ownSignal = (): AbortSignal => AbortSignal.timeout(10_000);
