import { adminUntil, ringIn } from "./closure.ts";
import { cyclicGroups, type Memberships } from "./memberships.ts";
import { chunkOf, get, none, placeIn } from "./records.ts";
import {
  below,
  bitsIn,
  blocked,
  crowd,
  editor,
  endIn,
  nextAtPlace,
  owner,
  type Relations,
  subjectOf,
} from "./relations.ts";
import { type Ring, standsUntil } from "./ring.ts";
import { isGroup, type Subjects } from "./subjects.ts";
import { findChild, firstRelation, hashNext, rootNode, slash, type Trie } from "./trie.ts";
import type { Closure, Tuple } from "./types.ts";
import type { Tally } from "./verdict.ts";
import type { VirtualPath } from "@bulkhead/contract";

/** What a graph holds. */
export interface Held {
  readonly subjects: Subjects;
  readonly members: Memberships;
  readonly trie: Trie;
  /** Relations on files: places are nodes of the trie. */
  readonly files: Relations;
  /** Relations of this tenant's subjects on other tenants' files, by subject. */
  readonly foreign: Map<number, Tuple[]>;
  foreignCount: number;
  /** Moves with every change. */
  version: number;
}

/** One closure asking one graph at one moment. */
export interface Asking {
  readonly held: Held;
  readonly closure: Closure;
  readonly ring: Ring;
  readonly now: number;
  /** Until when it is an admin of the graph's tenant; 0 if it is none. */
  readonly adminUntil: number;
}

export const ask = (held: Held, closure: Closure, now: number): Asking => {
  const { subjects } = held;
  return {
    held,
    closure,
    ring: ringIn(closure, subjects),
    now,
    adminUntil: closure.subject.tenant === subjects.tenant ? adminUntil(closure) : 0,
  };
};

/** Whether it cannot be said that the closure is not in the group `number`, which it was not found in. */
export const isUndecided = (asking: Asking, number: number): boolean => {
  const { held, closure, now } = asking;
  if (get(held.subjects.rows, number, isGroup) === 0) return false;
  if (closure.indeterminate && closure.subject.tenant === held.subjects.tenant) return true;
  return held.members.nested.size > 0 && cyclicGroups(held.members, now).has(number);
};

/** Adds what one relation says; it lies in `chunk` at `at`. */
const meetOne = (
  asking: Asking,
  chunk: Int32Array,
  at: number,
  last: boolean,
  met: Tally,
): void => {
  const { ring, now } = asking;
  const bits = bitsIn(chunk, at);
  if (last && (bits & below) !== 0) return;
  const number = chunk[at | subjectOf]!;
  const stands = standsUntil(ring, number);
  if (stands <= now) {
    if ((bits & blocked) !== 0 && endIn(chunk, at) > now && isUndecided(asking, number)) {
      met.blocked = true;
      met.unsure = true;
    }
    return;
  }
  const end = endIn(chunk, at);
  const until = end < stands ? end : stands;
  if (until <= now) return;
  if ((bits & blocked) !== 0) met.blocked = true;
  else if ((bits & owner) !== 0) {
    if (until > met.owner) met.owner = until;
  } else if ((bits & editor) !== 0) {
    if (until > met.editor) met.editor = until;
  } else if (until > met.viewer) met.viewer = until;
};

const meetCrowd = (
  asking: Asking,
  crowded: ReadonlyMap<number, readonly number[]>,
  last: boolean,
  met: Tally,
): void => {
  const { rows: all } = asking.held.files;
  const meetAll = (rows: readonly number[]): void => {
    for (const row of rows) meetOne(asking, chunkOf(all, row), placeIn(row), last, met);
  };
  for (const number of asking.ring.numbers) meetAll(crowded.get(number) ?? []);
  // Blocks by groups that the closure was not found in: only where that leaves something open.
  if (met.blocked || !mayBeUndecided(asking)) return;
  for (const [number, rows] of crowded) if (isUndecided(asking, number)) meetAll(rows);
};

const mayBeUndecided = ({ held, closure, now }: Asking): boolean =>
  closure.indeterminate ||
  (held.members.nested.size > 0 && cyclicGroups(held.members, now).size > 0);

/** Adds what stands on a node. With `last` the node is what is asked about, so what holds only below it does not count. */
export const meet = (asking: Asking, node: number, last: boolean, met: Tally): void => {
  const { files, trie } = asking.held;
  let row = get(trie.nodes, node, firstRelation);
  for (let seen = 0; row !== none; seen++) {
    if (seen === crowd) {
      const crowded = files.crowded?.get(node);
      if (crowded !== undefined) return meetCrowd(asking, crowded, last, met);
    }
    const chunk = chunkOf(files.rows, row);
    const at = placeIn(row);
    meetOne(asking, chunk, at, last, met);
    row = chunk[at | nextAtPlace]!;
  }
};

/** Walks down to a path, adding what stands on each node. Returns its node, or `none` if nothing lies there or below. */
export const descend = (
  asking: Asking,
  path: VirtualPath,
  asDirectory: boolean,
  met: Tally,
): number => {
  const { trie } = asking.held;
  const { length } = path;
  let node = rootNode;
  meet(asking, node, length === 1 && !asDirectory, met);
  for (let from = 1; from < length;) {
    // The name's end is found while its hash is made: one pass over each path.
    let hash = trie.seed;
    let to = from;
    for (; to < length; to++) {
      const unit = path.charCodeAt(to);
      if (unit === slash) break;
      hash = hashNext(trie, hash, unit);
    }
    node = findChild(trie, node, hash, path, from, to);
    if (node === none) return none;
    from = to + 1;
    meet(asking, node, to === length && !asDirectory, met);
  }
  return node;
};
