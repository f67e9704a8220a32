import { type BackendPath, FileError, isRoot, isUnder, type Mode } from "@bulkhead/contract";
import type { Found } from "./look.ts";
import type { StoredObject } from "./store.ts";

export const missing = (): FileError =>
  new FileError("not-found", "There is nothing at this path.");
const exists = (): FileError =>
  new FileError("already-exists", "There is something at this path already.");
export const isDirectoryThere = (): FileError =>
  new FileError("is-directory", "There is a directory at this path.");

/** The refusal of a condition; tells the ETag that is there now. */
export const changed = (now: string | undefined): FileError =>
  new FileError(
    "precondition-failed",
    "The file is not the one that was named; look at it again.",
    {
      fields: now === undefined ? {} : { etag: now },
    },
  );

/** What a condition that the store refused is told as; `now` is what is there. */
export const refusalOf = (mode: Mode, now: StoredObject | undefined): FileError =>
  mode === "create"
    ? exists()
    : mode === "overwrite"
      ? new FileError("conflict", "The file was changed meanwhile; try again.")
      : changed(now?.etag);

/**
 * What a file put there would replace. Throws `not-directory` below a file, and what `mode` asks for: `already-exists`,
 * `is-directory` or `precondition-failed`.
 */
export const judgeTarget = (found: Found, mode: Mode): StoredObject | undefined => {
  if (found.is === "below-file")
    throw new FileError("not-directory", "A file stands where a directory would have to be.");
  if (found.is === "missing") {
    if (typeof mode === "object") throw changed(undefined);
    return undefined;
  }
  if (mode === "create") throw exists();
  if (found.is === "directory") throw isDirectoryThere();
  if (mode !== "overwrite" && mode.ifMatch !== found.etag) throw changed(found.etag);
  return found;
};

/** Judges a source. Throws `not-found`, and `precondition-failed` where it is not the file that `ifMatch` names. */
export const judgeSource = (
  found: Found,
  ifMatch: string | undefined,
): Extract<Found, { readonly is: "file" | "directory" }> => {
  if (found.is === "missing" || found.is === "below-file") throw missing();
  const etag = found.is === "file" ? found.etag : undefined;
  if (ifMatch !== undefined && etag !== ifMatch) throw changed(etag);
  return found;
};

/** Refuses what is senseless whatever is stored. */
export const judgeEnds = (from: BackendPath, to: BackendPath, mode: Mode): void => {
  if (isRoot(from))
    throw new FileError("invalid-request", "The root of a storage cannot be copied or moved.");
  if (from === to && mode !== "create")
    throw new FileError("invalid-request", "Source and target are the same path.");
};

/** Judges both ends, the source first. Answers the file that the target replaces. */
export const judgeTransfer = (
  from: BackendPath,
  to: BackendPath,
  source: Found,
  target: Found,
  mode: Mode,
  ifMatch: string | undefined,
): StoredObject | undefined => {
  if (source.is === "directory" && from !== to && isUnder(from, to))
    throw new FileError("invalid-request", "A directory cannot go into itself.");
  const { is } = judgeSource(source, ifMatch);
  if (is === "directory" && (target.is === "file" || target.is === "directory")) throw exists();
  // A directory replaces nothing: whatever is there, it is refused as if it were to be created.
  const strict = isRoot(to) || (is === "directory" && typeof mode === "string");
  return judgeTarget(target, strict ? "create" : mode);
};
