import { FileError, type ListOptions, type Page, type Stat } from "@bulkhead/contract";
import { compareUtf8, sortKey } from "./order.ts";

/** The entries of one page where a caller names no limit, and the most it may name. */
export const pageLimit = 1000;

/** Cuts a page out of entries that are already in order. Throws `invalid-request` for a limit out of bounds. */
export const pageOf = (ordered: readonly Stat[], options: ListOptions = {}): Page => {
  const limit = options.limit ?? pageLimit;
  if (!Number.isInteger(limit) || limit < 1 || limit > pageLimit)
    throw new FileError("invalid-request", `A page holds 1 to ${pageLimit} entries.`);
  const start = options.after === undefined ? 0 : firstAfter(ordered, options.after);
  const entries = ordered.slice(start, start + limit);
  const last = entries.at(-1);
  return start + limit < ordered.length && last !== undefined
    ? { entries, next: sortKey(last) }
    : { entries };
};

const firstAfter = (ordered: readonly Stat[], after: string): number => {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = ordered[middle];
    if (entry !== undefined && compareUtf8(sortKey(entry), after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
};
