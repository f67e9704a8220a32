import type { FileRole } from "@bulkhead/contract";
import type { Held } from "./asking.ts";
import { get } from "./records.ts";
import {
  below,
  bitsOf,
  blocked,
  editor,
  endOf,
  owner,
  placeOf,
  type Relations,
  subjectOf,
} from "./relations.ts";
import { admins, refOf } from "./subjects.ts";
import { pathOf } from "./trie.ts";
import type { Tuple } from "./types.ts";

const roleOf = (bits: number): FileRole => {
  if ((bits & owner) !== 0) return "owner";
  if ((bits & editor) !== 0) return "editor";
  return (bits & blocked) !== 0 ? "blocked" : "viewer";
};

const expiry = (on: Relations, row: number): number | undefined => {
  const end = endOf(on, row);
  return end === Infinity ? undefined : end;
};

/** A relation on a file as it was given; undefined if its path has grown too long to be one. */
export const fileTuple = ({ files, subjects, trie }: Held, row: number): Tuple | undefined => {
  const subject = refOf(subjects.tenant, subjects.keys[get(files.rows, row, subjectOf)]!);
  const path = pathOf(trie, get(files.rows, row, placeOf));
  if (subject === undefined || path === undefined) return undefined;
  const bits = bitsOf(files, row);
  return {
    subject,
    relation: roleOf(bits),
    object: { tenant: subjects.tenant, type: "file", path },
    expiresAt: expiry(files, row),
    ...((bits & below) === 0 ? {} : { belowOnly: true }),
  };
};

/** A membership as it was given. */
export const memberTuple = ({ members, subjects }: Held, row: number): Tuple | undefined => {
  const { relations } = members;
  const keyOf = (field: number): string => subjects.keys[get(relations.rows, row, field)]!;
  const subject = refOf(subjects.tenant, keyOf(subjectOf));
  const of = keyOf(placeOf);
  if (subject === undefined) return undefined;
  const expiresAt = expiry(relations, row);
  return of === admins
    ? { subject, relation: "admin", object: { tenant: subjects.tenant, type: "tenant" }, expiresAt }
    : {
        subject,
        relation: "member",
        object: { tenant: subjects.tenant, type: "group", id: of.slice(1) },
        expiresAt,
      };
};
