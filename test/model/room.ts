import type { Amounts, Tenant } from "./authority.ts";
import { type Directory, everything, isDirectory, lookUp, type Node } from "./files.ts";
import type { World } from "./model.ts";
import { names } from "./place.ts";

/** What a tenant has, below all its roots. */
export const used = (world: World, tenant: Tenant): Amounts => {
  const contents = tenant.roots.flatMap((root) => {
    const node = lookUp(world.tree, names(root));
    if (typeof node === "string" || !isDirectory(node)) return [];
    return everything(node).flatMap((entry) =>
      isDirectory(entry.node) ? [] : [Buffer.byteLength(entry.node.content)],
    );
  });
  return { bytes: contents.reduce((sum, size) => sum + size, 0), files: contents.length };
};

const cloned = (node: Node): Node => (isDirectory(node) ? clonedTree(node) : node);
const clonedTree = (directory: Directory): Directory =>
  new Map([...directory].map(([name, node]) => [name, cloned(node)]));

/** What an operation on files changes, and what there was before it. */
export interface Before {
  /** Whether a tenant with a limit now has more than it may, and more than before. */
  readonly exceeded: () => boolean;
  /** Makes all as it was. */
  readonly undo: () => void;
}

/** Looks at a world before an operation on files; undefined where nobody has a limit. */
export const before = (world: World): Before | undefined => {
  const limited = [...world.tenants.values()].filter(
    ({ limits }) => limits.bytes !== null || limits.files !== null,
  );
  if (limited.length === 0) return undefined;
  const [tree, removed, tuples] = [clonedTree(world.tree), [...world.removed], [...world.tuples]];
  const had = new Map(limited.map((tenant) => [tenant, used(world, tenant)]));
  return {
    exceeded: () =>
      limited.some((tenant) => {
        const now = used(world, tenant);
        return (["bytes", "files"] as const).some(
          (what) =>
            now[what] > (tenant.limits[what] ?? Infinity) &&
            now[what] > (had.get(tenant)?.[what] ?? 0),
        );
      }),
    undo: () => {
      world.tree.clear();
      for (const [name, node] of tree) world.tree.set(name, node);
      world.removed.clear();
      for (const [path, past] of removed) world.removed.set(path, past);
      world.tuples = tuples;
    },
  };
};
