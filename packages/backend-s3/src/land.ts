import { type BackendPath, type Mode, type OpContext, type WriteResult } from "@bulkhead/contract";
import { answerFor, faultOf, isAmbiguous, isRefused } from "./fault.ts";
import { judgeTarget, refusalOf } from "./judge.ts";
import { headObject, type ObjectFacts, ownSignal } from "./head-object.ts";
import { findTarget } from "./look.ts";
import { checkAborted } from "./pull.ts";
import { quotedEtag, type Store, type StoredObject } from "./store.ts";

/** A condition as requests carry it. */
export type Condition = { readonly IfNoneMatch?: string; readonly IfMatch?: string };

/** What a mode asks of the store itself, as far as it is known to honour it there. */
export const conditionOf = (
  mode: Mode,
  honoured: { readonly createOnly: boolean; readonly ifMatch: boolean },
): Condition => {
  if (mode === "create") return honoured.createOnly ? { IfNoneMatch: "*" } : {};
  if (mode === "overwrite" || !honoured.ifMatch) return {};
  return { IfMatch: quotedEtag(mode.ifMatch) };
};

/** Finds what is at the target, and what that means. */
export const lookAtTarget = async (
  store: Store,
  path: BackendPath,
  mode: Mode,
  signal: AbortSignal,
): Promise<StoredObject | undefined> => {
  if (store.collisions) return judgeTarget(await findTarget(store, path, signal), mode);
  // Names are ids: the store's own condition says all that there is to say.
  if (mode === "create" && store.support.createOnly) return undefined;
  const head = await headObject(store, store.keys.of(path), signal);
  return judgeTarget(head === undefined ? { is: "missing" } : { is: "file", ...head }, mode);
};

export interface Landing {
  readonly ctx: OpContext;
  readonly path: BackendPath;
  /** The path's by default. */
  readonly key?: string;
  readonly mode: Mode;
  readonly size: number;
  /** What recovery finds the effect by. */
  readonly staged: string;
  /** Left with the object: what the PUT is known by. */
  readonly write: string;
  /** Makes the object visible, and answers its ETag. */
  readonly effect: () => Promise<string>;
}

/** Puts content where it belongs: looks, asks for the commit, and then, in one step of the store, makes it visible. */
export const land = (store: Store, landing: Landing): Promise<WriteResult> =>
  store.locks.hold({ exclusive: [landing.path] }, async () => {
    const { ctx, path, mode, size, staged } = landing;
    const before = await lookAtTarget(store, path, mode, ctx.signal);
    checkAborted(ctx.signal);
    await ctx.commit({ id: staged, size, ...(before && { etagBefore: before.etag }) });
    const etag = await certainly(store, landing);
    store.notFiles.delete(path);
    return {
      etag,
      size,
      created: before === undefined,
      ...(before && { replaced: { size: before.size } }),
    };
  });

/**
 * Runs the effect. Where the store's answer leaves open whether it happened, or refuses what an earlier try of the same
 * request may have done already, the object itself is asked whose it is.
 */
export const certainly = async (
  store: Store,
  {
    ctx,
    path,
    key = store.keys.of(path),
    mode,
    size,
    write,
    effect,
  }: Pick<Landing, "ctx" | "path" | "key" | "mode" | "size" | "write" | "effect">,
): Promise<string> => {
  try {
    return await effect();
  } catch (error) {
    const refused = isRefused(error);
    if (!refused && !isAmbiguous(error) && faultOf(error).status !== 409)
      throw answerFor(error, ctx.signal);
    const doubt = `${ctx.requestId}\n${key}`;
    const earlier = store.doubts.get(doubt);
    let now: ObjectFacts | undefined;
    try {
      now = await headObject(store, key, ownSignal());
    } catch {
      // It cannot be asked either: whoever recovers will.
      store.doubts.set(doubt, new Set([...(earlier ?? []), write]));
      throw answerFor(error, ctx.signal);
    }
    const ours =
      now?.write !== undefined &&
      (now.write === write || (earlier?.has(now.write) === true && now.size === size));
    if (now !== undefined && ours) return now.etag;
    if (refused) throw refusalOf(mode, now);
    // It may still come, and would be found by a try after this one.
    store.doubts.set(doubt, new Set([...(earlier ?? []), write]));
    throw answerFor(error, ctx.signal);
  }
};
