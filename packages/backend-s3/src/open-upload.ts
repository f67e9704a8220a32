import { faultOf } from "./fault.ts";
import { ownSignal } from "./head-object.ts";
import type { Store } from "./store.ts";
import type { ObjectHeaders } from "./upload.ts";

/** An upload in parts that is under way. */
export interface OpenUpload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

/** Begins an upload in parts. */
export const openUpload = async (
  store: Store,
  headers: ObjectHeaders,
  signal: AbortSignal,
): Promise<OpenUpload> => {
  const opened = await store.api.createMultipartUpload(
    { ...headers, ...(store.checksums && { ChecksumAlgorithm: "CRC32" }) },
    { abortSignal: signal },
  );
  return { Bucket: headers.Bucket, Key: headers.Key, UploadId: opened.UploadId ?? "" };
};

/** Gives an upload up, with all its parts. One that is gone already is well. */
export const abortUpload = async (
  { api }: Pick<Store, "api">,
  upload: OpenUpload,
): Promise<void> => {
  try {
    await api.abortMultipartUpload(upload, { abortSignal: ownSignal() });
  } catch (error) {
    if (faultOf(error).status !== 404) throw error;
  }
};
