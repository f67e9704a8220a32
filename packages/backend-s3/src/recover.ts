import type { ListMultipartUploadsCommandOutput } from "@aws-sdk/client-s3";
import { type BackendPath, FileError, type Interrupted, type Recovery } from "@bulkhead/contract";
import { deleteBelow } from "./delete-objects.ts";
import { answerFor } from "./fault.ts";
import { takeFolders } from "./folders.ts";
import { headObject, ownSignal } from "./head-object.ts";
import { isDirectory } from "./look.ts";
import { abortUpload } from "./open-upload.ts";
import { discardCopies, recoverMovedTree } from "./recover-tree.ts";
import { deleteThat } from "./remove.ts";
import { parseStagedId, type StagedId } from "./staged-id.ts";
import type { Store } from "./store.ts";

type Side = "done" | "undone";

/** Nobody's upload in parts stands still for so long. */
const abandonedMs = 86_400_000;

const recoverObject = async (
  store: Store,
  key: string,
  { write, upload }: Extract<StagedId, { readonly kind: "object" }>,
): Promise<Side> => {
  // First: what is given up cannot become an object behind the look.
  if (upload !== undefined)
    await abortUpload(store, { Bucket: store.bucket, Key: key, UploadId: upload });
  const now = await headObject(store, key, ownSignal());
  return now?.write === write ? "done" : "undone";
};

const recoverMoved = async (
  store: Store,
  from: BackendPath,
  to: BackendPath,
  id: StagedId,
): Promise<Side> => {
  if (id.kind === "tree") {
    return recoverMovedTree(store, from, to, id.write);
  }
  if (id.kind !== "object" || (await recoverObject(store, store.keys.of(to), id)) === "undone")
    return "undone";
  const source = await headObject(store, store.keys.of(from), ownSignal());
  if (source !== undefined && source.etag === id.source && source.write !== id.write)
    await deleteThat(store, source.key, source.etag, ownSignal());
  return "done";
};

const recoverRemoved = async (store: Store, path: BackendPath, id: StagedId): Promise<Side> => {
  if (id.kind === "gone") {
    const now = await headObject(store, store.keys.of(path), ownSignal());
    return now?.etag === id.etag ? "undone" : "done";
  }
  // It was granted, and is owed: what of it is left goes.
  if (await isDirectory(store, path, ownSignal())) {
    await deleteBelow(store, store.keys.below(path), AbortSignal.timeout(600_000), () => undefined);
  }
  return "done";
};

const recoverCopied = async (store: Store, to: BackendPath, id: StagedId): Promise<Side> => {
  if (id.kind === "object") return recoverObject(store, store.keys.of(to), id);
  await discardCopies(store, store.keys.below(to), id.write);
  return "undone";
};

const recover = async (
  store: Store,
  { operation, paths: [first, second], staged }: Interrupted,
): Promise<Side> => {
  const missing = (): never => {
    throw new FileError("invalid-request", "An interrupted operation names its paths.");
  };
  const id = parseStagedId(staged);
  if (first === undefined) return missing();
  switch (operation) {
    case "write":
      return id.kind === "object" ? recoverObject(store, store.keys.of(first), id) : "undone";
    case "mkdir":
      return id.kind === "object" ? recoverObject(store, store.keys.below(first), id) : "undone";
    case "copy":
      return second === undefined ? missing() : recoverCopied(store, second, id);
    case "move":
      return second === undefined ? missing() : recoverMoved(store, first, second, id);
    case "remove":
      return recoverRemoved(store, first, id);
    case "stat":
    case "read":
    case "list":
      throw new FileError(
        "invalid-request",
        `No ${operation} changes anything, so none can be interrupted.`,
      );
    default:
      return operation satisfies never;
  }
};

/** Gives up uploads in parts below the prefix that began too long ago. Younger ones may be another program's, at work. */
const sweep = async (store: Store, before: number, signal: AbortSignal): Promise<void> => {
  const { api, bucket, keys } = store;
  let marker: { readonly KeyMarker?: string; readonly UploadIdMarker?: string } | undefined = {};
  while (marker !== undefined) {
    const page: ListMultipartUploadsCommandOutput = await api.listMultipartUploads(
      { Bucket: bucket, ...(keys.prefix !== "" && { Prefix: keys.prefix }), ...marker },
      { abortSignal: signal },
    );
    for (const { Key = "", UploadId = "", Initiated } of page.Uploads ?? [])
      // Some stores take a prefix for more than it is.
      if (Key.startsWith(keys.prefix) && Initiated !== undefined && Initiated.getTime() <= before)
        await abortUpload(store, { Bucket: bucket, Key, UploadId });
    marker =
      page.IsTruncated === true && page.NextKeyMarker !== undefined
        ? {
            KeyMarker: page.NextKeyMarker,
            ...(page.NextUploadIdMarker !== undefined && {
              UploadIdMarker: page.NextUploadIdMarker,
            }),
          }
        : undefined;
  }
};

/** Makes the recovery of a bucket. The README's table says what each failure leaves and what is answered. */
export const recovery = (store: Store): Recovery => ({
  recover: async (_ctx, interrupted) => {
    try {
      const claims = { exclusive: interrupted.paths };
      const side = await store.locks.hold(claims, () => recover(store, interrupted));
      for (const path of interrupted.paths) await takeFolders(store, path);
      return side;
    } catch (error) {
      throw answerFor(error);
    }
  },
  sweep: async (ctx, before = ctx.now - abandonedMs) => {
    try {
      await sweep(store, before, ctx.signal);
    } catch (error) {
      throw answerFor(error, ctx.signal);
    }
  },
});
