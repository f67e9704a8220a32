import { type Asking, meet } from "./asking.ts";
import { namedBy } from "./named-by.ts";
import { get, none } from "./records.ts";
import { below, bitsOf, placeOf } from "./relations.ts";
import { standsUntil } from "./ring.ts";
import { filesOf } from "./subjects.ts";
import { firstChild, firstRelation, nextSibling, parentOf, rootNode } from "./trie.ts";
import { clearTally, type Tally, tally } from "./verdict.ts";

/**
 * How far is looked for something readable: nodes below one path, and in all before the closure's own relations are
 * walked upwards instead, which is done for as many relations. A closure with more looks below each path as far as
 * `deep`, in all `total`, and what is not found by then is not shown.
 */
const leadLimits = {
  near: 256,
  nearTotal: 2_048,
  relations: 50_000,
  deep: 20_000,
  total: 200_000,
} as const;

/** Says of a node, on whose path nothing blocks, whether something at or below it can be read. */
export type Leads = (node: number) => boolean | "unknown";

const gives = (met: Tally): boolean =>
  !met.blocked && (met.owner !== 0 || met.editor !== 0 || met.viewer !== 0);

/** Looks below a node, at most at `limit` others. Returns how many were looked at, negative if one leads. */
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
  const open = [top];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    let child = get(nodes, node, firstChild);
    for (; child !== none; child = get(nodes, child, nextSibling)) {
      seen += 1;
      if (seen > limit) return seen;
      const judged = judge(child);
      if (judged === true) return "found";
      if (judged === "below") open.push(child);
    }
  }
  return seen;
};

/** Every node that leads, from the closure's own relations upwards: each node is entered once. */
const mark = (asking: Asking): ReadonlySet<number> => {
  const { files, trie } = asking.held;
  const { given, blocks, blocksBelow } = namedBy(asking);
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
  return marked;
};

/** Makes the answer for one closure at one moment. It is good until the graph changes. */
export const leadsFor = (asking: Asking): Leads => {
  const { held, ring, closure, now } = asking;
  const met = tally();
  let spent = 0;
  let marks: ReadonlySet<number> | undefined;
  let named: number | undefined;
  const countNamed = (): number =>
    ring.numbers.reduce(
      (sum, number) =>
        standsUntil(ring, number) > now ? sum + get(held.subjects.rows, number, filesOf) : sum,
      0,
    );
  return (node) => {
    // Whether a group's block holds for it is not known: nothing is shown.
    if (closure.indeterminate) return "unknown";
    if (marks !== undefined) return marks.has(node);
    if (spent < leadLimits.nearTotal) {
      const near = look(asking, node, leadLimits.near, met);
      if (near === "found") return true;
      spent += near;
      if (near <= leadLimits.near) return false;
    }
    named ??= countNamed();
    if (named <= leadLimits.relations) {
      marks = mark(asking);
      return marks.has(node);
    }
    if (spent > leadLimits.total) return "unknown";
    const far = look(asking, node, leadLimits.deep, met);
    if (far === "found") return true;
    spent += far;
    return far <= leadLimits.deep ? false : "unknown";
  };
};
