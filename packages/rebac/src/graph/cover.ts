import { parseVirtualPath, type VirtualPath } from "@bulkhead/contract";
import type { Asking } from "./asking.ts";
import { namedBy } from "./named-by.ts";
import { get } from "./records.ts";
import { below, bitsOf, placeOf } from "./relations.ts";
import { parentOf, pathOf, rootNode } from "./trie.ts";
import type { Cover } from "./types.ts";
import { rolesFor } from "./verdict.ts";

const nothing: Cover = { roots: [], below: [], except: [], exceptBelow: [] };

/** Where a permission holds, as few paths as say it. */
export const cover = (asking: Asking, permission: number): Cover => {
  const { held, closure, now, adminUntil } = asking;
  if (adminUntil > now) return { ...nothing, roots: [parseVirtualPath("/")] };
  // Which blocks hold is not known.
  if (closure.indeterminate) return nothing;
  const { files, trie } = held;
  const roles = rolesFor(permission);
  const { given, blocks, blocksBelow } = namedBy(asking);
  const whole = new Set<number>();
  const under = new Set<number>();
  for (const row of given) {
    const bits = bitsOf(files, row);
    if ((bits & roles) !== 0)
      ((bits & below) === 0 ? whole : under).add(get(files.rows, row, placeOf));
  }
  /** True if something strictly above the node is in one of the sets. */
  const isUnderAny = (node: number, ...sets: readonly ReadonlySet<number>[]): boolean => {
    for (let at = node; at !== rootNode;) {
      at = get(trie.nodes, at, parentOf);
      for (const set of sets) if (set.has(at)) return true;
    }
    return false;
  };
  const isOut = (node: number): boolean =>
    blocks.has(node) || isUnderAny(node, blocks, blocksBelow);
  const roots = new Set([...whole].filter((node) => !isOut(node)));
  const rootsBelow = new Set(
    [...under].filter((node) => !roots.has(node) && !blocksBelow.has(node) && !isOut(node)),
  );
  const top = (node: number): boolean => !isUnderAny(node, roots, rootsBelow);
  const paths = (nodes: Iterable<number>, keep: (node: number) => boolean): VirtualPath[] =>
    [...nodes].flatMap((node) => {
      const path = keep(node) ? pathOf(trie, node) : undefined;
      return path === undefined ? [] : [path];
    });
  return {
    roots: paths(roots, top),
    below: paths(rootsBelow, top),
    except: paths(
      blocks,
      (node) => isUnderAny(node, roots, rootsBelow) && !isUnderAny(node, blocks, blocksBelow),
    ),
    exceptBelow: paths(
      blocksBelow,
      (node) =>
        !blocks.has(node) &&
        (roots.has(node) || isUnderAny(node, roots, rootsBelow)) &&
        !isUnderAny(node, blocks, blocksBelow),
    ),
  };
};
