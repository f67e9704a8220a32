import { type Context, FileError, type Mode, type Stat, type Upload } from "@bulkhead/contract";
import type { UploadOwner, UploadRow } from "@bulkhead/ledger";

export const missing = (): FileError => new FileError("not-found", "There is no such upload.");
export const busy = (): FileError =>
  new FileError("conflict", "Another request is adding to this upload; try again.", {
    fields: { retryAfter: 2 },
  });

/** Errors after which the same content cannot be committed any more. */
export const final: ReadonlySet<string> = new Set([
  "precondition-failed",
  "already-exists",
  "is-directory",
  "not-directory",
  "invalid-request",
  "too-large",
]);

export const ownerOf = ({ principal }: Context): UploadOwner => ({
  tenant: principal.tenant?.uid,
  keyId: principal.keyId,
  subject: `${principal.subject.type}:${principal.subject.id}`,
});

/** What its owner sees of an upload. */
export const shown = (row: UploadRow): Upload => ({
  id: row.id,
  size: row.size,
  offset: row.done ? row.size : row.stored,
  expiresAt: row.expiresAt,
  digest: row.facts.digest,
});

/** Throws unless what is there may be replaced. */
export const judge = (stat: Stat | undefined, mode: Mode): void => {
  if (stat?.kind === "directory")
    throw mode === "create"
      ? new FileError("already-exists", "Something is at this path already.")
      : new FileError("is-directory", "This path is a directory.");
  if (mode === "create" && stat !== undefined)
    throw new FileError("already-exists", "Something is at this path already.");
  if (typeof mode === "object" && stat?.etag !== mode.ifMatch)
    throw new FileError("precondition-failed", "The file is not the one that `ifMatch` names.", {
      fields: stat?.etag === undefined ? {} : { etag: stat.etag },
    });
};
