import { type BackendPath, FileError, isRoot, isUnder, type MoveOptions } from "@bulkhead/contract";
import type { Found } from "./layout.ts";
import { alreadyExists } from "./target.ts";

export const notFound = (): FileError =>
  new FileError("not-found", "There is nothing at this path.");

/** What is served at a path. Throws `not-found` for the rest: links, pipes, and what lies below a file among it. */
export const served = (found: Found): Extract<Found, { readonly disk: string }> => {
  if (found.state === "file" || found.state === "directory") return found;
  throw notFound();
};

/** Throws for what no copy or move can be asked, whatever is stored. */
export const checkEnds = (from: BackendPath, to: BackendPath, options: MoveOptions): void => {
  const invalid = (detail: string): never => {
    throw new FileError("invalid-request", detail);
  };
  if (from === to && (options.mode ?? "create") !== "create")
    invalid("Source and target are the same path.");
  if (isRoot(from)) invalid("The root can be neither copied nor moved.");
};

/** Throws `invalid-request` where a directory would be put below itself. */
export const checkBelow = (source: Found, from: BackendPath, to: BackendPath): void => {
  if (source.state === "directory" && from !== to && isUnder(from, to))
    throw new FileError("invalid-request", "The target lies below the source.");
};

/** Throws `already-exists` where the target is the root or the source itself. */
export const checkTarget = (from: BackendPath, to: BackendPath): void => {
  if (isRoot(to) || from === to) throw alreadyExists();
};
