import { randomUUID } from "node:crypto";
import type { Revision } from "@bulkhead/contract";
import { toJson, toText } from "./database.ts";
import type { TreeRef, TreeWrite } from "./types-trees.ts";
import { platformName } from "./types.ts";

/** How a mode is told to the ledger's functions: its word, or `match` with the ETag beside it. */
export const modeOf = (mode: TreeWrite["mode"]): string =>
  typeof mode === "string" ? mode : "match";
export const matchOf = (mode: TreeWrite["mode"]): string | null =>
  typeof mode === "string" ? null : mode.ifMatch;

/**
 * The parameters of `commit_write_v3`, if one write is what that function serves: decided on one revision of the platform
 * and one of the tenant, audited, without an Idempotency-Key or a reservation, its content in the row; undefined otherwise.
 */
export const loneWrite = (
  tenant: string,
  tree: TreeRef,
  { settlement, path, mode, size, digest, contentType, metadata, content }: TreeWrite,
): readonly unknown[] | undefined => {
  const { audit, idempotency, reserved, revisions } = settlement;
  if (audit === undefined || idempotency !== undefined || reserved.id !== undefined)
    return undefined;
  // Of the root, which is no file, the other functions tell.
  if (path === "" || !(content instanceof Uint8Array)) return undefined;
  const of = (named: string): Revision | undefined =>
    revisions.find((revision) => revision.tenant === named);
  if (revisions.length !== 2) return undefined;
  const platform = of(platformName);
  const own = of(tenant);
  if (platform === undefined || own === undefined) return undefined;
  const names = path.split("/");
  const name = names.pop();
  return [
    tenant,
    tree.id,
    platform.n,
    platform.epoch,
    own.n,
    own.epoch,
    path,
    names.map((directory) => `${directory}/`),
    name,
    modeOf(mode),
    matchOf(mode),
    size,
    digest,
    contentType ?? null,
    metadata === undefined ? null : toJson(metadata),
    toText(audit.actor),
    toText(audit.key),
    toText(audit.action),
    toText(audit.resource),
    toText(audit.requestId),
    toText(audit.front),
    toJson(audit.detail),
    randomUUID(),
    randomUUID(),
    content,
  ];
};
