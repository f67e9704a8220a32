import {
  type FileStat,
  fileStat,
  checkAnswer,
  globAnswer,
  quotaEntries,
  recordPage,
  wireGrant,
  wireGroup,
  wireKey,
  wireMintedKey,
  wireTenant,
  type WireVersion,
  wireUser,
  wireVersion,
  wireWhoAmI,
} from "@bulkhead/wire";
import { z } from "zod";
import type { Operation } from "../call.ts";
import type { Minted } from "./front.ts";

/** Puts what `/v1` says into the model's words. */
export const statOf = ({
  path,
  kind,
  size,
  contentType,
  metadata,
}: FileStat): Record<string, unknown> => ({
  path,
  kind,
  size,
  ...(kind === "file" && { contentType, metadata }),
});

export const lineOf = ({ path, kind, size }: Pick<FileStat, "path" | "kind" | "size">): string =>
  kind === "directory" ? `${path}/` : `${path} ${size}`;

export const versionOf = ({ kind, size, current }: WireVersion): string =>
  kind === "remove" ? "removed" : `${size}${current ? " current" : ""}`;

const written = ({ path, kind, size }: FileStat): Record<string, unknown> => ({ path, kind, size });

/** Reads the JSON that answers an operation. */
export const bodyOf = (
  operation: Operation,
  json: unknown,
): Record<string, unknown> | undefined => {
  switch (operation.op) {
    case "stat":
      return statOf(fileStat.parse(json));
    case "write":
    case "append":
    case "copy":
    case "move":
    case "restore":
      return written(fileStat.parse(json));
    case "mkdir": {
      const { path, kind } = fileStat.parse(json);
      return { path, kind };
    }
    case "glob":
      return { paths: globAnswer.parse(json).paths };
    case "whoami": {
      const { principal, tenant, home, bounds, scopes } = wireWhoAmI.parse(json);
      return { kind: principal.kind, tenant, home, bounds: [...bounds].sort(), scopes };
    }
    case "mint":
    case "rotate":
    case "narrow": {
      const { tenant, workspacePrefix, scopes } = wireKey.parse(json);
      return { tenant, prefix: workspacePrefix, scopes };
    }
    case "create":
    case "suspend":
    case "reactivate": {
      const { id, status, roots } = wireTenant.parse(json);
      return { id, status, roots };
    }
    case "user": {
      const { tenant, type, id, role } = wireUser.parse(json);
      return { tenant, type, id, role };
    }
    case "group": {
      const { tenant, id } = wireGroup.parse(json);
      return { tenant, id };
    }
    case "grant": {
      const grant = wireGrant.parse(json);
      const { subject, subjectTenant, relation, object, tenant, expiresAt } = grant;
      return { subject, subjectTenant, relation, object, tenant, expires: expiresAt !== null };
    }
    case "check":
      return { allowed: checkAnswer.parse(json).allowed };
    case "limit": {
      const { bytes, files } = quotaEntries.parse(json);
      const amounts = (what: "limit" | "used") => ({ bytes: bytes?.[what], files: files?.[what] });
      return { limits: amounts("limit"), used: amounts("used") };
    }
    case "versions":
      return { entries: recordPage(wireVersion).parse(json).items.map(versionOf) };
    case "read":
    case "list":
    case "remove":
    case "revoke":
    case "delete":
    case "removeUser":
    case "removeGroup":
    case "ungrant":
      return undefined;
    default:
      return operation satisfies never;
  }
};

/** The secret in the answer of an operation that mints. */
export const mintedOf = (operation: Operation, json: unknown): Minted | undefined => {
  if (operation.op !== "mint" && operation.op !== "rotate") return undefined;
  const { id, key } = wireMintedKey.parse(json);
  return { id, key: z.string().parse(key) };
};

/** What the system calls a relation that was given. */
export const grantedOf = (operation: Operation, json: unknown): string | undefined =>
  operation.op === "grant" ? wireGrant.parse(json).id : undefined;

/** A subject in two parts. */
export const subjectOf = (text: string): { type: "user" | "agent"; id: string } => ({
  type: text.startsWith("agent:") ? "agent" : "user",
  id: text.slice(text.indexOf(":") + 1),
});

/** What a grant names, in the words of every front. */
export const objectOf = (operation: Extract<Operation, { readonly op: "grant" | "check" }>) => {
  const { path, group, admin, tenant } = operation;
  if (group !== undefined) return { object: `group:${group}`, tenant };
  if (admin !== undefined) return { object: `tenant:${admin}` };
  return { object: `file:${path ?? "/"}${operation.below === true ? "/*" : ""}` };
};
