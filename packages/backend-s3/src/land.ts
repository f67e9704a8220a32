import { type BackendPath, type Mode, type OpContext, type WriteResult } from "@bulkhead/contract";
import { answerFor, faultOf, isAmbiguous, isRefused } from "./fault.ts";
import { judgeTarget, refusalOf } from "./judge.ts";
import { headObject, type ObjectFacts, ownSignal } from "./head-object.ts";
import { findTarget, isBelowFile } from "./look.ts";
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
  /** Makes the object visible on the condition of that mode, and answers its ETag. */
  readonly effect: (mode: Mode) => Promise<string>;
  /** True if a refused effect may be tried on another condition: all of the content is at hand. */
  readonly again?: boolean;
}

/** Puts content where it belongs: looks, asks for the commit, and then, in one step of the store, makes it visible. */
export const land = (store: Store, landing: Landing): Promise<WriteResult> =>
  store.locks.hold({ exclusive: [landing.path] }, async () => {
    const { ctx, path, mode, size, staged, effect } = landing;
    const blind = await canBeBlind(store, landing);
    // Believed to be there because it was written a moment ago; whether it is, the store will say.
    let before: Before = blind
      ? store.files.get(path)
      : await lookAtTarget(store, path, mode, ctx.signal);
    checkAborted(ctx.signal);
    await ctx.commit({ id: staged, size, ...(before && { etagBefore: before.etag }) });
    store.places.making(path);
    store.files.delete(path);
    const etag = await certainly(store, {
      ...landing,
      effect: !blind
        ? () => effect(mode)
        : () => swapped(store, landing, before, (now) => (before = now)),
    });
    store.notFiles.delete(path);
    store.files.set(path, { etag, size });
    return {
      etag,
      size,
      created: before === undefined,
      ...(before && { replaced: { size: before.size } }),
    };
  });

type Before = Pick<StoredObject, "etag" | "size"> | undefined;

/**
 * True if the store's own conditions say all that there is to say: nothing but a file can be at the target, or above
 * it. Not where files are met again and again: one look is less than two tries.
 */
const canBeBlind = async (
  store: Store,
  { ctx, path, mode, again = false }: Landing,
): Promise<boolean> => {
  const { places, support, collisions } = store;
  // Who wants to create is refused before anything is committed where that can be known.
  if (!again || !collisions || mode !== "overwrite") return false;
  if (!support.createOnly || !support.ifMatch || !places.isNoDirectory(path)) return false;
  if (!store.files.has(path) && places.meets(path)) return false;
  return !(await isBelowFile(store, path, ctx.signal));
};

const swaps = 4;

/** Puts a file in the place of what is believed to be there, or, as the store tells otherwise, of what really is. */
const swapped = async (
  store: Store,
  { ctx, path, size, write, effect }: Landing,
  before: Before,
  found: (before: Before) => void,
): Promise<string> => {
  let now = before;
  for (let left = swaps; ; left -= 1) {
    try {
      return await effect(now === undefined ? "create" : { ifMatch: now.etag });
    } catch (error) {
      if (!isRefused(error) || left === 1) throw error;
      const head = await headObject(store, store.keys.of(path), ctx.signal);
      if (head !== undefined && isOurs(store, { ctx, path, size, write }, head)) return head.etag;
      if (now === undefined && head !== undefined) store.places.met(path);
      now = head;
      found(now);
    }
  }
};

const doubtOf = (ctx: OpContext, key: string): string => `${ctx.requestId}\n${key}`;

/** True for an object that this request stored, in this try of it or an earlier one whose answer was lost. */
const isOurs = (
  store: Store,
  {
    ctx,
    path,
    key = store.keys.of(path),
    size,
    write,
  }: Pick<Landing, "ctx" | "path" | "key" | "size" | "write">,
  now: ObjectFacts,
): boolean =>
  now.write !== undefined &&
  (now.write === write ||
    (store.doubts.get(doubtOf(ctx, key))?.has(now.write) === true && now.size === size));

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
  }: Pick<Landing, "ctx" | "path" | "key" | "mode" | "size" | "write"> & {
    readonly effect: () => Promise<string>;
  },
): Promise<string> => {
  try {
    return await effect();
  } catch (error) {
    const refused = isRefused(error);
    if (!refused && !isAmbiguous(error) && faultOf(error).status !== 409)
      throw answerFor(error, ctx.signal);
    const doubt = doubtOf(ctx, key);
    const earlier = store.doubts.get(doubt);
    let now: ObjectFacts | undefined;
    try {
      now = await headObject(store, key, ownSignal());
    } catch {
      // It cannot be asked either: whoever recovers will.
      store.doubts.set(doubt, new Set([...(earlier ?? []), write]));
      throw answerFor(error, ctx.signal);
    }
    if (now !== undefined && isOurs(store, { ctx, path, key, size, write }, now)) return now.etag;
    if (refused) throw refusalOf(mode, now);
    // It may still come, and would be found by a try after this one.
    store.doubts.set(doubt, new Set([...(earlier ?? []), write]));
    throw answerFor(error, ctx.signal);
  }
};
