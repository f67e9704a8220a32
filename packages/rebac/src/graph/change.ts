import type { FileRole } from "@bulkhead/contract";
import type { Held } from "./asking.ts";
import { addForeign, dropForeign, moveForeign, purgeForeign } from "./foreign.ts";
import { join, leave } from "./memberships.ts";
import { none } from "./records.ts";
import {
  below,
  blocked,
  editor,
  findRelation,
  keptEnd,
  owner,
  relate,
  unrelate,
  viewer,
} from "./relations.ts";
import { moveRelations, purgeRelations } from "./relocate.ts";
import { admins, everybody, keyOf, numberOf, qualified } from "./subjects.ts";
import { findNode, makeNode, prune } from "./trie.ts";
import type { GraphChange, SubjectRef, Tuple } from "./types.ts";

const bitsOfRole: Readonly<Record<FileRole, number>> = { owner, editor, viewer, blocked };

/** What the built-in model lets a subject be on a file. */
const fits = (key: string, role: FileRole, isForeign: boolean): boolean => {
  const isWildcard = key.slice(1) === "*";
  if (isWildcard && (isForeign || role !== "viewer" || (key !== "u*" && key !== "a*")))
    return false;
  if (key === everybody && role === "blocked") return false;
  return !isForeign || role === "viewer" || role === "editor";
};

const isRole = (relation: Tuple["relation"]): relation is FileRole =>
  Object.hasOwn(bitsOfRole, relation);

/** The key of a subject in this graph; undefined where the model has no place for it. */
const keyHere = (home: string, subject: SubjectRef, role: FileRole): string | undefined => {
  const key = keyOf(subject);
  const isForeign = subject.tenant !== home;
  if (key === undefined || !fits(key, role, isForeign)) return undefined;
  return isForeign ? qualified(subject.tenant, key) : key;
};

/** Where a membership leads, and whose it is; undefined for what is no membership of the model. */
const membershipOf = (
  home: string,
  { subject, relation, object }: Tuple,
): { readonly member: string; readonly of: string } | undefined => {
  const member = keyOf(subject);
  if (subject.tenant !== home || member === undefined) return undefined;
  if (member === everybody || member.slice(1) === "*") return undefined;
  if (object.type === "group" && relation === "member") return { member, of: `g${object.id}` };
  // Everybody of a tenant is a member of it without any tuple.
  return object.type === "tenant" && relation === "admin" ? { member, of: admins } : undefined;
};

const add = (on: Held, tuple: Tuple): void => {
  const { object, relation } = tuple;
  const home = on.subjects.tenant;
  if (object.tenant !== home) return addForeign(on, tuple);
  const end = keptEnd(tuple.expiresAt);
  if (object.type !== "file") {
    const membership = membershipOf(home, tuple);
    if (membership === undefined) return;
    const member = numberOf(on.subjects, membership.member);
    return join(on.members, member, numberOf(on.subjects, membership.of), end);
  }
  if (!isRole(relation)) return;
  const key = keyHere(home, tuple.subject, relation);
  if (key === undefined) return;
  const number = numberOf(on.subjects, key);
  const bits = bitsOfRole[relation] | (tuple.belowOnly === true ? below : 0);
  relate(on.files, number, makeNode(on.trie, object.path), bits, end);
};

const drop = (on: Held, tuple: Tuple): void => {
  const { object, relation } = tuple;
  const home = on.subjects.tenant;
  if (object.tenant !== home) return dropForeign(on, tuple);
  const end = keptEnd(tuple.expiresAt);
  const { numbers } = on.subjects;
  if (object.type !== "file") {
    const membership = membershipOf(home, tuple);
    if (membership === undefined) return;
    const member = numbers.get(membership.member);
    const of = numbers.get(membership.of);
    if (member !== undefined && of !== undefined) leave(on.members, member, of, end);
    return;
  }
  if (!isRole(relation)) return;
  const number = numbers.get(keyHere(home, tuple.subject, relation) ?? "");
  const node = findNode(on.trie, object.path);
  if (number === undefined || node === none) return;
  const bits = bitsOfRole[relation] | (tuple.belowOnly === true ? below : 0);
  const row = findRelation(on.files, number, node, bits, end);
  if (row === none) return;
  unrelate(on.files, row);
  prune(on.trie, node);
};

/** Brings what is held up to a change. What is not there cannot be dropped, moved or purged, and nothing happens. */
export const change = (on: Held, what: GraphChange): void => {
  on.version += 1;
  switch (what.kind) {
    case "add":
      return add(on, what.tuple);
    case "drop":
      return drop(on, what.tuple);
    case "move":
      moveForeign(on, what.from, what.to);
      return moveRelations(on, what.from, what.to);
    case "purge":
      purgeForeign(on, what.path);
      return purgeRelations(on, what.path);
    default:
      return what satisfies never;
  }
};
