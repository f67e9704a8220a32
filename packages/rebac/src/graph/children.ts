import { isName } from "./names.ts";
import { chunkOf, get, none, placeIn } from "./records.ts";
import { firstChild, hashName, hashOf, nameOf, nextSibling, type Trie } from "./trie.ts";

/**
 * The children of one node by name. The trie's own table is as large as all relations of the tenant, so that each
 * look-up there waits for memory; this one is as large as a directory. Good until the trie changes.
 */
export interface Children {
  /** Open addressing, at most half full: a hash, and one more than the node; 0 where there is none. */
  readonly slots: Int32Array;
  readonly mask: number;
}

/** Gathers the children of `parent`; undefined if there are more than `limit`. */
export const childrenOf = (on: Trie, parent: number, limit: number): Children | undefined => {
  const { nodes } = on;
  const found: number[] = [];
  let node = get(nodes, parent, firstChild);
  while (node !== none) {
    if (found.length === limit) return undefined;
    found.push(node);
    node = get(nodes, node, nextSibling);
  }
  let size = 8;
  while (size < found.length * 2) size <<= 1;
  const mask = size - 1;
  const slots = new Int32Array(size << 1);
  for (const child of found) {
    const hash = get(nodes, child, hashOf);
    let slot = hash & mask;
    while (slots[(slot << 1) | 1] !== 0) slot = (slot + 1) & mask;
    slots[slot << 1] = hash;
    slots[(slot << 1) | 1] = child + 1;
  }
  return { slots, mask };
};

/** The child of that name, or `none`. */
export const childIn = (on: Trie, { slots, mask }: Children, name: string): number => {
  const hash = hashName(on, name, 0, name.length);
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const child = slots[(slot << 1) | 1]! - 1;
    if (child === none) return none;
    if (slots[slot << 1] !== hash) continue;
    const ref = chunkOf(on.nodes, child)[placeIn(child) | nameOf]!;
    if (isName(on.names, ref, name, 0, name.length)) return child;
  }
};
