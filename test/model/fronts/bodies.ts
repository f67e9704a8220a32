import {
  type FileStat,
  fileStat,
  globAnswer,
  recordPage,
  wireKey,
  wireMintedKey,
  wireTenant,
  type WireVersion,
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
      return { kind: principal.kind, tenant, home, bounds, scopes };
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
    case "versions":
      return { entries: recordPage(wireVersion).parse(json).items.map(versionOf) };
    case "read":
    case "list":
    case "remove":
    case "revoke":
    case "delete":
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

/** A subject in two parts. */
export const subjectOf = (text: string): { type: "user"; id: string } => ({
  type: "user",
  id: text.slice("user:".length),
});
