import { type FileRole, parseVirtualPath } from "@bulkhead/contract";
import type { SubjectRef, Tuple } from "../graph/types.ts";
import { own } from "./naive.ts";

const isType = (text: string): text is SubjectRef["type"] =>
  ["user", "agent", "service", "group", "tenant"].includes(text);

/** Reads `user:alice`, `group:staff` (its members), `tenant:` (everybody), each `@tenant` if not of the own one. */
export const who = (text: string): SubjectRef => {
  const [name = "", tenant = own] = text.split("@");
  const [type = "", id = ""] = name.split(":");
  if (!isType(type)) throw new Error(`no subject: ${text}`);
  const isSet = type === "group" || type === "tenant";
  return { tenant, type, id, ...(isSet ? { relation: "member" } : {}) };
};

/** `subject` has a role on `path`, or with `/*` on what lies below it. */
export const on = (
  subject: string,
  role: FileRole,
  path: string,
  expiresAt?: number,
  tenant: string = own,
): Tuple => ({
  subject: who(subject),
  relation: role,
  object: {
    tenant,
    type: "file",
    path: parseVirtualPath(path.endsWith("/*") ? path.slice(0, -2) : path),
  },
  expiresAt,
  ...(path.endsWith("/*") ? { belowOnly: true } : {}),
});

/** `subject` is in `group`, or an admin of the tenant. */
export const into = (subject: string, group: string, expiresAt?: number): Tuple => ({
  subject: who(subject),
  relation: group === "admin" ? "admin" : "member",
  object:
    group === "admin" ? { tenant: own, type: "tenant" } : { tenant: own, type: "group", id: group },
  expiresAt,
});
