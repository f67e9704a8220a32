import { randomUUID } from "node:crypto";
import {
  type Backend,
  type BackendPath,
  type Mode,
  type OpContext,
  type Removed,
  type WriteResult,
} from "@bulkhead/contract";
import pLimit from "p-limit";
import { answering } from "./answering.ts";
import { copyObject } from "./copy-object.ts";
import { answerFor } from "./fault.ts";
import { changed, judgeEnds, judgeTransfer, missing } from "./judge.ts";
import { certainly } from "./land.ts";
import { pagesBelow } from "./list-objects.ts";
import { headObject } from "./head-object.ts";
import { findAt, findTarget, type Found } from "./look.ts";
import { checkAborted } from "./pull.ts";
import { discardCopies } from "./recover-tree.ts";
import { stagedId } from "./staged-id.ts";
import type { Store, StoredObject } from "./store.ts";

/** What both ends of a copy or move were found to be, judged. */
export interface Ends {
  readonly source: Extract<Found, { readonly is: "file" | "directory" }>;
  readonly replaced: StoredObject | undefined;
}

/** Finds and judges both ends. */
export const findEnds = async (
  store: Store,
  from: BackendPath,
  to: BackendPath,
  mode: Mode,
  ifMatch: string | undefined,
  signal: AbortSignal,
): Promise<Ends> => {
  const [source, target] = await Promise.all([
    findAt(store, from, signal),
    findTarget(store, to, signal),
  ]);
  const replaced = judgeTransfer(from, to, source, target, mode, ifMatch);
  if (source.is === "missing") throw missing();
  return { source, replaced };
};

/** Makes one object another's copy, under an id of its own, and answers its ETag. */
export const copyFile = async (
  store: Store,
  ctx: OpContext,
  from: BackendPath,
  to: BackendPath,
  mode: Mode,
  write: string,
  source: StoredObject,
  replaced: StoredObject | undefined,
): Promise<string> => {
  const facts = await headObject(store, source.key, ctx.signal);
  if (facts === undefined || facts.etag !== source.etag) throw changed(facts?.etag);
  store.places.making(to);
  store.files.delete(to);
  const etag = await certainly(store, {
    ctx,
    path: to,
    mode: replaced === undefined ? mode : { ifMatch: replaced.etag },
    size: facts.size,
    write,
    effect: () => copyObject(store, facts, store.keys.of(to), mode, write, ctx.signal),
  });
  store.notFiles.delete(to);
  return etag;
};

/** `Backend.copy`: done by the store itself, object by object. */
export const copy =
  (store: Store): Backend["copy"] =>
  (asked, from, to, { mode = "create", ifMatch } = {}) =>
    answering(asked, async (ctx) => {
      checkAborted(ctx.signal);
      judgeEnds(from, to, mode);
      return store.locks.hold({ exclusive: [to], shared: [from] }, async () => {
        const { source, replaced } = await findEnds(store, from, to, mode, ifMatch, ctx.signal);
        if (source.is === "directory") return copyDirectory(store, ctx, from, to);
        return copyOne(store, ctx, from, to, mode, source, replaced);
      });
    });

const copyOne = async (
  store: Store,
  ctx: OpContext,
  from: BackendPath,
  to: BackendPath,
  mode: Mode,
  source: StoredObject,
  replaced: StoredObject | undefined,
): Promise<WriteResult> => {
  const write = randomUUID();
  checkAborted(ctx.signal);
  await ctx.commit({
    id: stagedId({ kind: "object", write }),
    size: source.size,
    ...(replaced && { etagBefore: replaced.etag }),
  });
  const etag = await copyFile(store, ctx, from, to, mode, write, source, replaced);
  return {
    etag,
    size: source.size,
    created: replaced === undefined,
    ...(replaced && { replaced: { size: replaced.size } }),
  };
};

/** Objects copied at a time. */
const parallel = 8;

/** Counts the files below a prefix; folders that were made count as nothing. */
const weigh = async (store: Store, prefix: string, signal: AbortSignal): Promise<Removed> => {
  let [files, bytes] = [0, 0];
  for await (const objects of pagesBelow(store, prefix, signal))
    for (const { key, size } of objects)
      if (!key.endsWith("/") && !store.keys.isHidden(key)) {
        files += 1;
        bytes += size;
      }
  return { files, bytes };
};

/** Copies all below a directory, each object under the one id. What was copied goes again where it fails. */
export const copyBelow = async (
  store: Store,
  ctx: OpContext,
  from: BackendPath,
  to: BackendPath,
  write: string,
): Promise<Removed> => {
  const [source, target] = [store.keys.below(from), store.keys.below(to)];
  store.places.makingDirectory(to);
  let [files, bytes] = [0, 0];
  try {
    const limit = pLimit(parallel);
    for await (const objects of pagesBelow(store, source, ctx.signal))
      await Promise.all(
        objects
          .filter(({ etag }) => etag !== "")
          .map((object) =>
            limit(async () => {
              checkAborted(ctx.signal);
              const facts = await headObject(store, object.key, ctx.signal);
              // Gone since the listing: somebody else's removal came first.
              if (facts === undefined) return;
              const key = target + object.key.slice(source.length);
              await copyObject(store, facts, key, "overwrite", write, ctx.signal);
              if (object.key.endsWith("/") || store.keys.isHidden(object.key)) return;
              files += 1;
              bytes += facts.size;
            }),
          ),
      );
  } catch (error) {
    await discardCopies(store, target, write).catch(() => undefined);
    throw answerFor(error, ctx.signal);
  }
  return { files, bytes };
};

const copyDirectory = async (
  store: Store,
  ctx: OpContext,
  from: BackendPath,
  to: BackendPath,
): Promise<Removed> => {
  const adds = await weigh(store, store.keys.below(from), ctx.signal);
  const write = randomUUID();
  checkAborted(ctx.signal);
  await ctx.commit({ id: stagedId({ kind: "tree", write }), size: adds.bytes, adds });
  return copyBelow(store, ctx, from, to, write);
};
