import { FileError, type PageOf } from "@bulkhead/contract";

const pageLimit = 1000;

/** Cuts a page out of names in order; `after` is the last name of the page before. */
export const pageOfNames = (
  names: readonly string[],
  {
    limit = pageLimit,
    after,
  }: { readonly limit?: number | undefined; readonly after?: string | undefined },
): PageOf<string> => {
  if (!Number.isInteger(limit) || limit < 1 || limit > pageLimit)
    throw new FileError("invalid-request", `A page holds 1 to ${pageLimit} items.`);
  const rest = [...new Set(names)].toSorted().filter((name) => after === undefined || name > after);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return rest.length > limit && last !== undefined ? { items, next: last } : { items };
};
