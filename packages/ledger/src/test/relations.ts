import { parseVirtualPath } from "@bulkhead/contract";
import type { StoredSubject, StoredTuple } from "../types-relations.ts";

/** A subject of a tenant, written `user:alice`, `group:staff` or `tenant`. */
export const subject = (tenant: string, text: string): StoredSubject => {
  const [type = "", id = tenant] = text.split(":");
  switch (type) {
    case "user":
    case "agent":
    case "service":
      return { tenant, type, id };
    case "group":
    case "tenant":
      return { tenant, type, id, relation: "member" };
    default:
      throw new Error(`No subject: ${text}.`);
  }
};

/** A relation on a path: below it alone where it ends in `/*`. */
export const onFile = (
  tenant: string,
  path: string,
  relation: StoredTuple["relation"],
  who: StoredSubject,
  expiresAt?: number,
): StoredTuple => ({
  subject: who,
  relation,
  object: { tenant, type: "file", path: parseVirtualPath(path.replace(/\/\*$/, "")) },
  expiresAt,
  ...(path.endsWith("/*") ? { belowOnly: true } : {}),
});

/** Membership in a group of the subject's tenant. */
export const inGroup = (group: string, who: StoredSubject, expiresAt?: number): StoredTuple => ({
  subject: who,
  relation: "member",
  object: { tenant: who.tenant, type: "group", id: group },
  expiresAt,
});
