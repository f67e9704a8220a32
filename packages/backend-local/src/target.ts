import {
  type BackendPath,
  FileError,
  type Mode,
  type OpContext,
  segmentsOf,
} from "@bulkhead/contract";
import { isDiskFault } from "./disk-fault.ts";
import { directoriesAbove, syncEffect } from "./durability.ts";
import { etagOf } from "./etag.ts";
import { keepsName } from "./folding.ts";
import type { Found } from "./layout.ts";
import type { Claim } from "./path-locks.ts";
import type { FileStat } from "./port.ts";
import type { Volume } from "./volume.ts";

/** The answer where something stands that is not served: no policy refused it, and trying again will not help. */
const notServed = (): FileError =>
  new FileError(
    "conflict",
    "A link, pipe, socket or device stands here; this storage neither serves nor replaces it.",
    {
      retry: "never",
    },
  );

export const alreadyExists = (): FileError =>
  new FileError("already-exists", "Something is at this path already.");
const collision = (): FileError =>
  new FileError(
    "already-exists",
    "The file system takes this name for that of an entry that exists, spelled otherwise.",
  );
export const isDirectory = (): FileError =>
  new FileError("is-directory", "This path is a directory.");
export const notDirectory = (): FileError =>
  new FileError("not-directory", "A file is not a directory: nothing lies below it.");

const stale = (stat: FileStat | undefined): FileError =>
  new FileError("precondition-failed", "The file is not the one that `ifMatch` names.", {
    fields: stat === undefined ? {} : { etag: etagOf(stat) },
  });

/** Throws `precondition-failed` unless the file or directory has the ETag; a directory has none. */
export const checkMatch = (ifMatch: string | undefined, stat: FileStat): void => {
  if (ifMatch === undefined) return;
  if (stat.kind !== "file") throw stale(undefined);
  if (etagOf(stat) !== ifMatch) throw stale(stat);
};

/** Throws unless a file may be put where `found` was found. Answers the file that it would replace. */
export const judgeFile = (found: Found, mode: Mode): FileStat | undefined => {
  switch (found.state) {
    case "below-file":
      throw notDirectory();
    case "special":
      throw notServed();
    case "collides":
      throw typeof mode === "object" ? stale(undefined) : collision();
    case "directory":
      throw mode === "create" ? alreadyExists() : isDirectory();
    case "missing":
      if (typeof mode === "object") throw stale(undefined);
      return undefined;
    case "file":
      if (mode === "create") throw alreadyExists();
      if (typeof mode === "object") checkMatch(mode.ifMatch, found.stat);
      return found.stat;
    default:
      return found satisfies never;
  }
};

/** Throws unless a directory may be put where `found` was found: only what is missing makes room for one. */
export const judgeDirectory = (found: Found, mode: Mode): undefined => {
  switch (found.state) {
    case "below-file":
      throw notDirectory();
    case "special":
      throw notServed();
    case "collides":
      throw collision();
    case "directory":
    case "file":
      throw alreadyExists();
    case "missing":
      if (typeof mode === "object") throw stale(undefined);
      return undefined;
    default:
      return found satisfies never;
  }
};

/** Throws `invalid-path` if the file system would store one of the names under another spelling. */
export const checkNames = (volume: Volume, path: BackendPath): void => {
  if (segmentsOf(path).every((name) => keepsName(volume.folding, name))) return;
  throw new FileError(
    "invalid-path",
    `This storage's file system spells names in ${volume.folding.rewritesTo}; it cannot keep this one as given.`,
  );
};

/** How many directories above what was found have to be made. */
export const missingParents = (found: Found): number =>
  found.state === "missing" ? found.missing - 1 : 0;

/**
 * Runs `body` while `to` is held, and with it all that has to be made above it: from the first missing directory down,
 * so that nobody else makes or misses the same one. Waits behind whoever asked before. `seen` is what was found there a
 * while ago; what `body` gets is found while it holds.
 */
export const holdTarget = async <R>(
  volume: Volume,
  ctx: OpContext,
  to: BackendPath,
  claims: readonly Claim[],
  extent: Claim["extent"],
  body: (found: Found) => Promise<R>,
  seen?: Found,
): Promise<R> => {
  let parents = missingParents(seen ?? (await volume.place.find(to)));
  for (;;) {
    const held = parents;
    const own: Claim =
      held === 0
        ? { path: to, extent }
        : { path: directoriesAbove(to)[held - 1] ?? to, extent: "tree" };
    const outcome = await volume.locks.hold([...claims, own], ctx.signal, async () => {
      const found = await volume.place.find(to);
      parents = missingParents(found);
      // A directory went while we waited: hold from further up.
      return parents > held ? undefined : { result: await body(found) };
    });
    if (outcome !== undefined) return outcome.result;
  }
};

/**
 * Makes the missing directories above `to`, acts, and syncs every directory in which an entry was made or, being in
 * `left`, lost. If the act fails, the directories are gone again.
 */
export const land = async (
  volume: Volume,
  to: BackendPath,
  parents: number,
  left: readonly BackendPath[],
  act: () => Promise<void>,
): Promise<void> => {
  const { fs, place, listings } = volume;
  const touched = directoriesAbove(to, parents + 1);
  const made: string[] = [];
  try {
    for (const directory of touched.slice(0, parents).reverse()) {
      const disk = place.diskName(directory);
      await fs.mkdir(disk, 0o777);
      made.push(disk);
    }
    await act();
  } catch (error) {
    for (const disk of made.reverse()) await unmake(volume, disk);
    throw error;
  } finally {
    for (const directory of [...touched, ...left]) listings.forget(directory);
  }
  await syncEffect(volume, [...touched, ...left]);
};

const unmake = async (volume: Volume, disk: string): Promise<void> => {
  try {
    await volume.fs.rmdir(disk);
  } catch {
    // Something else was put there, or the disk fails: an empty directory more is the lesser harm.
  }
};

/** Puts a staged file at `disk`: by a link where nothing may be replaced, so that no other program's file is. */
export const putFile = async (
  volume: Volume,
  staged: string,
  disk: string,
  replace: boolean,
): Promise<void> => {
  const { fs, folding } = volume;
  if (replace || !folding.links) return fs.rename(staged, disk);
  await fs.link(staged, disk);
  try {
    await fs.unlink(staged);
  } catch (error) {
    // The effect is there; the second name is `sweep`'s.
    if (!isDiskFault(error)) throw error;
  }
};
