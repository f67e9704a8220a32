import {
  isUnder,
  outsideWorkspace,
  parseVirtualPath,
  type Reach,
  type RequestPath,
  segmentsBelow,
  segmentsOf,
  type VirtualPath,
} from "@bulkhead/contract";

/** The first names that make a request path absolute, where the configuration names no others. */
export const defaultNamespaceRoots: readonly string[] = ["workspace", "tenants"];

/**
 * Says where in the tree a request path points: absolute below a namespace root, relative to home elsewhere, `/` being
 * home. Throws `invalid-path` for a result beyond the limits of a path. Judges no bounds.
 */
export const locate = (
  reach: Reach,
  namespaceRoots: readonly string[],
  path: RequestPath,
): VirtualPath => {
  const [first] = segmentsOf(path);
  if (first === undefined) return reach.home;
  if (namespaceRoots.includes(first)) return parseVirtualPath(path);
  return parseVirtualPath(segmentsOf(reach.home).length === 0 ? path : `${reach.home}${path}`);
};

/** How a caller writes a path of the tree: `locate` turned round. Relative to home where that is unambiguous. */
export const addressed = (
  { home }: Reach,
  namespaceRoots: readonly string[],
  path: VirtualPath,
): string => {
  const below = segmentsBelow(home, path);
  const [first] = below ?? [];
  if (below === undefined || (first !== undefined && namespaceRoots.includes(first))) return path;
  return `/${below.join("/")}`;
};

/** True if `path` lies inside the bounds. */
export const isWithin = (reach: Reach, path: VirtualPath): boolean =>
  reach.bounds.some((bound) => isUnder(bound, path));

/**
 * Places a request path in the tree. Decided from its arguments alone, before anything is looked up. Throws
 * `outside-workspace` beyond the bounds and `invalid-path` for a result beyond the limits of a path.
 */
export const scope = (
  reach: Reach,
  namespaceRoots: readonly string[],
  path: RequestPath,
): VirtualPath => {
  const place = locate(reach, namespaceRoots, path);
  if (!isWithin(reach, place)) throw outsideWorkspace();
  return place;
};
