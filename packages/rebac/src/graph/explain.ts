import { segmentsOf, type VirtualPath } from "@bulkhead/contract";
import { type Asking, isUndecided } from "./asking.ts";
import { nodesTo } from "./blocks.ts";
import { WalkClosure } from "./closure.ts";
import { findMisses } from "./misses.ts";
import { get, none } from "./records.ts";
import { below, bitsOf, blocked, endOf, nextAtPlace, subjectOf } from "./relations.ts";
import { standsUntil } from "./ring.ts";
import { admins, qualified } from "./subjects.ts";
import { firstRelation } from "./trie.ts";
import { fileTuple } from "./tuples.ts";
import type { Reasons, Tuple, Verdict } from "./types.ts";
import { rolesFor } from "./verdict.ts";

/** A relation on the path that is asked about or above it. */
export interface Met {
  readonly row: number;
  readonly bits: number;
  readonly subject: number;
  readonly end: number;
  /** Until when the closure stands on its subject; 0 if it does not. */
  readonly stands: number;
  /** How many names lie between it and the path. */
  readonly distance: number;
  /** Whether it says anything of the path itself. */
  readonly counts: boolean;
}

const meetAll = ({ held, ring }: Asking, path: VirtualPath): readonly Met[] => {
  const { files, trie } = held;
  const depth = segmentsOf(path).length;
  return nodesTo(trie, path).flatMap((node, index) => {
    const met: Met[] = [];
    const distance = depth - index;
    let row = get(trie.nodes, node, firstRelation);
    for (; row !== none; row = get(files.rows, row, nextAtPlace)) {
      const bits = bitsOf(files, row);
      const subject = get(files.rows, row, subjectOf);
      met.push({
        row,
        bits,
        subject,
        end: endOf(files, row),
        stands: standsUntil(ring, subject),
        distance,
        counts: distance > 0 || (bits & below) === 0,
      });
    }
    return met;
  });
};

/** The memberships from the subject to what a relation names. */
const trailTo = ({ held, closure, now }: Asking, key: string): readonly Tuple[] => {
  const { tenant } = closure.subject;
  const prefix = qualified(tenant, "").length;
  const own = tenant === held.subjects.tenant ? key : key.slice(prefix);
  return closure instanceof WalkClosure ? closure.home.trail(closure.subject, own, now) : [];
};

/** Tells why a verdict is what it is: the lasting one, then the nearest, of the chains that grant; else what missed. */
export const explain = (
  asking: Asking,
  path: VirtualPath,
  permission: number,
  verdict: Verdict,
): Reasons => {
  const { held, now } = asking;
  const met = meetAll(asking, path);
  const allowed = (verdict.mask & permission) === permission;
  if (!allowed) return { allowed, chain: [], misses: findMisses(asking, path, permission, met) };
  const roles = rolesFor(permission);
  const isBlocked = met.some(
    ({ bits, counts, end, stands, subject }) =>
      counts &&
      (bits & blocked) !== 0 &&
      end > now &&
      (stands > now || isUndecided(asking, subject)),
  );
  const lasts = ({ end, stands }: Met): number => Math.min(end, stands);
  let best: Met | undefined;
  for (const each of isBlocked ? [] : met)
    if (each.counts && (each.bits & roles) !== 0 && lasts(each) > now)
      if (
        best === undefined ||
        lasts(each) > lasts(best) ||
        (lasts(each) === lasts(best) && each.distance < best.distance)
      )
        best = each;
  if (best === undefined) return { allowed, chain: trailTo(asking, admins), misses: [] };
  const tuple = fileTuple(held, best.row);
  const trail = trailTo(asking, held.subjects.keys[best.subject]!);
  return { allowed, chain: tuple === undefined ? trail : [...trail, tuple], misses: [] };
};
