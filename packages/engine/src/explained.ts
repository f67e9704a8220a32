import { type Context, parent, type VirtualPath } from "@bulkhead/contract";
import type { Behind, ShareOptions, StoredAt } from "@bulkhead/policy";
import type { SharePoint } from "@bulkhead/vfs";
import type { RootsTable } from "./roots.ts";

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
      runnersUp,
      scheme: mount.backend.scheme,
      region: () => mount.backend.region(),
    };
  };

/** A request as it goes on behind the shares that its paths lead through. */
export const throughShares =
  ({ resolve, enter }: ShareOptions<SharePoint>) =>
  async (ctx: Context, paths: readonly VirtualPath[]): Promise<Behind> => {
    const places = await Promise.all(paths.map(async (path) => resolve(ctx, path)));
    const points = places.flatMap((place) => (place.kind === "share" ? [place.point] : []));
    if (points.length === 0) return { ctx, paths, shares: [] };
    return {
      ctx: await enter(ctx, points),
      paths: places
        .map((place, i) => (place.kind === "share" ? place.path : paths[i]))
        .flatMap((path) => path ?? []),
      shares: points.map(({ id, owner }) => ({ id, owner })),
    };
  };
