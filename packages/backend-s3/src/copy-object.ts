import type { CompletedPart } from "@aws-sdk/client-s3";
import type { Mode } from "@bulkhead/contract";
import pLimit from "p-limit";
import { isRefused } from "./fault.ts";
import { changed } from "./judge.ts";
import { conditionOf } from "./land.ts";
import { headObject, type ObjectFacts, ownSignal } from "./head-object.ts";
import { encodeMetadata } from "./metadata.ts";
import { abortUpload, type OpenUpload } from "./open-upload.ts";
import { bareEtag, copySource, quotedEtag, type Store } from "./store.ts";

/**
 * Lets the store copy one object, with what is kept of it and an id of the copy's own. What the store copies is what was
 * looked at, or it refuses. Answers the copy's ETag.
 */
export const copyObject = async (
  store: Store,
  source: ObjectFacts,
  key: string,
  mode: Mode,
  write: string,
  signal: AbortSignal,
): Promise<string> => {
  const honoured = store.support.conditionalCopy;
  const target = {
    Bucket: store.bucket,
    Key: key,
    ...(source.contentType !== undefined && { ContentType: source.contentType }),
    Metadata: encodeMetadata(source.metadata, write),
  };
  const from = {
    CopySource: copySource(store.bucket, source.key),
    CopySourceIfMatch: quotedEtag(source.etag),
  };
  const condition = conditionOf(mode, { createOnly: honoured, ifMatch: honoured });
  try {
    if (source.size > store.limits.copyBytes)
      return await copyInParts(store, source.size, target, from, mode, signal);
    const answer = await store.api.copyObject(
      { ...target, ...from, MetadataDirective: "REPLACE", ...condition },
      { abortSignal: signal },
    );
    return bareEtag(answer.CopyObjectResult?.ETag);
  } catch (error) {
    // Which of the two conditions was it?
    if (!isRefused(error)) throw error;
    const now = await headObject(store, source.key, ownSignal());
    if (now?.etag !== source.etag) throw changed(now?.etag);
    throw error;
  }
};

/** Parts of a copy at a time. */
const parallel = 4;

const copyInParts = async (
  store: Store,
  size: number,
  target: {
    readonly Bucket: string;
    readonly Key: string;
    readonly Metadata: Record<string, string>;
  },
  from: { readonly CopySource: string; readonly CopySourceIfMatch: string },
  mode: Mode,
  signal: AbortSignal,
): Promise<string> => {
  const { api, limits, support } = store;
  const opened = await api.createMultipartUpload(target, { abortSignal: signal });
  const upload: OpenUpload = {
    Bucket: target.Bucket,
    Key: target.Key,
    UploadId: opened.UploadId ?? "",
  };
  try {
    const limit = pLimit(parallel);
    const count = Math.ceil(size / limits.copyPartBytes);
    const parts = await Promise.all(
      Array.from({ length: count }, (_, i) =>
        limit(async (): Promise<CompletedPart> => {
          const start = i * limits.copyPartBytes;
          const end = Math.min(start + limits.copyPartBytes, size) - 1;
          const part = await api.uploadPartCopy(
            { ...upload, ...from, PartNumber: i + 1, CopySourceRange: `bytes=${start}-${end}` },
            { abortSignal: signal },
          );
          return { PartNumber: i + 1, ETag: part.CopyPartResult?.ETag };
        }),
      ),
    );
    const honoured = support.conditionalParts;
    const answer = await api.completeMultipartUpload(
      {
        ...upload,
        MultipartUpload: { Parts: parts },
        ...conditionOf(mode, { createOnly: honoured, ifMatch: honoured }),
      },
      { abortSignal: signal },
    );
    return bareEtag(answer.ETag);
  } catch (error) {
    await abortUpload(store, upload).catch(() => undefined);
    throw error;
  }
};
