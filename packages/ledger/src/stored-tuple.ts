import { parseVirtualPath } from "@bulkhead/contract";
import type {
  RelationChange,
  StoredRelation,
  StoredSubject,
  StoredTuple,
} from "./types-relations.ts";

/** A tuple as `tuple_json_v1` writes it: nothing where nothing is said, paths as plain text. */
export interface TupleJson {
  readonly subject: StoredSubject;
  readonly relation: StoredTuple["relation"];
  readonly object: {
    readonly tenant: string;
    readonly type: "file" | "group" | "tenant";
    readonly path?: string;
    readonly id?: string;
  };
  readonly expiresAt?: number;
  readonly belowOnly?: boolean;
}

export interface RelationJson extends TupleJson {
  readonly id: string;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly share?: string;
}

/** A change as the changelog holds it. */
export type ChangeJson =
  | { readonly kind: "add" | "drop"; readonly tuple: TupleJson }
  | { readonly kind: "move"; readonly from: string; readonly to: string }
  | { readonly kind: "purge"; readonly path: string };

/** Reads a tuple. */
const tupleOf = (json: TupleJson): StoredTuple => {
  const { tenant, type, path = "", id = "" } = json.object;
  const { subject } = json;
  return {
    // One shape, whichever way it came.
    subject: {
      tenant: subject.tenant,
      type: subject.type,
      id: subject.id,
      ...(subject.relation === undefined ? {} : { relation: subject.relation }),
    },
    relation: json.relation,
    object:
      type === "file"
        ? { tenant, type, path: parseVirtualPath(path) }
        : type === "group"
          ? { tenant, type, id }
          : { tenant, type },
    expiresAt: json.expiresAt,
    ...(json.belowOnly === true ? { belowOnly: true } : {}),
  };
};

/** Reads a relation. */
export const relationOf = (json: RelationJson): StoredRelation => ({
  ...tupleOf(json),
  id: json.id,
  createdAt: json.createdAt,
  createdBy: json.createdBy,
  share: json.share,
});

/** Reads a change. */
export const changeOf = (json: ChangeJson): RelationChange => {
  switch (json.kind) {
    case "add":
    case "drop":
      return { kind: json.kind, tuple: tupleOf(json.tuple) };
    case "move":
      return {
        kind: json.kind,
        from: parseVirtualPath(json.from),
        to: parseVirtualPath(json.to),
      };
    case "purge":
      return { kind: json.kind, path: parseVirtualPath(json.path) };
    default:
      return json satisfies never;
  }
};

/** The one spelling of a subject: a bare group or tenant means its members, and a tenant is named by its uid alone. */
export const plainSubject = (subject: StoredSubject): StoredSubject => {
  const { tenant, type, id, relation } = subject;
  switch (type) {
    case "group":
      return { tenant, type, id, relation: relation ?? "member" };
    case "tenant":
      return { tenant, type, id: tenant, relation: relation ?? "member" };
    case "user":
    case "agent":
    case "service":
      return { tenant, type, id, ...(relation === undefined ? {} : { relation }) };
    default:
      return type satisfies never;
  }
};

/** Writes a tuple in its one spelling. */
export const plainTuple = (tuple: StoredTuple): TupleJson => ({
  subject: plainSubject(tuple.subject),
  relation: tuple.relation,
  object: tuple.object,
  ...(tuple.expiresAt === undefined ? {} : { expiresAt: tuple.expiresAt }),
  ...(tuple.belowOnly === true ? { belowOnly: true } : {}),
});

/** The same for tuples that differ in nothing but their end. */
export const tupleKey = ({ subject, relation, object, belowOnly }: TupleJson): string =>
  JSON.stringify([
    object.tenant,
    object.type,
    object.path ?? object.id ?? "",
    subject.tenant,
    subject.type,
    subject.id,
    subject.relation ?? "",
    relation,
    belowOnly ?? false,
  ]);

/** Everybody whose graph holds the tuple. */
export const tenantsOfTuple = ({ subject, object }: TupleJson): readonly string[] => [
  object.tenant,
  subject.tenant,
];
