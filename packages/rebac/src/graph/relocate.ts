import { isUnder, nameOf, parent, type VirtualPath } from "@bulkhead/contract";
import type { Held } from "./asking.ts";
import { get, none } from "./records.ts";
import { bitsOf, endOf, relate, subjectOf, unrelate } from "./relations.ts";
import {
  childOf,
  findNode,
  firstChild,
  firstRelation,
  makeNode,
  namesakeOf,
  nextSibling,
  parentOf,
  prune,
  rehang,
  removeNode,
  rename,
  rootNode,
} from "./trie.ts";

/** Puts all that is at and below `node` at and below `target`, where something is already. */
const merge = (on: Held, node: number, target: number): void => {
  const { files, trie } = on;
  const pairs: [number, number][] = [[node, target]];
  const emptied: number[] = [];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [from, to] = pair;
    emptied.push(from);
    for (let row = get(trie.nodes, from, firstRelation); row !== none;) {
      const number = get(files.rows, row, subjectOf);
      const bits = bitsOf(files, row);
      const end = endOf(files, row);
      unrelate(files, row);
      relate(files, number, to, bits, end === Infinity ? 0 : end);
      row = get(trie.nodes, from, firstRelation);
    }
    for (let child = get(trie.nodes, from, firstChild); child !== none;) {
      const next = get(trie.nodes, child, nextSibling);
      const namesake = namesakeOf(trie, to, child);
      if (namesake === none) rehang(trie, child, to);
      else pairs.push([child, namesake]);
      child = next;
    }
  }
  // Children after their parents in this list, so from the end.
  for (const each of emptied.reverse()) removeNode(trie, each);
};

/** Moves what is at and below `from`: one node is hung elsewhere, or merged with the one that is there. */
export const moveRelations = (on: Held, from: VirtualPath, to: VirtualPath): void => {
  const { trie } = on;
  // Nothing can be moved below itself, nor can anything take the root's place.
  if (isUnder(from, to)) return;
  const node = findNode(trie, from);
  if (node === none) return;
  const above = parent(to);
  if (above === undefined) return;
  const old = get(trie.nodes, node, parentOf);
  const name = nameOf(to);
  const target = makeNode(trie, above);
  const there = childOf(trie, target, name, 0, name.length);
  if (there === none) rename(trie, node, target, name);
  else {
    // Out of the way under a name that no path has: what it is merged into may be above it.
    rename(trie, node, rootNode, "");
    merge(on, node, there);
  }
  prune(trie, old);
};

/** Takes away everything at and below a path. */
export const purgeRelations = (on: Held, path: VirtualPath): void => {
  const { files, trie } = on;
  const top = findNode(trie, path);
  if (top === none) return;
  const nodes = [top];
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i]!;
    for (let row = get(trie.nodes, node, firstRelation); row !== none;) {
      unrelate(files, row);
      row = get(trie.nodes, node, firstRelation);
    }
    let child = get(trie.nodes, node, firstChild);
    for (; child !== none; child = get(trie.nodes, child, nextSibling)) nodes.push(child);
  }
  const above = get(trie.nodes, top, parentOf);
  for (const node of nodes.reverse()) if (node !== rootNode) removeNode(trie, node);
  if (above !== none) prune(trie, above);
};
