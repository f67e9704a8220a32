import { child, segmentsBelow, type VirtualPath } from "@bulkhead/contract";

/** Something that another tenant gave, as it is found below a tenant's root. */
export interface SharePoint {
  readonly id: string;
  /** The id of the tenant whose it is. */
  readonly owner: string;
  /** Its name in `shared/from-<owner>`. */
  readonly name: string;
  /** Where it really lies. */
  readonly source: VirtualPath;
}

/** What a path means among the shares that a tenant was given. */
export type Resolved =
  /** No share. */
  | { readonly kind: "here" }
  /** A directory that is there because shares lie below it: the names that lead to them, or the shares themselves. */
  | { readonly kind: "above"; readonly names: readonly string[] }
  | { readonly kind: "shares"; readonly points: readonly SharePoint[] }
  /** At or below a share; `isRoot` for the share itself. */
  | {
      readonly kind: "share";
      readonly point: SharePoint;
      readonly path: VirtualPath;
      readonly isRoot: boolean;
    };

const sharedName = "shared";
const nameOfOwner = (owner: string): string => `from-${owner}`;

/** The directory below a tenant's root in which it finds what another one gave it. */
export const sharedFrom = (root: VirtualPath, owner: string): VirtualPath =>
  child(child(root, sharedName), nameOfOwner(owner));

/** True if what a tenant was given can make a difference at `path`: at its root, and in and below `shared`. */
export const isNearShares = (root: VirtualPath, path: VirtualPath): boolean => {
  const names = segmentsBelow(root, path);
  return names !== undefined && (names.length === 0 || names[0] === sharedName);
};

/**
 * Says what `path` refers to among the shares of the tenant whose root this is. Throws `invalid-path` where what lies
 * below a share would be deeper or longer than a path may be.
 */
export const resolveShare = (
  root: VirtualPath,
  points: readonly SharePoint[],
  path: VirtualPath,
): Resolved => {
  const names = segmentsBelow(root, path);
  if (names === undefined || points.length === 0) return { kind: "here" };
  const [shared, from, name, ...below] = names;
  if (shared === undefined) return { kind: "above", names: [sharedName] };
  if (shared !== sharedName) return { kind: "here" };
  if (from === undefined)
    return { kind: "above", names: [...new Set(points.map(({ owner }) => nameOfOwner(owner)))] };
  const given = points.filter(({ owner }) => nameOfOwner(owner) === from);
  if (name === undefined)
    return given.length === 0 ? { kind: "here" } : { kind: "shares", points: given };
  const point = given.find((candidate) => candidate.name === name);
  if (point === undefined) return { kind: "here" };
  return {
    kind: "share",
    point,
    path: below.reduce(child, point.source),
    isRoot: below.length === 0,
  };
};
