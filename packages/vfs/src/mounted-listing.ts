import type { ListOptions, Page, Stat } from "@bulkhead/contract";
import { compareUtf8, pageLimit, pageOf, sortKey } from "@bulkhead/kit";

/** A directory that is there because a mount lies at or below it; nothing else about it is known. */
export const mountDirectory = (name: string): Stat => ({
  name,
  kind: "directory",
  size: 0,
  modifiedAt: 0,
});

/** What leads to mounts from one directory. */
export interface MountNames {
  /** In the order of a listing. */
  readonly names: readonly string[];
  /** True if a mount begins at that name, so that the storage's own entry can never be reached. */
  readonly isPoint: (name: string) => boolean;
}

/**
 * Merges the names that lead to mounts into the listing of the storage below, page by page and in order: each name
 * once, whatever the storage has of that name. `list` asks the storage; undefined where it has no such directory.
 */
export const mountedListing = async (
  mounts: MountNames,
  list: ((options: ListOptions) => Promise<Page>) | undefined,
  options: ListOptions = {},
): Promise<Page> => {
  // Refuses a limit out of bounds, and cuts what can be in this page out of what may be thousands.
  const mine = pageOf(mounts.names.map(mountDirectory), options);
  if (list === undefined) return mine;
  const limit = options.limit ?? pageLimit;
  const names = new Set(mounts.names);
  const theirs: Stat[] = [];
  const real = new Map<string, Stat>();
  let after = options.after;
  let more = true;
  // Until the storage has no more or this page is full without mine: then what it has not told sorts behind the page.
  while (more && theirs.length <= limit) {
    const page = await list({ limit, ...(after !== undefined && { after }) });
    for (const entry of page.entries) {
      if (!names.has(entry.name)) theirs.push(entry);
      // A file is hidden: the name is a directory's. A directory above a mount point keeps what the storage knows of it.
      else if (entry.kind === "directory" && !mounts.isPoint(entry.name))
        real.set(entry.name, entry);
    }
    after = page.next;
    more = after !== undefined;
  }
  const merged = mine.entries
    .map((entry) => real.get(entry.name) ?? entry)
    .concat(theirs)
    .sort((a, b) => compareUtf8(sortKey(a), sortKey(b)));
  const entries = merged.slice(0, limit);
  const last = entries.at(-1);
  const follow = mine.next !== undefined || merged.length > limit;
  return follow && last !== undefined ? { entries, next: sortKey(last) } : { entries };
};
