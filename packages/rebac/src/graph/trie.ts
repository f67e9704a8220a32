import type { VirtualPath } from "@bulkhead/contract";
import { joinPath } from "./join-path.ts";
import { bytesOfNames, dropName, isName, keepName, type Names, names, readName } from "./names.ts";
import {
  allocate,
  bytesOf,
  chunkOf,
  get,
  none,
  placeIn,
  type Records,
  records,
  release,
  set,
} from "./records.ts";

// The fields of a node.
export const parentOf = 0;
export const firstChild = 1;
export const nextSibling = 2;
const previousSibling = 3;
const nextInBucket = 4;
export const hashOf = 5;
export const nameOf = 6;
/** The first relation on the node. */
export const firstRelation = 7;

/**
 * A tree of names with nodes only where something is kept and on the way there. Children are found through one hash
 * table of (parent, name) that grows by one bucket at a time (linear hashing, Litwin 1980): no insertion is slow.
 */
export interface Trie {
  readonly nodes: Records;
  readonly names: Names;
  buckets: Int32Array;
  bucketCount: number;
  /** The greatest power of two that is at most `bucketCount`, less one. */
  mask: number;
  /** Drawn anew for each trie: whoever chooses names cannot choose collisions. */
  readonly seed: number;
  readonly factor: number;
}

/** The node of `/`. */
export const rootNode = 0;

const firstBuckets = 16;

export const trie = (): Trie => {
  const [seed = 0, factor = 0] = crypto.getRandomValues(new Int32Array(2));
  const made: Trie = {
    nodes: records(),
    names: names(),
    buckets: new Int32Array(firstBuckets).fill(none),
    bucketCount: firstBuckets,
    mask: firstBuckets - 1,
    seed,
    factor: factor | 1,
  };
  const root = allocate(made.nodes);
  for (const field of [parentOf, firstChild, nextSibling, previousSibling, nextInBucket])
    set(made.nodes, root, field, none);
  set(made.nodes, root, firstRelation, none);
  return made;
};

export const slash = 0x2f;

/** One more UTF-16 unit of a name; a name's hash begins with the trie's seed. */
export const hashNext = (on: Trie, hash: number, unit: number): number => {
  const mixed = Math.imul(hash ^ unit, on.factor);
  return mixed ^ (mixed >>> 15);
};

/** The hash of the name that is `text` from `from` to `to`. */
export const hashName = (on: Trie, text: string, from: number, to: number): number => {
  let hash = on.seed;
  for (let i = from; i < to; i++) hash = hashNext(on, hash, text.charCodeAt(i));
  return hash;
};

const bucketOf = (on: Trie, parent: number, hash: number): number => {
  let mixed = Math.imul(hash ^ Math.imul(parent + 1, 0x9e3779b1), 0x85ebca6b);
  mixed ^= mixed >>> 15;
  const wide = mixed & ((on.mask << 1) | 1);
  return wide < on.bucketCount ? wide : mixed & on.mask;
};

/** The child of `parent` whose name, of this hash, is `text` from `from` to `to`, or `none`. */
export const findChild = (
  on: Trie,
  parent: number,
  hash: number,
  text: string,
  from: number,
  to: number,
): number => {
  const { nodes } = on;
  let node = on.buckets[bucketOf(on, parent, hash)]!;
  while (node !== none) {
    const chunk = chunkOf(nodes, node);
    const at = placeIn(node);
    if (
      chunk[at | hashOf] === hash &&
      chunk[at | parentOf] === parent &&
      isName(on.names, chunk[at | nameOf]!, text, from, to)
    )
      return node;
    node = chunk[at | nextInBucket]!;
  }
  return none;
};

/** The child of `parent` whose name is `text` from `from` to `to`, or `none`. */
export const childOf = (on: Trie, parent: number, text: string, from: number, to: number): number =>
  findChild(on, parent, hashName(on, text, from, to), text, from, to);

const putInBucket = (on: Trie, node: number): void => {
  const { nodes, buckets } = on;
  const bucket = bucketOf(on, get(nodes, node, parentOf), get(nodes, node, hashOf));
  set(nodes, node, nextInBucket, buckets[bucket]!);
  buckets[bucket] = node;
};

const splitBucket = (on: Trie): void => {
  const added = on.bucketCount;
  if (added === on.buckets.length) {
    const wider = new Int32Array(added << 1).fill(none, added);
    wider.set(on.buckets);
    on.buckets = wider;
  }
  const split = added & on.mask;
  let node = on.buckets[split]!;
  on.buckets[split] = none;
  on.bucketCount += 1;
  if (on.bucketCount === (on.mask + 1) << 1) on.mask = (on.mask << 1) | 1;
  while (node !== none) {
    const next = get(on.nodes, node, nextInBucket);
    putInBucket(on, node);
    node = next;
  }
};

const hang = (on: Trie, node: number, parent: number): void => {
  const { nodes } = on;
  const next = get(nodes, parent, firstChild);
  set(nodes, node, parentOf, parent);
  set(nodes, node, previousSibling, none);
  set(nodes, node, nextSibling, next);
  if (next !== none) set(nodes, next, previousSibling, node);
  set(nodes, parent, firstChild, node);
  putInBucket(on, node);
};

const unhang = (on: Trie, node: number): void => {
  const { nodes, buckets } = on;
  const parent = get(nodes, node, parentOf);
  const previous = get(nodes, node, previousSibling);
  const next = get(nodes, node, nextSibling);
  if (previous === none) set(nodes, parent, firstChild, next);
  else set(nodes, previous, nextSibling, next);
  if (next !== none) set(nodes, next, previousSibling, previous);
  const bucket = bucketOf(on, parent, get(nodes, node, hashOf));
  let before = none;
  let at = buckets[bucket]!;
  while (at !== node) {
    before = at;
    at = get(nodes, at, nextInBucket);
  }
  const after = get(nodes, node, nextInBucket);
  if (before === none) buckets[bucket] = after;
  else set(nodes, before, nextInBucket, after);
};

const makeChild = (on: Trie, parent: number, text: string, from: number, to: number): number => {
  const hash = hashName(on, text, from, to);
  const found = findChild(on, parent, hash, text, from, to);
  if (found !== none) return found;
  const node = allocate(on.nodes);
  set(on.nodes, node, firstChild, none);
  set(on.nodes, node, firstRelation, none);
  set(on.nodes, node, hashOf, hash);
  set(on.nodes, node, nameOf, keepName(on.names, text, from, to));
  hang(on, node, parent);
  // At most half full: most look-ups that find nothing then end at the bucket.
  while (on.nodes.live << 1 > on.bucketCount) splitBucket(on);
  return node;
};

/** Where the name that begins at `from` ends. */
export const endOfName = (path: VirtualPath, from: number): number => {
  const end = path.indexOf("/", from);
  return end < 0 ? path.length : end;
};

/** The node of a path, made with those on the way. */
export const makeNode = (on: Trie, path: VirtualPath): number => {
  let node = rootNode;
  for (let from = 1; from < path.length;) {
    const to = endOfName(path, from);
    node = makeChild(on, node, path, from, to);
    from = to + 1;
  }
  return node;
};

/** The node of a path, or `none`. */
export const findNode = (on: Trie, path: VirtualPath): number => {
  let node = rootNode;
  for (let from = 1; from < path.length && node !== none;) {
    const to = endOfName(path, from);
    node = childOf(on, node, path, from, to);
    from = to + 1;
  }
  return node;
};

/** The child of `parent` that is named as `node` is, or `none`. */
export const namesakeOf = (on: Trie, parent: number, node: number): number => {
  const name = nodeName(on, node);
  return findChild(on, parent, get(on.nodes, node, hashOf), name, 0, name.length);
};

/** Hangs a node with all below it under another parent, which has no child of its name. */
export const rehang = (on: Trie, node: number, parent: number): void => {
  unhang(on, node);
  hang(on, node, parent);
};

/** Names a node anew. */
export const rename = (on: Trie, node: number, parent: number, name: string): void => {
  unhang(on, node);
  dropName(on.names, get(on.nodes, node, nameOf));
  set(on.nodes, node, nameOf, keepName(on.names, name, 0, name.length));
  set(on.nodes, node, hashOf, hashName(on, name, 0, name.length));
  hang(on, node, parent);
};

/** Takes away a node that has no children and holds nothing. */
export const removeNode = (on: Trie, node: number): void => {
  unhang(on, node);
  dropName(on.names, get(on.nodes, node, nameOf));
  release(on.nodes, node);
};

/** Takes away `node` and those above it as long as they have no children and hold nothing. */
export const prune = (on: Trie, node: number): void => {
  let at = node;
  while (
    at !== rootNode &&
    get(on.nodes, at, firstChild) === none &&
    get(on.nodes, at, firstRelation) === none
  ) {
    const above = get(on.nodes, at, parentOf);
    removeNode(on, at);
    at = above;
  }
};

const nodeName = (on: Trie, node: number): string =>
  readName(on.names, get(on.nodes, node, nameOf));

/** The path of a node, or undefined if it has grown too long to be one. */
export const pathOf = (on: Trie, node: number): VirtualPath | undefined => {
  const parts: string[] = [];
  for (let at = node; at !== rootNode; at = get(on.nodes, at, parentOf))
    parts.push(nodeName(on, at));
  return joinPath(parts.reverse());
};

export const bytesOfTrie = (on: Trie): number =>
  bytesOf(on.nodes) + bytesOfNames(on.names) + on.buckets.byteLength + 128;
