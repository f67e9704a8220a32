import { segmentsOf, type VirtualPath } from "@bulkhead/contract";
import { type Asking, isUndecided } from "./asking.ts";
import type { Met } from "./explain.ts";
import { get, none } from "./records.ts";
import { below, bitsOf, blocked, endOf, nextOfSubject, placeOf } from "./relations.ts";
import { standsUntil } from "./ring.ts";
import { firstOfFiles, firstOfMemberships } from "./subjects.ts";
import { fileTuple, memberTuple } from "./tuples.ts";
import type { Reasons, Tuple } from "./types.ts";
import { rolesFor } from "./verdict.ts";

type Miss = Reasons["misses"][number];

/** How many misses are told, how many of them that name others, and how many relations elsewhere are looked at. */
const missLimits = { told: 10, others: 3, elsewhere: 1_000 } as const;

// In what order misses at one distance are told.
const order = {
  blocked: 0,
  expired: 1,
  "weaker-role": 2,
  "other-path": 3,
  "other-subject": 4,
} satisfies Record<Miss["why"], number>;

interface Found {
  readonly why: Miss["why"];
  readonly distance: number;
  readonly tuple: () => Tuple | undefined;
}

const whyNot = (asking: Asking, roles: number, met: Met): Miss["why"] | undefined => {
  const { now } = asking;
  const { bits, counts, end, stands, subject } = met;
  const isLive = end > now;
  if ((bits & blocked) !== 0) {
    const holds = counts && isLive && (stands > now || isUndecided(asking, subject));
    return holds ? "blocked" : undefined;
  }
  const fits = (bits & roles) !== 0;
  if (stands <= now) return fits && isLive && counts ? "other-subject" : undefined;
  if (!isLive) return fits ? "expired" : undefined;
  if (!counts) return "other-path";
  return fits ? undefined : "weaker-role";
};

/** Memberships of the closure's subjects that have ended, by the group they were in. */
const endedMemberships = ({ held, ring, now }: Asking): ReadonlyMap<number, number> => {
  const { relations } = held.members;
  const ended = new Map<number, number>();
  let seen = 0;
  for (const number of ring.numbers) {
    let row = get(held.subjects.rows, number, firstOfMemberships);
    for (
      ;
      row !== none && seen < missLimits.elsewhere;
      row = get(relations.rows, row, nextOfSubject)
    ) {
      seen += 1;
      if (endOf(relations, row) <= now) ended.set(get(relations.rows, row, placeOf), row);
    }
  }
  return ended;
};

/** How many steps through the tree lead from one path to another. */
const stepsBetween = (from: VirtualPath, to: VirtualPath): number => {
  const a = segmentsOf(from);
  const b = segmentsOf(to);
  let common = 0;
  while (common < a.length && common < b.length && a[common] === b[common]) common += 1;
  return a.length + b.length - 2 * common;
};

const elsewhere = (
  { held, ring, now }: Asking,
  path: VirtualPath,
  roles: number,
  known: ReadonlySet<number>,
): readonly Found[] => {
  const { files, subjects } = held;
  const found: Found[] = [];
  let seen = 0;
  for (const number of ring.numbers) {
    if (standsUntil(ring, number) <= now) continue;
    let row = get(subjects.rows, number, firstOfFiles);
    for (; row !== none && seen < missLimits.elsewhere; row = get(files.rows, row, nextOfSubject)) {
      seen += 1;
      const bits = bitsOf(files, row);
      if (known.has(row) || (bits & roles) === 0 || endOf(files, row) <= now) continue;
      const tuple = fileTuple(held, row);
      if (tuple?.object.type !== "file") continue;
      const away = stepsBetween(path, tuple.object.path) + ((bits & below) === 0 ? 0 : 1);
      found.push({ why: "other-path", distance: away, tuple: () => tuple });
    }
  }
  return found;
};

/** The nearest relations that would have granted, blocks first. */
export const findMisses = (
  asking: Asking,
  path: VirtualPath,
  permission: number,
  met: readonly Met[],
): readonly Miss[] => {
  const { held } = asking;
  const roles = rolesFor(permission);
  const ended = endedMemberships(asking);
  const found: Found[] = met.flatMap((each) => {
    const why = whyNot(asking, roles, each);
    if (why === undefined) return [];
    const row = why === "other-subject" ? ended.get(each.subject) : undefined;
    return row === undefined
      ? [{ why, distance: each.distance, tuple: () => fileTuple(held, each.row) }]
      : [{ why: "expired" as const, distance: each.distance, tuple: () => memberTuple(held, row) }];
  });
  found.push(...elsewhere(asking, path, roles, new Set(met.map(({ row }) => row))));
  const distanceOf = ({ why, distance }: Found): number => (why === "blocked" ? -1 : distance);
  found.sort((a, b) => distanceOf(a) - distanceOf(b) || order[a.why] - order[b.why]);
  const misses: Miss[] = [];
  let others = 0;
  for (const { why, tuple } of found) {
    if (misses.length === missLimits.told) break;
    if (why === "other-subject" && (others += 1) > missLimits.others) continue;
    const told = tuple();
    if (told !== undefined) misses.push({ tuple: told, why });
  }
  return misses;
};
