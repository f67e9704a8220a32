import { allocate, bytesOf, none, type Records, records, set } from "./records.ts";
import type { SubjectRef } from "./types.ts";

// The fields of a subject.
/** The first of its relations on files that give it a role, and of those that block it. */
export const firstOfFiles = 0;
export const firstOfBlocks = 1;
/** The first of the memberships that it has, and the first of those that others have in it. */
export const firstOfMemberships = 2;
export const firstOfMembers = 3;
/** 1 for a group, else 0. */
export const isGroup = 4;
/** The last walk that came by. */
export const stampOf = 5;

/** Who relations name, by small numbers. Numbers are never used again, so that one kept for a request stays true. */
export interface Subjects {
  readonly tenant: string;
  readonly rows: Records;
  readonly keys: string[];
  readonly numbers: Map<string, number>;
  units: number;
}

/** The numbers of what every closure asks for. */
export const wellKnown = { everybody: 0, admins: 1, everyUser: 2, everyAgent: 3 } as const;

export const subjects = (tenant: string): Subjects => {
  const made: Subjects = { tenant, rows: records(), keys: [], numbers: new Map(), units: 0 };
  for (const key of [everybody, admins, "u*", "a*"]) numberOf(made, key);
  return made;
};

const letters = { user: "u", agent: "a", service: "s", group: "g" } as const;
const types = { u: "user", a: "agent", s: "service", g: "group" } as const;
const isLetter = (text: string): text is keyof typeof types => Object.hasOwn(types, text);

/** Every subject of the tenant. */
export const everybody = "T";
/** What the tenant's admins are members of. */
export const admins = "A";

/**
 * A subject's key inside its own tenant: a letter and its id; for a group its members, `T` for a tenant's members.
 * Undefined for what the built-in model has no place for: a tenant's admins as a subject, `user:alice#member`.
 */
export const keyOf = ({ type, id, relation }: SubjectRef): string | undefined => {
  if (type === "tenant") return relation === "admin" ? undefined : everybody;
  if (type === "group") return relation === "admin" ? undefined : `g${id}`;
  return relation === undefined ? letters[type] + id : undefined;
};

/** The same key where it may meet those of other tenants. No own key begins with `@`. */
export const qualified = (tenant: string, key: string): string => `@${tenant}\0${key}`;

/** Reads a key back. Undefined for what is no subject. */
export const refOf = (home: string, key: string): SubjectRef | undefined => {
  let tenant = home;
  let own = key;
  if (key[0] === "@") {
    const cut = key.indexOf("\0");
    tenant = key.slice(1, cut);
    own = key.slice(cut + 1);
  }
  if (own === everybody) return { tenant, type: "tenant", id: tenant, relation: "member" };
  const letter = own[0] ?? "";
  if (!isLetter(letter)) return undefined;
  const type = types[letter];
  const id = own.slice(1);
  return type === "group" ? { tenant, type, id, relation: "member" } : { tenant, type, id };
};

/** The number of a key, made if it has none. */
export const numberOf = (on: Subjects, key: string): number => {
  const known = on.numbers.get(key);
  if (known !== undefined) return known;
  const made = allocate(on.rows);
  set(on.rows, made, firstOfFiles, none);
  set(on.rows, made, firstOfBlocks, none);
  set(on.rows, made, firstOfMemberships, none);
  set(on.rows, made, firstOfMembers, none);
  set(on.rows, made, isGroup, key[0] === "g" ? 1 : 0);
  set(on.rows, made, stampOf, 0);
  on.keys.push(key);
  on.numbers.set(key, made);
  on.units += key.length;
  return made;
};

/** About: a string, its place in the list and in the map. */
export const bytesOfSubjects = (on: Subjects): number =>
  bytesOf(on.rows) + on.units + on.keys.length * (24 + 10 + 52);
