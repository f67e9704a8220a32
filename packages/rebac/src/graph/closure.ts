import type { Leads } from "./leads.ts";
import { type Memberships, reach, type Reached } from "./memberships.ts";
import { type Ring, ring } from "./ring.ts";
import { keyOf, qualified, type Subjects, wellKnown } from "./subjects.ts";
import type { Closure, SubjectRef, Tuple } from "./types.ts";

/** What only the graph that made a closure can tell of it. */
export interface Home {
  readonly members: Memberships;
  /** The memberships that lead from the subject to a key of its tenant, in order; none for what holds without any. */
  readonly trail: (subject: SubjectRef, key: string, now: number) => readonly Tuple[];
}

/** The search for what leads, good for one moment of one state of one graph. */
export interface Search {
  readonly subjects: Subjects;
  readonly version: number;
  readonly now: number;
  readonly leads: Leads;
}

interface KnownRing {
  readonly known: number;
  readonly ring: Ring;
}

/** A closure as the walk uses it. A class: one is made for every request, and a literal with a getter costs as much as the walk. */
export class WalkClosure implements Closure {
  readonly subject: SubjectRef;
  readonly admin: boolean;
  readonly until: number;
  readonly indeterminate: boolean;
  /** Until when it is an admin of its tenant; 0 if it is none. */
  readonly adminUntil: number;
  readonly home: Home;
  /** The subject's own key where no relation named it when the closure was made. */
  readonly unnamed: string | undefined;
  readonly own: Ring;
  /** How many subjects had a number then. */
  readonly known: number;
  elsewhere: Map<Subjects, KnownRing> | undefined;
  search: Search | undefined;

  constructor(
    home: Home,
    subject: SubjectRef,
    unnamed: string | undefined,
    { numbers, ends, indeterminate }: Reached,
    now: number,
  ) {
    let until = Infinity;
    let adminUntil = 0;
    for (let i = 0; i < numbers.length; i++) {
      const end = ends[i]!;
      if (end < until) until = end;
      if (numbers[i] === wellKnown.admins) adminUntil = end;
    }
    this.subject = subject;
    this.admin = adminUntil > now;
    this.until = until;
    this.indeterminate = indeterminate;
    this.adminUntil = adminUntil;
    this.home = home;
    this.unnamed = unnamed;
    this.own = ring(numbers, ends);
    this.known = home.members.subjects.keys.length;
    this.elsewhere = undefined;
    this.search = undefined;
  }

  get keys(): ReadonlySet<string> {
    const { tenant } = this.home.members.subjects;
    return new Set([...standing(this).keys()].map((key) => qualified(tenant, key)));
  }
}

/** The keys inside the closure's tenant, each until when. One that no graph made is known by its keys alone. */
const standing = (closure: Closure): ReadonlyMap<string, number> => {
  if (!(closure instanceof WalkClosure)) {
    const prefix = qualified(closure.subject.tenant, "");
    return new Map(
      [...closure.keys].flatMap((key) =>
        key.slice(0, prefix.length) === prefix
          ? [[key.slice(prefix.length), closure.until] as const]
          : [],
      ),
    );
  }
  const { own, home, unnamed } = closure;
  const { keys } = home.members.subjects;
  const found = new Map<string, number>();
  for (const [i, number] of own.numbers.entries()) found.set(keys[number]!, own.ends[i]!);
  if (unnamed !== undefined) found.set(unnamed, Infinity);
  return found;
};

const ringElsewhere = (closure: Closure, subjects: Subjects): Ring => {
  const { tenant } = closure.subject;
  const numbers: number[] = [];
  const ends: number[] = [];
  for (const [key, end] of standing(closure)) {
    const number = subjects.numbers.get(tenant === subjects.tenant ? key : qualified(tenant, key));
    if (number === undefined) continue;
    numbers.push(number);
    ends.push(end);
  }
  return ring(numbers, ends);
};

/** What a closure stands on, by a graph's numbers. */
export const ringIn = (closure: Closure, subjects: Subjects): Ring => {
  if (!(closure instanceof WalkClosure)) return ringElsewhere(closure, subjects);
  // Numbers are only ever added: one that is new may be of a key that had none before.
  const known = subjects.keys.length;
  const isHome = subjects === closure.home.members.subjects;
  if (isHome && (closure.known === known || closure.unnamed === undefined)) return closure.own;
  closure.elsewhere ??= new Map();
  const held = closure.elsewhere.get(subjects);
  if (held?.known === known) return held.ring;
  const made = ringElsewhere(closure, subjects);
  closure.elsewhere.set(subjects, { known, ring: made });
  return made;
};

/** Until when a closure is an admin of its tenant; 0 if it is none. */
export const adminUntil = (closure: Closure): number => {
  if (closure instanceof WalkClosure) return closure.adminUntil;
  return closure.admin ? closure.until : 0;
};

const nobody: Reached = { numbers: [], ends: [], indeterminate: false };

/** Makes the closure of a subject of the tenant whose memberships these are; another's stands on nothing. */
export const closureOf = (home: Home, subject: SubjectRef, now: number): WalkClosure => {
  const { subjects } = home.members;
  const key = subject.tenant === subjects.tenant ? keyOf(subject) : undefined;
  if (key === undefined) return new WalkClosure(home, subject, undefined, nobody, now);
  const start = subjects.numbers.get(key);
  const reached: Reached =
    start === undefined
      ? { numbers: [], ends: [], indeterminate: false }
      : reach(home.members, start, now);
  // What it stands on without any relation.
  const stand = (number: number): void => {
    if (number === start) return;
    reached.numbers.push(number);
    reached.ends.push(Infinity);
  };
  stand(wellKnown.everybody);
  if (subject.type === "user") stand(wellKnown.everyUser);
  else if (subject.type === "agent") stand(wellKnown.everyAgent);
  return new WalkClosure(home, subject, start === undefined ? key : undefined, reached, now);
};
