import { type Asking, meet } from "./asking.ts";
import { WalkClosure } from "./closure.ts";
import { namedBy } from "./named-by.ts";
import { get, none } from "./records.ts";
import { below, bitsOf, nextAtPlace, placeOf } from "./relations.ts";
import { firstChild, firstRelation, nextSibling, parentOf, rootNode } from "./trie.ts";
import { clearTally, type Tally, tally } from "./verdict.ts";

/**
 * How far is looked for something readable. First below each path: at `near` nodes, in all at `nearTotal`. Then from the
 * closure's own relations upwards, from at most `relations` of them, once. For a closure that has more, what was not
 * reached so is looked for below each path again, at `deep` nodes, in all at `total`; what is not found by then is not
 * shown, and the verdict says `indeterminate`.
 */
const leadLimits = {
  near: 2_048,
  nearTotal: 16_384,
  relations: 50_000,
  deep: 20_000,
  total: 200_000,
} as const;

/** Says of a node, on whose path nothing blocks, whether something at or below it can be read. */
export type Leads = (node: number) => boolean | "unknown";

const gives = (met: Tally): boolean =>
  !met.blocked && (met.owner !== 0 || met.editor !== 0 || met.viewer !== 0);

/** Looks below a node, at most at `limit` others. Returns how many were looked at if none leads. */
const look = (asking: Asking, top: number, limit: number, met: Tally): number | "found" => {
  const { nodes } = asking.held.trie;
  /** True, false, or: look at the children. */
  const judge = (node: number): boolean | "below" => {
    if (get(nodes, node, firstRelation) === none) return "below";
    clearTally(met);
    meet(asking, node, true, met);
    if (gives(met)) return true;
    if (met.blocked) return false;
    meet(asking, node, false, met);
    return met.blocked ? false : gives(met) || "below";
  };
  const first = judge(top);
  if (first !== "below") return first ? "found" : 0;
  let seen = 0;
  // Downwards first: relations lie on leaves more often than on the way.
  for (let node = get(nodes, top, firstChild); node !== none;) {
    seen += 1;
    if (seen > limit) return seen;
    const judged = judge(node);
    if (judged === true) return "found";
    let next = judged === "below" ? get(nodes, node, firstChild) : none;
    while (next === none && node !== top) {
      next = get(nodes, node, nextSibling);
      node = get(nodes, node, parentOf);
    }
    node = next;
  }
  return seen;
};

interface Marks {
  readonly nodes: ReadonlySet<number>;
  /** Whether what is not marked does not lead. */
  readonly whole: boolean;
}

/** Nodes that lead, from the closure's own relations upwards: each node is entered once. */
const mark = (asking: Asking): Marks => {
  const { files, trie } = asking.held;
  const { given, whole, blocks, blocksBelow } = namedBy(asking, leadLimits.relations);
  const marked = new Set<number>();
  const way: number[] = [];
  for (const row of given) {
    const node = get(files.rows, row, placeOf);
    if (marked.has(node) || blocks.has(node)) continue;
    if ((bitsOf(files, row) & below) !== 0 && blocksBelow.has(node)) continue;
    way.length = 0;
    way.push(node);
    let at = node;
    let free = true;
    while (at !== rootNode) {
      at = get(trie.nodes, at, parentOf);
      free = !blocks.has(at) && !blocksBelow.has(at);
      if (!free || marked.has(at)) break;
      way.push(at);
    }
    if (free) for (const each of way) marked.add(each);
  }
  return { nodes: marked, whole };
};

/** True if nothing lies below a node and nothing on it is of what lies below only: then it does not lead. */
const isBare = ({ held }: Asking, node: number): boolean => {
  const { files, trie } = held;
  if (get(trie.nodes, node, firstChild) !== none) return false;
  let row = get(trie.nodes, node, firstRelation);
  for (; row !== none; row = get(files.rows, row, nextAtPlace))
    if ((bitsOf(files, row) & below) !== 0) return false;
  return true;
};

/** Makes the answer for one closure at one moment. It is good until the graph changes. */
const search = (asking: Asking): Leads => {
  const met = tally();
  let spent = 0;
  let marks: Marks | undefined;
  return (node) => {
    // Whether a group's block holds for it is not known: nothing is shown.
    if (asking.closure.indeterminate) return "unknown";
    if (marks === undefined && spent < leadLimits.nearTotal) {
      const near = look(asking, node, leadLimits.near, met);
      if (near === "found") return true;
      spent += near;
      if (near <= leadLimits.near) return false;
    }
    marks ??= mark(asking);
    if (marks.nodes.has(node)) return true;
    if (marks.whole) return false;
    if (spent > leadLimits.total) return "unknown";
    const far = look(asking, node, leadLimits.deep, met);
    if (far === "found") return true;
    spent += far;
    return far <= leadLimits.deep ? false : "unknown";
  };
};

/** Whether a node that cannot be read itself, and on whose path nothing blocks, leads to something that can. */
export const leadsAt = (asking: Asking, node: number): boolean | "unknown" => {
  if (node === none || isBare(asking, node)) return false;
  const { held, closure, now } = asking;
  const { subjects, version } = held;
  if (!(closure instanceof WalkClosure)) return search(asking)(node);
  const known = closure.search;
  if (known?.version === version && known.now === now && known.subjects === subjects)
    return known.leads(node);
  const leads = search(asking);
  closure.search = { subjects, version, now, leads };
  return leads(node);
};
