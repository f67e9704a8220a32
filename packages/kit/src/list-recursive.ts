import { type AnyPath, FileError, type OpContext, type Store } from "@bulkhead/contract";
import { pageLimit } from "./page.ts";
import { type Entry, walk, walkKey } from "./walk.ts";

export interface RecursiveOptions {
  readonly limit?: number | undefined;
  /** The `next` of the page before. */
  readonly after?: string | undefined;
}

/** `next` is where more may follow: a position for `after`, free of anything but the names of the last entry. */
export interface RecursivePage {
  readonly entries: readonly Entry[];
  readonly next?: string;
}

/**
 * Lists everything below a directory by pages, depth first, in the order of `list`. A page costs its entries and the
 * depth of its beginning, never the whole tree. Throws `invalid-request` for a limit out of bounds or a malformed `after`.
 */
export const listRecursive = async <P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  path: P,
  options: RecursiveOptions = {},
): Promise<RecursivePage> => {
  const limit = options.limit ?? pageLimit;
  if (!Number.isInteger(limit) || limit < 1 || limit > pageLimit)
    throw new FileError("invalid-request", `A page holds 1 to ${pageLimit} entries.`);
  const entries: Entry[] = [];
  // One more than the page, which shows in one call whether another follows.
  for await (const entry of walk(store, ctx, path, {
    after: options.after,
    pageSize: Math.min(limit + 1, pageLimit),
  })) {
    const last = entries.at(-1);
    if (entries.length === limit && last !== undefined) return { entries, next: walkKey(last) };
    entries.push(entry);
  }
  return { entries };
};
