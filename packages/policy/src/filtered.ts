import {
  type Context,
  isFileError,
  type Layer,
  type ListOptions,
  type Page,
  permissionBits,
  type Standing,
  type Stat,
  type VirtualPath,
  type WholeTree,
} from "@bulkhead/contract";
import { overrideWhole, pageLimit, pageOf, sortKey } from "@bulkhead/kit";
import { presentPast } from "./past.ts";
import { noRelation } from "./relations-allow.ts";

const { can_read } = permissionBits;

/** A directory that only leads to something readable: that it is there, and nothing about it. */
const signpost = ({ name }: Stat): Stat => ({ name, kind: "directory", size: 0, modifiedAt: 0 });

/**
 * Reads on until the page is full of what the caller may see, and one entry further: `next` is there only if something
 * is to come, so that neither a short page nor a cursor tells of what was left out.
 */
const visiblePage = async (
  standing: Standing,
  path: VirtualPath,
  list: (options: ListOptions) => Promise<Page>,
  options: ListOptions = {},
): Promise<Page> => {
  const limit = options.limit ?? pageLimit;
  // Throws for a limit out of bounds.
  pageOf([], options);
  const verdictOf = standing.listing(path);
  const entries: Stat[] = [];
  let after = options.after;
  for (;;) {
    // A storage that was asked for little so far is asked for more, where most of it is hidden.
    const asked = after === options.after ? Math.min(limit + 1, pageLimit) : pageLimit;
    const page = await list({ limit: asked, ...(after !== undefined && { after }) });
    for (const entry of page.entries) {
      const { mask, leads } = verdictOf(entry.name);
      const readable = (mask & can_read) !== 0;
      if (!readable && !(leads && entry.kind === "directory")) continue;
      const last = entries.at(-1);
      if (entries.length === limit && last !== undefined) return { entries, next: sortKey(last) };
      entries.push(readable ? entry : signpost(entry));
    }
    after = page.next;
    if (after === undefined) return { entries };
  }
};

/**
 * Shows those whom relations govern only what they may read, and the directories that lead there; recursive listing,
 * search and counts are made of these answers. Inside the fence, which has let the caller look at `path`.
 */
export const filtered: Layer<WholeTree> = (inner) =>
  overrideWhole<VirtualPath, Context>(presentPast(inner), {
    stat: async (ctx, path) => {
      const { standing } = ctx.principal;
      const stat = await inner.stat(ctx, path);
      if (standing === undefined || (standing.verdict(path).mask & can_read) !== 0) return stat;
      if (stat.kind !== "directory") throw noRelation();
      return signpost(stat);
    },
    list: async (ctx, path, options) => {
      const { standing } = ctx.principal;
      if (standing === undefined) return inner.list(ctx, path, options);
      try {
        return await visiblePage(standing, path, (more) => inner.list(ctx, path, more), options);
      } catch (error) {
        // Listing a file says that there is one: to those who may read it.
        if (isFileError(error, "not-directory") && (standing.verdict(path).mask & can_read) === 0)
          throw noRelation();
        throw error;
      }
    },
  });
