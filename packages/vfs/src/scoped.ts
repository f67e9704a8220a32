import {
  type Context,
  isRoot,
  nameOf,
  outsideWorkspace,
  type Reach,
  type RequestPath,
  segmentsBelow,
  type Stat,
  type VirtualPath,
  type WholeSession,
  type WholeTree,
} from "@bulkhead/contract";
import { compareEntries, pageOf } from "@bulkhead/kit";
import { defaultNamespaceRoots, isWithin, locate, scope } from "./scope.ts";

const directory = (name: string): Stat => ({ name, kind: "directory", size: 0, modifiedAt: 0 });

/** The names in `path` that lead to the bounds, or undefined if none does. Known without a look at the tree. */
const leadingNames = (reach: Reach, path: VirtualPath): readonly string[] | undefined => {
  const names = reach.bounds.flatMap((bound) => segmentsBelow(path, bound)?.slice(0, 1) ?? []);
  return names.length === 0 ? undefined : [...new Set(names)];
};

/** True for a strict ancestor of the bounds: looking there is answered from the bounds alone. */
export const leadsToBounds = (
  reach: Reach,
  namespaceRoots: readonly string[],
  path: RequestPath,
): boolean => {
  const at = locate(reach, namespaceRoots, path);
  return !isWithin(reach, at) && !isRoot(path) && leadingNames(reach, at) !== undefined;
};

/**
 * Makes the session of a tree: every path, at both ends of a copy and a move, goes through `scope`. Reading the strict
 * ancestors of the bounds (stat, list) shows the names that lead to them, answered from the bounds alone; every other
 * operation there is `outside-workspace`. No policy of the tree's sees such a look, so `mayLook` is asked: it throws
 * what the caller gets.
 */
export const scoped =
  (
    reachOf: (ctx: Context) => Reach,
    namespaceRoots: readonly string[] = defaultNamespaceRoots,
    mayLook: (ctx: Context) => void = () => undefined,
  ) =>
  (tree: WholeTree): WholeSession => {
    const place = (ctx: Context, path: RequestPath): VirtualPath =>
      scope(reachOf(ctx), namespaceRoots, path);
    /** As `place`, but an ancestor of the bounds answers the names that lead on. */
    const survey = (
      ctx: Context,
      path: RequestPath,
    ): VirtualPath | { readonly names: readonly string[] } => {
      const reach = reachOf(ctx);
      const at = locate(reach, namespaceRoots, path);
      if (isWithin(reach, at)) return at;
      const names = isRoot(path) ? undefined : leadingNames(reach, at);
      if (names === undefined) throw outsideWorkspace();
      mayLook(ctx);
      return { names };
    };
    return {
      stat: async (ctx, path) => {
        const at = survey(ctx, path);
        if (typeof at !== "string") return directory(nameOf(path));
        const stat = await tree.stat(ctx, at);
        // Home is the caller's root, and a root has no name: the one it has further up is not the caller's business.
        return isRoot(path) ? { ...stat, name: "" } : stat;
      },
      list: async (ctx, path, options) => {
        const at = survey(ctx, path);
        if (typeof at === "string") return tree.list(ctx, at, options);
        return pageOf(at.names.map(directory).sort(compareEntries), options);
      },
      read: async (ctx, path, options) => tree.read(ctx, place(ctx, path), options),
      write: async (ctx, path, body, options) => tree.write(ctx, place(ctx, path), body, options),
      versions: async (ctx, path, query) => tree.versions(ctx, place(ctx, path), query),
      restore: async (ctx, path, version) => tree.restore(ctx, place(ctx, path), version),
      mkdir: async (ctx, path) => tree.mkdir(ctx, place(ctx, path)),
      remove: async (ctx, path, options) => tree.remove(ctx, place(ctx, path), options),
      copy: async (ctx, from, to, options) =>
        tree.copy(ctx, place(ctx, from), place(ctx, to), options),
      move: async (ctx, from, to, options) =>
        tree.move(ctx, place(ctx, from), place(ctx, to), options),
    };
  };
