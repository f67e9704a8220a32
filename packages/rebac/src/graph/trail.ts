import type { Held } from "./asking.ts";
import { closureLimits } from "./memberships.ts";
import { get, none } from "./records.ts";
import { endOf, nextOfSubject, placeOf, subjectOf } from "./relations.ts";
import { firstOfMemberships, keyOf } from "./subjects.ts";
import { memberTuple } from "./tuples.ts";
import type { SubjectRef, Tuple } from "./types.ts";

/** The fewest memberships that lead from a subject to a key, in order; none for what it stands on without any. */
export const trail = (
  on: Held,
  subject: SubjectRef,
  key: string,
  now: number,
): readonly Tuple[] => {
  const { members, subjects } = on;
  const { rows } = members.relations;
  const start = subjects.numbers.get(keyOf(subject) ?? "");
  const goal = subjects.numbers.get(key);
  if (start === undefined || goal === undefined || start === goal) return [];
  /** By what each subject was reached. */
  const by = new Map<number, number>([[start, none]]);
  const queue = [start];
  for (let i = 0; i < queue.length && i < closureLimits.subjects && !by.has(goal); i++) {
    let row = get(subjects.rows, queue[i]!, firstOfMemberships);
    for (; row !== none; row = get(rows, row, nextOfSubject)) {
      const next = get(rows, row, placeOf);
      if (by.has(next) || endOf(members.relations, row) <= now) continue;
      by.set(next, row);
      queue.push(next);
    }
  }
  const steps: Tuple[] = [];
  for (let row = by.get(goal) ?? none; row !== none;) {
    const tuple = memberTuple(on, row);
    if (tuple !== undefined) steps.push(tuple);
    row = by.get(get(rows, row, subjectOf)) ?? none;
  }
  return steps.reverse();
};
