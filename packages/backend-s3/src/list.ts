import {
  type Backend,
  type BackendPath,
  FileError,
  isRoot,
  type Page,
  type Stat,
} from "@bulkhead/contract";
import { compareEntries, compareUtf8, pageLimit, sortKey } from "@bulkhead/kit";
import { answerFor } from "./fault.ts";
import { isShown } from "./keys.ts";
import { missing } from "./judge.ts";
import { isEmptyFolder, listObjects } from "./list-objects.ts";
import { headObject } from "./head-object.ts";
import { checkAborted } from "./pull.ts";
import type { Store } from "./store.ts";
import { trueNames } from "./true-names.ts";

/** The character that sorts behind all that names hold. */
const last = "\u{10ffff}";

/** What a store says of a directory: nothing but its name. */
export const directoryStat = (name: string): Stat => ({
  name,
  kind: "directory",
  size: 0,
  modifiedAt: 0,
});

/** No sort key holds a slash but at its end: what stands behind one says nothing more. */
const normalized = (after: string | undefined): string | undefined => {
  if (after === undefined || after === "") return undefined;
  const slash = after.indexOf("/");
  return slash < 0 ? after : after.slice(0, slash + 1);
};

/** Where the store is asked to go on: behind all that lies in a directory, not behind its name alone. */
const startOf = (after: string): string => {
  // Some stores take '.' and '..' for what they mean in paths; nothing is named so, and this stands right before.
  if (after === "." || after === ".." || after === "./" || after === "../") return `-${last}`;
  return after.endsWith("/") ? after + last : after;
};

/**
 * Directories that a store not in the order of keys shows before `after`, though they come behind it here: `a` stands
 * before `a!` there, and `a/` behind it. They are the beginnings of `after` that a character before the slash follows.
 */
const passed = (after: string): readonly string[] => {
  const names: string[] = [];
  for (let i = 1; i < after.length; i++) if (after.charAt(i) < "/") names.push(after.slice(0, i));
  return after.endsWith("/") ? names : [...names, after];
};

/** `Backend.list`: pages in the order of UTF-8 bytes, whatever order the store has its own in. */
export const list =
  (store: Store): Backend["list"] =>
  async (ctx, path, options = {}) => {
    const { limit = pageLimit } = options;
    if (!Number.isInteger(limit) || limit < 1 || limit > pageLimit)
      throw new FileError("invalid-request", `A page holds 1 to ${pageLimit} entries.`);
    checkAborted(ctx.signal);
    try {
      const after = normalized(options.after);
      const gathered = await gather(store, path, limit, after, ctx.signal);
      if (gathered.page.entries.length === 0 && !isRoot(path) && !gathered.marked)
        await refuseMissing(store, path, after, ctx.signal);
      return gathered.page;
    } catch (error) {
      throw answerFor(error, ctx.signal);
    }
  };

const refuseMissing = async (
  store: Store,
  path: BackendPath,
  after: string | undefined,
  signal: AbortSignal,
): Promise<void> => {
  const prefix = store.keys.below(path);
  if (after !== undefined) {
    const { objects } = await listObjects(store, { prefix, max: 2 }, signal);
    if (objects.some((object) => !isEmptyFolder(object))) return;
  }
  if ((await headObject(store, store.keys.of(path), signal)) === undefined) throw missing();
  throw new FileError("not-directory", "There is a file at this path.");
};

interface Gathered {
  readonly page: Page;
  /** The directory has a key of its own, and exists for it alone. */
  readonly marked: boolean;
}

const gather = async (
  store: Store,
  path: BackendPath,
  limit: number,
  after: string | undefined,
  signal: AbortSignal,
): Promise<Gathered> => {
  const base = store.keys.below(path);
  const found = new Map<string, Stat>();
  let marked = false;
  const add = (stat: Stat): void => {
    if (isShown(path, stat.name)) found.set(sortKey(stat), stat);
  };

  const behind = (store.support.keyOrder || after === undefined ? [] : passed(after)).map(
    async (name) => {
      const { objects } = await listObjects(store, { prefix: `${base}${name}/`, max: 2 }, signal);
      if (objects.some((object) => !isEmptyFolder(object))) add(directoryStat(name));
    },
  );

  /** Sort keys up to this one are all known; undefined once all are. */
  let bound: string | undefined = "";
  let next: string | undefined;
  const known = (): Stat[] =>
    [...found.values()]
      .filter((stat) => after === undefined || compareUtf8(sortKey(stat), after) > 0)
      .filter((stat) => bound === undefined || compareUtf8(sortKey(stat), bound) <= 0)
      .sort(compareEntries);
  let ready: Stat[] = [];
  const startAfter = after === undefined ? undefined : base + startOf(after);
  do {
    const asked = { prefix: base, level: true, max: limit };
    const page = await listObjects(
      store,
      next === undefined ? { ...asked, startAfter } : { ...asked, next },
      signal,
    );
    for (const object of page.objects) {
      const name = object.key.slice(base.length);
      if (name === "") marked ||= !isEmptyFolder(object);
      else
        add({
          name,
          kind: "file",
          size: object.size,
          modifiedAt: object.modifiedAt,
          etag: object.etag,
        });
      bound = later(bound, name);
    }
    for (const prefix of page.prefixes) {
      const name = prefix.slice(base.length, -1);
      add(directoryStat(name));
      bound = later(bound, store.support.keyOrder ? `${name}/` : name);
    }
    next = page.next;
    if (next === undefined) bound = undefined;
    if (!store.support.everyCharacter) await trueNames(store, base, found, signal);
    await Promise.all(behind);
    ready = known();
  } while (next !== undefined && ready.length < limit);
  const entries = ready.slice(0, limit);
  const end = entries.at(-1);
  const more = next !== undefined || ready.length > limit;
  return {
    page: more && end !== undefined ? { entries, next: sortKey(end) } : { entries },
    marked,
  };
};

const later = (a: string | undefined, b: string): string =>
  a === undefined || compareUtf8(a, b) < 0 ? b : a;
