import {
  type BackendPath,
  child,
  type Context,
  FileError,
  isFileError,
  isUnder,
  type Mode,
  type MoveOptions,
  nameOf,
  type OpContext,
  parent,
  type Stat,
  type VirtualPath,
  type WholeTree,
} from "@bulkhead/contract";
import { checkDeclared, pastOf } from "@bulkhead/kit";
import { holding } from "./holding.ts";
import { materialize } from "./materialize.ts";
import type { MountTable, Place } from "./mount-table.ts";
import { mountDirectory, mountedListing } from "./mounted-listing.ts";
import { narrow } from "./narrow.ts";
import { copyFile, moveFile } from "./transfer-file.ts";
import { transferDirectory } from "./transfer-directory.ts";
import type { TreeOptions } from "./tree-options.ts";

const isMounted = (table: MountTable, path: VirtualPath): boolean =>
  table.mountAt(path) !== undefined || table.isAncestorOfMount(path);

const exists = (): FileError => new FileError("already-exists", "A directory is there already.");
const isDirectory = (): FileError =>
  new FileError("is-directory", "This is a directory, not a file.");
const occupied = (mode: Mode): FileError => (mode === "create" ? exists() : isDirectory());
const forbidden = (): FileError =>
  new FileError(
    "forbidden",
    "A mount point and the directories above it are changed by changing the mounts.",
  );

/** The storage that holds `path`, or undefined where nothing is mounted at or above it. */
const covering = (table: MountTable, path: VirtualPath): Place | undefined => {
  try {
    return table.resolve(path);
  } catch (error) {
    if (isFileError(error, "not-found")) return undefined;
    throw error;
  }
};

const stat = async (table: MountTable, ctx: OpContext, path: VirtualPath): Promise<Stat> => {
  if (table.mountAt(path) === undefined && table.isAncestorOfMount(path))
    return ancestorStat(table, ctx, path);
  const place = table.resolve(path);
  return { ...(await place.mount.backend.stat(narrow(ctx), place.path)), name: nameOf(path) };
};

/** What leads to a mount is a directory, whatever the storage below has there, or if it does not answer. */
const ancestorStat = async (
  table: MountTable,
  ctx: OpContext,
  path: VirtualPath,
): Promise<Stat> => {
  const place = covering(table, path);
  try {
    const real = await place?.mount.backend.stat(narrow(ctx), place.path);
    if (real?.kind === "directory") return { ...real, name: nameOf(path) };
  } catch (error) {
    if (!isFileError(error, "not-found") && !isFileError(error, "unavailable")) throw error;
  }
  return mountDirectory(nameOf(path));
};

/**
 * Makes one tree of the storages of a mount table, asked for once a call. Below it nobody knows who is asking. Mount
 * points and the directories above them are directories that cannot be written, moved or removed; a storage that does
 * not answer keeps its place, and no call is routed past it.
 */
export const tree = (table: () => MountTable, options: TreeOptions = {}): WholeTree => ({
  stat: async (ctx, path) => stat(table(), ctx, path),

  read: async (ctx, path, reading) => {
    const now = table();
    if (isMounted(now, path)) throw isDirectory();
    const { mount, path: inner } = now.resolve(path);
    checkDeclared(mount.backend.capability, reading);
    return mount.backend.read(narrow(ctx), inner, reading);
  },

  write: async (ctx, path, body, writing) => {
    const now = table();
    if (isMounted(now, path)) throw occupied(writing?.mode ?? "overwrite");
    const place = now.resolve(path);
    const { backend } = place.mount;
    checkDeclared(backend.capability, writing, body.size);
    return backend.write(holding(table, ctx, place, path), place.path, body, writing);
  },

  versions: async (ctx, path, query) => {
    const now = table();
    if (isMounted(now, path)) throw isDirectory();
    const { mount, path: inner } = now.resolve(path);
    return pastOf(mount.backend).versions(narrow(ctx), inner, query);
  },

  restore: async (ctx, path, version) => {
    const now = table();
    if (isMounted(now, path)) throw isDirectory();
    const { mount, path: inner } = now.resolve(path);
    return pastOf(mount.backend).restore(narrow(ctx), inner, version);
  },

  list: async (ctx, path, listing) => {
    const now = table();
    const place = now.isAncestorOfMount(path) ? covering(now, path) : now.resolve(path);
    const list =
      place && ((more?: typeof listing) => place.mount.backend.list(narrow(ctx), place.path, more));
    const names = now.mountNamesBelow(path);
    if (names.length === 0) return list === undefined ? { entries: [] } : list(listing);
    const isPoint = (name: string): boolean => now.mountAt(child(path, name)) !== undefined;
    try {
      return await mountedListing({ names, isPoint }, list, listing);
    } catch (error) {
      if (!isFileError(error, "not-found") && !isFileError(error, "not-directory")) throw error;
      return mountedListing({ names, isPoint }, undefined, listing);
    }
  },

  mkdir: async (ctx, path) => {
    const now = table();
    if (isMounted(now, path)) throw exists();
    const place = now.resolve(path);
    const make = (): Promise<void> =>
      place.mount.backend.mkdir(holding(table, ctx, place, path), place.path);
    try {
      await make();
    } catch (error) {
      const above = parent(path);
      if (!isFileError(error, "not-found") || above === undefined || !now.isAncestorOfMount(above))
        throw error;
      // The directory above is one because a mount lies below it: the storage gets it now that it holds something.
      await materialize(now, ctx, above);
      await make();
    }
  },

  remove: async (ctx, path, removing) => {
    const now = table();
    if (now.isAncestorOfMount(path)) throw forbidden();
    const place = now.resolve(path);
    const { mount, path: inner } = place;
    if (now.mountAt(path) !== undefined && removing?.recursive !== true) {
      const page = await mount.backend.list(narrow(ctx), inner, { limit: 1 });
      throw page.entries.length > 0
        ? new FileError(
            "not-empty",
            "This directory is not empty; remove it recursively to empty it.",
          )
        : forbidden();
    }
    return mount.backend.remove(holding(table, ctx, place, path), inner, removing);
  },

  copy: async (ctx, from, to, moving = {}) => {
    const now = table();
    const ends = together(now, from, to);
    if (ends !== undefined) {
      checkDeclared(ends.place.mount.backend.capability, moving);
      return ends.place.mount.backend.copy(
        holding(table, ctx, ends.place, to),
        ends.from,
        ends.place.path,
        moving,
      );
    }
    if ((await across(now, ctx, from, to, moving)) === "file")
      return copyFile(ctx, now.resolve(from), now.resolve(to), moving);
    if (options.transfer !== undefined) return options.transfer(ctx, "copy", from, to, moving);
    return transferDirectory(
      tree(() => now),
      ctx,
      "copy",
      from,
      to,
    );
  },

  move: async (ctx, from, to, moving = {}) => {
    const now = table();
    if (isMounted(now, from) || isMounted(now, to)) throw forbidden();
    const ends = together(now, from, to);
    if (ends !== undefined) {
      checkDeclared(ends.place.mount.backend.capability, moving);
      return ends.place.mount.backend.move(
        holding(table, ctx, ends.place, to),
        ends.from,
        ends.place.path,
        moving,
      );
    }
    if ((await across(now, ctx, from, to, moving)) === "file") {
      const { remember } = options;
      const { replaced } = await moveFile(
        ctx,
        now.resolve(from),
        now.resolve(to),
        moving,
        remember && ((etag) => remember(ctx, from, to, etag)),
      );
      return replaced === undefined ? {} : { replaced };
    }
    if (options.transfer !== undefined) return options.transfer(ctx, "move", from, to, moving);
    await transferDirectory(
      tree(() => now),
      ctx,
      "move",
      from,
      to,
    );
    return {};
  },
});

/** Both ends in one storage, without a mount at or below them: the storage does it in one step. */
const together = (
  table: MountTable,
  from: VirtualPath,
  to: VirtualPath,
):
  | {
      readonly from: BackendPath;
      /** The target. */
      readonly place: Place;
    }
  | undefined => {
  if (isMounted(table, from) || isMounted(table, to)) return undefined;
  const [source, target] = [table.resolve(from), table.resolve(to)];
  return source.mount === target.mount ? { from: source.path, place: target } : undefined;
};

/** Checks what a storage checks where it holds both ends, and says what the source is. */
const across = async (
  table: MountTable,
  ctx: Context,
  from: VirtualPath,
  to: VirtualPath,
  options: MoveOptions,
): Promise<"file" | "directory"> => {
  const mode = options.mode ?? "create";
  const within = from !== to && isUnder(from, to);
  const source = await stat(table, ctx, from);
  if (source.kind === "file") {
    if (isMounted(table, to)) throw occupied(mode);
    return "file";
  }
  if (within || (from === to && mode !== "create"))
    throw new FileError(
      "invalid-request",
      "A directory cannot be copied or moved onto or into itself.",
    );
  if (options.ifMatch !== undefined)
    throw new FileError("precondition-failed", "A directory has no ETag that could match.");
  if ((await kindOf(table, ctx, to)) !== undefined) throw exists();
  await checkAbove(table, ctx, to);
  if (typeof mode === "object")
    throw new FileError("precondition-failed", "Nothing is there that could match.");
  return "directory";
};

const kindOf = async (
  table: MountTable,
  ctx: Context,
  path: VirtualPath,
): Promise<Stat["kind"] | undefined> => {
  try {
    return (await stat(table, ctx, path)).kind;
  } catch (error) {
    if (isFileError(error, "not-found")) return undefined;
    throw error;
  }
};

/** Refuses a target below a file, before anything of a directory is copied there. */
const checkAbove = async (table: MountTable, ctx: Context, path: VirtualPath): Promise<void> => {
  for (let above = parent(path); above !== undefined; above = parent(above)) {
    const kind = await kindOf(table, ctx, above);
    if (kind === "file")
      throw new FileError(
        "not-directory",
        "A file lies above the target, where a directory would be.",
      );
    if (kind === "directory") return;
  }
};
