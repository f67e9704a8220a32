import type { VirtualPath } from "@bulkhead/contract";
import type { Asking, Held } from "./asking.ts";
import { blocksOf } from "./named-by.ts";
import { get, none } from "./records.ts";
import { bitsOf, blocked, endOf, nextAtPlace } from "./relations.ts";
import {
  childOf,
  endOfName,
  findNode,
  firstRelation,
  parentOf,
  pathOf,
  rootNode,
  type Trie,
} from "./trie.ts";

/** True if `node` lies strictly below `top`. */
const isBelow = (on: Trie, top: number, node: number): boolean => {
  for (let at = node; at !== rootNode;) {
    at = get(on.nodes, at, parentOf);
    if (at === top) return true;
  }
  return false;
};

/** True if something strictly below `path` is blocked for the closure; what cannot be decided is. */
export const blockedBelow = (asking: Asking, path: VirtualPath): boolean => {
  const { held, now, adminUntil, closure } = asking;
  if (adminUntil > now) return false;
  const top = findNode(held.trie, path);
  if (top === none) return false;
  if (closure.indeterminate) return true;
  const { blocks, blocksBelow } = blocksOf(asking);
  if (blocksBelow.has(top)) return true;
  for (const set of [blocks, blocksBelow])
    for (const node of set) if (isBelow(held.trie, top, node)) return true;
  return false;
};

const blocksAnybody = ({ files, trie }: Held, node: number, now: number): boolean => {
  let row = get(trie.nodes, node, firstRelation);
  for (; row !== none; row = get(files.rows, row, nextAtPlace))
    if ((bitsOf(files, row) & blocked) !== 0 && endOf(files, row) > now) return true;
  return false;
};

/** The nodes from the root to a path, as far as there are any. */
export const nodesTo = (on: Trie, path: VirtualPath): readonly number[] => {
  const nodes: number[] = [rootNode];
  let node = rootNode;
  for (let from = 1; from < path.length;) {
    const to = endOfName(path, from);
    node = childOf(on, node, path, from, to);
    if (node === none) break;
    nodes.push(node);
    from = to + 1;
  }
  return nodes;
};

/** The places above `path`, itself excluded, where a live relation blocks anybody. */
export const blocksAbove = (on: Held, path: VirtualPath, now: number): readonly VirtualPath[] => {
  const itself = findNode(on.trie, path);
  return nodesTo(on.trie, path).flatMap((node) => {
    const place =
      node !== itself && blocksAnybody(on, node, now) ? pathOf(on.trie, node) : undefined;
    return place === undefined ? [] : [place];
  });
};
