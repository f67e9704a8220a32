import {
  type Context,
  isFileError,
  type Operation,
  parent,
  type VirtualPath,
  type WholeTree,
} from "@bulkhead/contract";
import { type Behind, rooted, type StoredAt } from "@bulkhead/policy";
import type { RootsTable } from "./roots.ts";
import type { ShareDoor } from "./share-door.ts";

/** Says which mount serves a path, and which would without it. */
export const storedAt =
  (roots: Pick<RootsTable, "table">) =>
  (path: VirtualPath): StoredAt => {
    const table = roots.table();
    const { mount } = table.resolve(path);
    const runnersUp: VirtualPath[] = [];
    for (let above = parent(mount.path); above !== undefined; above = parent(above))
      if (table.mountAt(above) !== undefined) runnersUp.push(above);
    return {
      mount: mount.path,
      readOnly: mount.readOnly === true,
      mounted: table.isAncestorOfMount(path)
        ? "below"
        : table.mountAt(path) === undefined
          ? undefined
          : "at",
      runnersUp,
      scheme: mount.backend.scheme,
      region: () => mount.backend.region(),
    };
  };

/** A request as it goes on behind the shares that its paths lead through. */
export const throughShares =
  ({ resolve, enter }: ShareDoor, governed: Pick<WholeTree, "stat">) =>
  async (ctx: Context, operation: Operation, paths: readonly VirtualPath[]): Promise<Behind> => {
    const places = await Promise.all(paths.map(async (path) => resolve(ctx, path)));
    const points = places.flatMap((place) => (place.kind === "share" ? [place.point] : []));
    const [path] = paths;
    const [place] = places;
    const looks = operation === "stat" || operation === "list";
    const takes = operation === "remove" || operation === "move";
    if (takes && place?.kind === "share" && place.isRoot) throw rooted();
    const seen =
      (looks || takes) &&
      path !== undefined &&
      (place?.kind === "above" || place?.kind === "shares") &&
      (await isSeen(governed, ctx, path));
    const shown = { leads: seen && looks, holds: seen && takes };
    if (points.length === 0) return { ctx, paths, ...shown, shares: [] };
    return {
      ...shown,
      ctx: await enter(ctx, points),
      paths: places
        .map((place, i) => (place.kind === "share" ? place.path : paths[i]))
        .flatMap((path) => path ?? []),
      shares: points.map(({ id, owner }) => ({ id, owner })),
    };
  };

const isSeen = async (
  governed: Pick<WholeTree, "stat">,
  ctx: Context,
  path: VirtualPath,
): Promise<boolean> => {
  try {
    await governed.stat(ctx, path);
    return true;
  } catch (error) {
    // What refuses it is named by the question that does.
    if (isFileError(error) && error.retry === "never") return false;
    throw error;
  }
};
