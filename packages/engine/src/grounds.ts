import { parseRequestPath, type VirtualPath, type WholeTree } from "@bulkhead/contract";
import { type Grounds, groundOf } from "@bulkhead/policy";
import { scope } from "@bulkhead/vfs";
import type { MountTemplates } from "./mount-templates.ts";
import type { RootsTable } from "./roots.ts";

export interface GroundsOptions {
  readonly roots: Pick<RootsTable, "table" | "rootAt" | "uidOf">;
  readonly templates: Pick<MountTemplates, "idOf" | "isTree">;
  readonly storages: WholeTree;
  readonly namespaceRoots: readonly string[];
  readonly tenantAt: (path: VirtualPath) => string | undefined;
}

/** Says what the paths in a caller's questions and grants mean, and whether something is there. */
export const grounds = ({
  roots,
  templates,
  storages,
  namespaceRoots,
  tenantAt,
}: GroundsOptions): Grounds => ({
  place: ({ principal }, raw) => scope(principal.reach, namespaceRoots, parseRequestPath(raw)),
  tenantAt,
  tenantNamed: roots.uidOf,
  find: async (ctx, path) => {
    const ground = groundOf(namespaceRoots, path);
    const root =
      ground.kind === "root" || ground.kind === "below" ? roots.rootAt(ground.root) : undefined;
    const table = roots.table();
    const place = table.resolve(path);
    const inTree =
      root !== undefined && templates.isTree(root) && place.mount.id === templates.idOf(root);
    // What leads to another mount is there without the tree's knowing.
    if (inTree && !table.isAncestorOfMount(path))
      return { mount: place.mount.id, path: place.path };
    await storages.stat(ctx, path);
    return undefined;
  },
});
