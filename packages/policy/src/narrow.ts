import { isUnder, outsideWorkspace, parseVirtualPath, type Principal } from "@bulkhead/contract";

/**
 * The same principal for one request, its home and bounds cut down to `prefix`. Throws `invalid-path`, or
 * `outside-workspace` for a prefix that the key does not reach: a prefix can only narrow.
 */
export const narrow = (principal: Principal, prefix: string): Principal => {
  const path = parseVirtualPath(prefix);
  if (!principal.reach.bounds.some((bound) => isUnder(bound, path))) throw outsideWorkspace();
  return { ...principal, reach: { home: path, bounds: [path] }, narrowedTo: path };
};
