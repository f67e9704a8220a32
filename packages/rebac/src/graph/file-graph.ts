import type { VirtualPath } from "@bulkhead/contract";
import { ask, type Asking, descend, type Held, meet } from "./asking.ts";
import { blockedBelow, blocksAbove } from "./blocks.ts";
import { change } from "./change.ts";
import { type Children, childIn, childrenOf } from "./children.ts";
import { closureOf, type Home } from "./closure.ts";
import { cover } from "./cover.ts";
import { explain } from "./explain.ts";
import { foreignPaths } from "./foreign.ts";
import { held, heldBytes, heldSize } from "./held.ts";
import { leadsAt } from "./leads.ts";
import { none } from "./records.ts";
import { subjectsOf } from "./subjects-of.ts";
import { trail } from "./trail.ts";
import { childOf } from "./trie.ts";
import type { Closure, FileGraph, Verdict } from "./types.ts";
import { clearTally, combine, copyTally, tally } from "./verdict.ts";

/** From how many names on a directory's children are gathered, and at most how many. */
const manyNames = 128;
const mostChildren = 16_384;

/**
 * The compiled walk of the built-in model over one tenant's relations (`authorization.md`). Relations that the model has no place for, such as a
 * wildcard that owns or a subject of another tenant that may do more than edit, are never held.
 *
 * @param tenant the tenant's uid
 */
export const fileGraph = (tenant: string): FileGraph => {
  const state: Held = held(tenant);
  const home: Home = {
    members: state.members,
    trail: (subject, key, now) => trail(state, subject, key, now),
  };
  const met = tally();
  const verdictAt = (asking: Asking, node: number): Verdict =>
    combine(met, asking.adminUntil, asking.now, asking.closure.indeterminate, () =>
      leadsAt(asking, node),
    );

  const check = (closure: Closure, path: VirtualPath, now: number): Verdict => {
    const asking = ask(state, closure, now);
    clearTally(met);
    return verdictAt(asking, descend(asking, path, false, met));
  };

  const listing = (
    closure: Closure,
    directory: VirtualPath,
    now: number,
  ): ((name: string) => Verdict) => {
    const base = tally();
    let asking = ask(state, closure, now);
    let version = -1;
    let node = none;
    let unnamed: Verdict | undefined;
    let asked = 0;
    let children: Children | undefined;
    const childOfNode = (name: string): number => {
      if (node === none) return none;
      asked += 1;
      if (asked === manyNames) children = childrenOf(state.trie, node, mostChildren);
      if (children !== undefined) return childIn(state.trie, children, name);
      return childOf(state.trie, node, name, 0, name.length);
    };
    return (name) => {
      // Whoever filters many names lets others run in between, and they may change the graph.
      if (version !== state.version) {
        version = state.version;
        asking = ask(state, closure, now);
        clearTally(base);
        node = descend(asking, directory, true, base);
        copyTally(base, met);
        unnamed = verdictAt(asking, none);
        asked = 0;
        children = undefined;
      }
      const child = childOfNode(name);
      if (child === none && unnamed !== undefined) return unnamed;
      copyTally(base, met);
      meet(asking, child, true, met);
      return verdictAt(asking, child);
    };
  };

  return {
    tenant,
    get size() {
      return heldSize(state);
    },
    get bytes() {
      return heldBytes(state);
    },
    apply: (each) => change(state, each),
    closureOf: (subject, now) => closureOf(home, subject, now),
    foreign: (closure, now) => foreignPaths(ask(state, closure, now)),
    check,
    listing,
    cover: (closure, permission, now) => cover(ask(state, closure, now), permission),
    blockedBelow: (closure, path, now) => blockedBelow(ask(state, closure, now), path),
    blocksAbove: (path, now) => blocksAbove(state, path, now),
    subjects: (path, permission, now) =>
      subjectsOf(state, path, permission, now, (subject) =>
        check(closureOf(home, subject, now), path, now),
      ),
    explain: (closure, path, permission, now) =>
      explain(ask(state, closure, now), path, permission, check(closure, path, now)),
  };
};
