import { type LatestFirst, latestFirst } from "./latest-first.ts";
import { chunkOf, get, none, placeIn, set } from "./records.ts";
import {
  endIn,
  endOf,
  findRelation,
  nextOfSubject,
  placeOf,
  relate,
  type Relations,
  relations,
  unrelate,
} from "./relations.ts";
import { firstOfMembers, firstOfMemberships, isGroup, stampOf, type Subjects } from "./subjects.ts";

/** Who is in which group, and who is an admin; both are relations between two subjects. */
export interface Memberships {
  readonly subjects: Subjects;
  readonly relations: Relations;
  /** Groups that are in a group. */
  readonly nested: Set<number>;
  stamp: number;
  cycles: Cycles | undefined;
}

interface Cycles {
  readonly groups: ReadonlySet<number>;
  /** The moments between which no membership of a group in a group ends. */
  readonly from: number;
  readonly until: number;
}

/** How far one closure goes: subjects that it stands on, and memberships looked at. */
export const closureLimits = { subjects: 10_000, memberships: 200_000 } as const;

export const memberships = (subjects: Subjects): Memberships => ({
  subjects,
  relations: relations(
    subjects.rows,
    firstOfMembers,
    subjects.rows,
    firstOfMemberships,
    firstOfMemberships,
    false,
  ),
  nested: new Set(),
  stamp: 0,
  cycles: undefined,
});

export const join = (on: Memberships, subject: number, group: number, end: number): void => {
  relate(on.relations, subject, group, 0, end);
  if (get(on.subjects.rows, subject, isGroup) === 0) return;
  on.nested.add(subject);
  on.cycles = undefined;
};

/** Takes one membership of exactly this end away; false if there is none. */
export const leave = (on: Memberships, subject: number, group: number, end: number): boolean => {
  const row = findRelation(on.relations, subject, group, 0, end);
  if (row === none) return false;
  unrelate(on.relations, row);
  if (get(on.subjects.rows, subject, isGroup) === 0) return true;
  if (get(on.subjects.rows, subject, firstOfMemberships) === none) on.nested.delete(subject);
  on.cycles = undefined;
  return true;
};

export interface Reached {
  readonly numbers: number[];
  readonly ends: number[];
  /** A limit was hit. */
  readonly indeterminate: boolean;
}

/**
 * Everything that `start` is in at `now`, itself first, each with the latest moment until which some chain of
 * memberships leads there. What stands for ever is found first, then the latest end first, so that each subject is
 * entered once: cycles end, and depth costs no stack.
 */
export const reach = (on: Memberships, start: number, now: number): Reached => {
  const { rows } = on.subjects;
  const numbers = [start];
  const ends = [Infinity];
  const stamp = (on.stamp = (on.stamp + 1) | 0);
  let heap: LatestFirst | undefined;
  let seen = 0;
  set(rows, start, stampOf, stamp);
  for (let i = 0; ; i++) {
    if (i === numbers.length) {
      let next = heap?.pop();
      while (next !== undefined && get(rows, next.number, stampOf) === stamp) next = heap?.pop();
      if (next === undefined) return { numbers, ends, indeterminate: false };
      set(rows, next.number, stampOf, stamp);
      numbers.push(next.number);
      ends.push(next.end);
    }
    const mine = ends[i]!;
    let row = get(rows, numbers[i]!, firstOfMemberships);
    while (row !== none) {
      seen += 1;
      if (seen > closureLimits.memberships || numbers.length >= closureLimits.subjects)
        return { numbers, ends, indeterminate: true };
      const chunk = chunkOf(on.relations.rows, row);
      const at = placeIn(row);
      row = chunk[at | nextOfSubject]!;
      const group = chunk[at | placeOf]!;
      if (get(rows, group, stampOf) === stamp) continue;
      const end = Math.min(mine, endIn(chunk, at));
      if (end <= now) continue;
      if (end === Infinity) {
        set(rows, group, stampOf, stamp);
        numbers.push(group);
        ends.push(end);
      } else (heap ??= latestFirst()).push(end, group);
    }
  }
};

/**
 * Groups in which, from member to member, a cycle lies. Whether somebody is not in such a group is not decided: the
 * model denies on a cycle inside `but not`.
 */
const findCycles = (on: Memberships, now: number): Cycles => {
  const { rows } = on.relations;
  let from = -Infinity;
  let until = Infinity;
  const inner = new Map<number, number>();
  const above = (group: number): number[] => {
    const found: number[] = [];
    let row = get(on.subjects.rows, group, firstOfMemberships);
    for (; row !== none; row = get(rows, row, nextOfSubject)) {
      const end = endOf(on.relations, row);
      if (end <= now) from = Math.max(from, end);
      else {
        until = Math.min(until, end);
        found.push(get(rows, row, placeOf));
      }
    }
    return found;
  };
  const upwards = new Map<number, readonly number[]>();
  for (const group of on.nested) {
    const groups = above(group);
    upwards.set(group, groups);
    if (!inner.has(group)) inner.set(group, 0);
    for (const outer of groups) inner.set(outer, (inner.get(outer) ?? 0) + 1);
  }
  // Peels off whatever has no groups inside (Kahn 1962); a cycle and all above it remain.
  const bare = [...inner].flatMap(([group, count]) => (count === 0 ? [group] : []));
  for (let group = bare.pop(); group !== undefined; group = bare.pop()) {
    inner.delete(group);
    for (const outer of upwards.get(group) ?? []) {
      const left = (inner.get(outer) ?? 0) - 1;
      inner.set(outer, left);
      if (left === 0) bare.push(outer);
    }
  }
  return { groups: new Set(inner.keys()), from, until };
};

/** The groups in which a cycle lies at `now`. */
export const cyclicGroups = (on: Memberships, now: number): ReadonlySet<number> => {
  const held = on.cycles;
  if (held !== undefined && now >= held.from && now < held.until) return held.groups;
  on.cycles = findCycles(on, now);
  return on.cycles.groups;
};
