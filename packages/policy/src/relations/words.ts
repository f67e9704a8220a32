import {
  FileError,
  type FilePermission,
  type FileRole,
  pathLimits,
  utf8Length,
} from "@bulkhead/contract";
import type { RelationTuple, SubjectRef } from "../ports-relations.ts";

/** A subject as it is written, before anybody knows of which tenant. */
export interface SubjectWords {
  readonly type: SubjectRef["type"];
  readonly id: string;
  readonly relation: "member" | undefined;
}

/** An object as it is written. */
export type ObjectWords =
  | { readonly type: "file"; readonly path: string; readonly belowOnly: boolean }
  | { readonly type: "group" | "tenant"; readonly id: string };

const bad = (detail: string): FileError => new FileError("invalid-request", detail);

/** Throws `invalid-request` for what cannot be the id of a subject. */
export const checkSubjectId = (id: string): void => {
  // The id stands in every audit entry and is read with every request: whoever chooses it may not make others pay for it.
  if (
    id === "" ||
    !id.isWellFormed() ||
    utf8Length(id) > pathLimits.nameBytes ||
    /[\p{Cc}\s:#/*]/u.test(id)
  )
    throw bad(
      `A subject's id has 1 to ${pathLimits.nameBytes} bytes and no space, control character, ':', '#', '*' or '/'.`,
    );
};

const subjectTypes: ReadonlySet<string> = new Set<SubjectRef["type"]>([
  "user",
  "agent",
  "service",
  "group",
  "tenant",
]);
const isSubjectType = (type: string): type is SubjectRef["type"] => subjectTypes.has(type);

/**
 * Parses `user:alice`, `group:staff`, `group:staff#member`, `tenant:beta` or `user:*`; a group or a tenant means its
 * members. Throws `invalid-request`.
 */
export const parseSubject = (text: string): SubjectWords => {
  const colon = text.indexOf(":");
  const type = text.slice(0, colon);
  if (colon < 0 || !isSubjectType(type))
    throw bad("A subject is user:, agent:, service:, group: or tenant: and an id.");
  const rest = text.slice(colon + 1);
  const hash = rest.indexOf("#");
  const id = hash < 0 ? rest : rest.slice(0, hash);
  const relation = hash < 0 ? undefined : rest.slice(hash + 1);
  const isSet = type === "group" || type === "tenant";
  if (relation !== undefined && (!isSet || relation !== "member"))
    throw bad("Only the members of a group or a tenant are a subject: group:staff#member.");
  if (id === "*") {
    if (type !== "user" && type !== "agent")
      throw bad("Everybody is user:* or agent:*; no other type has a wildcard.");
    return { type, id, relation: undefined };
  }
  checkSubjectId(id);
  return { type, id, relation: isSet ? "member" : undefined };
};

/**
 * Parses `file:/workspace/acme/x`, `group:staff` or `tenant:acme`. At the end of a path `/*` and `/**` mean what lies
 * below it. Throws `invalid-request`.
 */
export const parseObject = (text: string): ObjectWords => {
  const colon = text.indexOf(":");
  const type = text[0] === "/" ? "file" : text.slice(0, colon);
  const rest = text[0] === "/" ? text : text.slice(colon + 1);
  switch (type) {
    case "file": {
      const path = rest.replace(/\/\*\*?$/u, "");
      if (path.includes("*"))
        throw bad("A '*' stands only at the end of a path, as '/*': for everything below.");
      return { type, path: path === "" ? "/" : path, belowOnly: path !== rest };
    }
    case "group":
    case "tenant":
      checkSubjectId(rest);
      return { type, id: rest };
    default:
      throw bad("An object is file: and a path, group: or tenant: and an id.");
  }
};

const roles: Readonly<Record<string, FileRole>> = {
  owner: "owner",
  direct_owner: "owner",
  editor: "editor",
  direct_editor: "editor",
  writer: "editor",
  can_write: "editor",
  viewer: "viewer",
  direct_viewer: "viewer",
  reader: "viewer",
  can_read: "viewer",
  blocked: "blocked",
};

/** The relation that `name`, or the one it is an alias of, is on an object of that type. Throws `invalid-request`. */
export const relationOf = (type: ObjectWords["type"], name: string): RelationTuple["relation"] => {
  if (type === "group" && name === "member") return name;
  if (type === "tenant" && name === "admin") return name;
  const role = type === "file" && Object.hasOwn(roles, name) ? roles[name] : undefined;
  if (role !== undefined) return role;
  throw bad(
    {
      file: "The relations of a file are owner, editor, viewer and blocked.",
      group: "The relation of a group is member.",
      tenant: "The relation of a tenant is admin; every subject of a tenant is its member.",
    }[type],
  );
};

const asked: Readonly<Record<string, FilePermission>> = {
  can_share: "can_share",
  owner: "can_share",
  direct_owner: "can_share",
  editor: "can_write",
  direct_editor: "can_write",
  writer: "can_write",
  can_write: "can_write",
  viewer: "can_read",
  direct_viewer: "can_read",
  reader: "can_read",
  can_read: "can_read",
};

/** The permission on a file that a question about it, or about the relation that gives it, is about. Throws `invalid-request`. */
export const permissionOf = (name: string): FilePermission => {
  const permission = Object.hasOwn(asked, name) ? asked[name] : undefined;
  if (permission === undefined)
    throw bad(
      "Ask about can_read, can_write or can_share of a file, or the relation that gives it.",
    );
  return permission;
};

/** Writes a subject as it is read. `tenantName` is the id of the tenant whose members it names. */
export const subjectWords = (
  { type, id, relation }: Omit<SubjectRef, "tenant">,
  tenantName: string,
): string =>
  `${type}:${type === "tenant" ? tenantName : id}${relation === undefined ? "" : `#${relation}`}`;
