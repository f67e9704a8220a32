import { type Memberships, reach } from "./memberships.ts";
import { type Ring, ring } from "./ring.ts";
import { admins, everybody, keyOf, qualified, type Subjects } from "./subjects.ts";
import type { Closure, SubjectRef, Tuple } from "./types.ts";

/** What only the graph that made a closure can tell of it. */
export interface Home {
  /** The memberships that lead from the subject to a key of its tenant, in order; none for what holds without any. */
  readonly trail: (subject: SubjectRef, key: string, now: number) => readonly Tuple[];
}

/** A closure as the walk uses it. */
export interface WalkClosure extends Closure {
  /** The keys inside its tenant, each until when. */
  readonly standing: () => ReadonlyMap<string, number>;
  /** Until when it is an admin of its tenant; 0 if it is none. */
  readonly adminUntil: number;
  readonly home: Home | undefined;
  /** What it stands on, by a graph's numbers. */
  readonly ringIn: (subjects: Subjects) => Ring;
}

/** Keys that a subject stands on without any relation. */
const given = ({ type, id }: SubjectRef): readonly string[] => {
  if (type === "tenant") return [];
  return (type === "user" || type === "agent") && id !== "*"
    ? [everybody, `${type === "user" ? "u" : "a"}*`]
    : [everybody];
};

const cache = (
  tenant: string,
  standing: () => ReadonlyMap<string, number>,
): ((subjects: Subjects) => Ring) => {
  const rings = new Map<Subjects, { readonly known: number; readonly ring: Ring }>();
  return (subjects) => {
    const held = rings.get(subjects);
    // Numbers are only ever added: one that is new may be of a key that had none before.
    if (held?.known === subjects.keys.length) return held.ring;
    const numbers: number[] = [];
    const ends: number[] = [];
    for (const [key, end] of standing()) {
      const number = subjects.numbers.get(
        tenant === subjects.tenant ? key : qualified(tenant, key),
      );
      if (number === undefined) continue;
      numbers.push(number);
      ends.push(end);
    }
    const made = ring(numbers, ends);
    rings.set(subjects, { known: subjects.keys.length, ring: made });
    return made;
  };
};

const qualify = (tenant: string, standing: ReadonlyMap<string, number>): ReadonlySet<string> =>
  new Set([...standing.keys()].map((key) => qualified(tenant, key)));

/** Makes the closure of a subject of the tenant whose memberships these are. */
export const closureOf = (
  on: Memberships,
  home: Home,
  subject: SubjectRef,
  now: number,
): WalkClosure => {
  const { subjects } = on;
  const key = subject.tenant === subjects.tenant ? keyOf(subject) : undefined;
  const extra = key === undefined ? [] : given(subject);
  const start = key === undefined ? undefined : subjects.numbers.get(key);
  const reached =
    start === undefined ? { numbers: [], ends: [], indeterminate: false } : reach(on, start, now);
  const { numbers, ends, indeterminate } = reached;
  let until = Infinity;
  let adminUntil = 0;
  const adminNumber = subjects.numbers.get(admins);
  for (let i = 0; i < numbers.length; i++) {
    until = Math.min(until, ends[i]!);
    if (numbers[i] === adminNumber) adminUntil = ends[i]!;
  }
  const count = numbers.length;
  const standing = (): ReadonlyMap<string, number> => {
    const keys = new Map<string, number>();
    for (let i = 0; i < count; i++) keys.set(subjects.keys[numbers[i]!]!, ends[i]!);
    if (key !== undefined) for (const each of [key, ...extra]) keys.set(each, Infinity);
    return keys;
  };
  for (const each of extra) {
    const number = subjects.numbers.get(each);
    if (number === undefined || number === start) continue;
    numbers.push(number);
    ends.push(Infinity);
  }
  const known = subjects.keys.length;
  const own = ring(numbers, ends);
  let elsewhere: ((subjects: Subjects) => Ring) | undefined;
  return {
    subject,
    get keys() {
      return qualify(subjects.tenant, standing());
    },
    admin: adminUntil > now,
    until,
    indeterminate,
    standing,
    adminUntil,
    home,
    ringIn: (other) =>
      other === subjects && known === other.keys.length
        ? own
        : (elsewhere ??= cache(subjects.tenant, standing))(other),
  };
};

const isWalkClosure = (closure: Closure): closure is WalkClosure => "ringIn" in closure;

/** The closure as its graph made it; a copy is known by what `Closure` says alone. */
export const reveal = (closure: Closure): WalkClosure => {
  if (isWalkClosure(closure)) return closure;
  const { tenant } = closure.subject;
  const prefix = qualified(tenant, "");
  const standing = (): ReadonlyMap<string, number> =>
    new Map(
      [...closure.keys].flatMap((key) =>
        key.slice(0, prefix.length) === prefix ? [[key.slice(prefix.length), closure.until]] : [],
      ),
    );
  return {
    ...closure,
    standing,
    adminUntil: closure.admin ? closure.until : 0,
    home: undefined,
    ringIn: cache(tenant, standing),
  };
};
