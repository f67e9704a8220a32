import { randomUUID } from "node:crypto";
import {
  type Backend,
  type BackendPath,
  FileError,
  type OpContext,
  parent,
  type Removed,
} from "@bulkhead/contract";
import { answering } from "./answering.ts";
import { deleteBelow } from "./delete-objects.ts";
import { answerFor, isAmbiguous, isMissing, isRefused } from "./fault.ts";
import { takeFolders } from "./folders.ts";
import { changed, judgeSource, missing } from "./judge.ts";
import { isEmptyFolder, listObjects } from "./list-objects.ts";
import { headObject, ownSignal } from "./head-object.ts";
import { findAt } from "./look.ts";
import { checkAborted } from "./pull.ts";
import { stagedId } from "./staged-id.ts";
import { quotedEtag, type Store } from "./store.ts";

/** `Backend.remove`. A directory goes piece by piece, with what is hidden in it; what is counted are files. */
export const remove =
  (store: Store): Backend["remove"] =>
  (asked, path, { recursive = false, ifMatch } = {}) =>
    answering(asked, async (ctx) => {
      checkAborted(ctx.signal);
      const removed = await store.locks.hold({ exclusive: [path] }, async () => {
        const found = judgeSource(await findAt(store, path, ctx.signal), ifMatch);
        if (found.is === "file") return removeFile(store, ctx, path, found.etag, found.size);
        return removeDirectory(store, ctx, path, recursive);
      });
      const holder = parent(path);
      if (holder !== undefined) await takeFolders(store, holder);
      return removed;
    });

const removeFile = async (
  store: Store,
  ctx: OpContext,
  path: BackendPath,
  etag: string,
  size: number,
): Promise<Removed> => {
  checkAborted(ctx.signal);
  await ctx.commit({
    id: stagedId({ kind: "gone", write: randomUUID(), etag }),
    size: 0,
    etagBefore: etag,
  });
  store.files.delete(path);
  await deleteThat(store, store.keys.of(path), etag, ctx.signal);
  return { files: 1, bytes: size };
};

/** Removes an object if it still is the one that was looked at, as far as the store can be asked that. */
export const deleteThat = async (
  store: Store,
  key: string,
  etag: string,
  signal: AbortSignal,
): Promise<void> => {
  try {
    await store.api.deleteObject(
      {
        Bucket: store.bucket,
        Key: key,
        ...(store.support.conditionalRemove && { IfMatch: quotedEtag(etag) }),
      },
      { abortSignal: signal },
    );
  } catch (error) {
    if (isMissing(error)) throw missing();
    if (!isRefused(error) && !isAmbiguous(error)) throw answerFor(error, signal);
    const now = await headObject(store, key, ownSignal());
    if (now === undefined && isAmbiguous(error)) return;
    if (isRefused(error)) throw now === undefined ? missing() : changed(now.etag);
    throw answerFor(error, signal);
  }
};

const removeDirectory = async (
  store: Store,
  ctx: OpContext,
  path: BackendPath,
  recursive: boolean,
): Promise<Removed> => {
  const prefix = store.keys.below(path);
  if (!recursive) {
    const { objects } = await listObjects(store, { prefix, max: 3 }, ctx.signal);
    if (
      objects.some((one) => one.key !== prefix && !isEmptyFolder(one) && !store.keys.isOwn(one.key))
    )
      throw new FileError(
        "not-empty",
        "The directory is not empty; remove what is in it, or ask for all of it.",
      );
  }
  checkAborted(ctx.signal);
  await ctx.commit({ id: stagedId({ kind: "tree", write: randomUUID() }), size: 0 });
  let [files, bytes] = [0, 0];
  await deleteBelow(store, prefix, ctx.signal, (objects) => {
    for (const { key, size } of objects)
      if (!key.endsWith("/") && !store.keys.isHidden(key)) {
        files += 1;
        bytes += size;
      }
  });
  return { files, bytes };
};
