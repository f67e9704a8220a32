import { type BackendPath, FileError, isRoot, isUnder, type Mode } from "@bulkhead/contract";
import { type DirectoryNode, type FileNode, lookup, type Node } from "./node.ts";

const missing = (): FileError => new FileError("not-found", "There is nothing at this path.");
const exists = (): FileError =>
  new FileError("already-exists", "There is something at this path already.");
const isDirectory = (): FileError =>
  new FileError("is-directory", "There is a directory at this path.");

/** The refusal of a condition; tells the ETag that is there now. */
const changed = (now: string | undefined): FileError =>
  new FileError(
    "precondition-failed",
    "The file is not the one that was named; look at it again.",
    {
      fields: now === undefined ? {} : { etag: now },
    },
  );

/** Finds what is at `path`. Throws `not-found`. */
export const existing = (root: DirectoryNode, path: BackendPath): Node => {
  const found = lookup(root, path);
  if (typeof found === "string") throw missing();
  return found;
};

/** Finds a source. Throws `not-found`, and `precondition-failed` where it is not the file that `ifMatch` names. */
export const judgeSource = (
  root: DirectoryNode,
  path: BackendPath,
  ifMatch: string | undefined,
): Node => {
  const node = existing(root, path);
  if (ifMatch !== undefined && node.stat.etag !== ifMatch) throw changed(node.stat.etag);
  return node;
};

/** Finds the file to read. Throws `not-found`, `is-directory` and `precondition-failed`. */
export const judgeRead = (
  root: DirectoryNode,
  path: BackendPath,
  ifMatch: string | undefined,
): FileNode => {
  const node = existing(root, path);
  if (node.kind === "directory") throw isDirectory();
  if (ifMatch !== undefined && node.stat.etag !== ifMatch) throw changed(node.stat.etag);
  return node;
};

/**
 * Finds what a file put at `path` would replace. Throws `not-directory` below a file, and what `mode` asks for:
 * `already-exists`, `is-directory` or `precondition-failed`.
 */
export const judgeTarget = (
  root: DirectoryNode,
  path: BackendPath,
  mode: Mode,
): FileNode | undefined => {
  const found = lookup(root, path);
  if (found === "below-file")
    throw new FileError("not-directory", "A file stands where a directory would have to be.");
  if (found === "missing") {
    if (typeof mode === "object") throw changed(undefined);
    return undefined;
  }
  if (mode === "create") throw exists();
  if (found.kind === "directory") throw isDirectory();
  if (mode !== "overwrite" && mode.ifMatch !== found.stat.etag) throw changed(found.stat.etag);
  return found;
};

/** What a copy or move found: its source, and the file that its target replaces. */
export interface Transfer {
  readonly source: Node;
  readonly replaced: FileNode | undefined;
}

/** Judges a copy or move: what is senseless first, then the source, then the target. */
export const judgeTransfer = (
  root: DirectoryNode,
  from: BackendPath,
  to: BackendPath,
  mode: Mode,
  ifMatch: string | undefined,
): Transfer => {
  if (isRoot(from))
    throw new FileError("invalid-request", "The root of a storage cannot be copied or moved.");
  if (from === to && mode !== "create")
    throw new FileError("invalid-request", "Source and target are the same path.");
  const found = existing(root, from);
  if (found.kind === "directory" && from !== to && isUnder(from, to))
    throw new FileError("invalid-request", "A directory cannot go into itself.");
  const source = judgeSource(root, from, ifMatch);
  // A directory replaces nothing: whatever is there, it is refused as if it were to be created.
  const strict = isRoot(to) || (source.kind === "directory" && typeof mode === "string");
  if (source.kind === "directory" && typeof lookup(root, to) === "object") throw exists();
  return { source, replaced: judgeTarget(root, to, strict ? "create" : mode) };
};
