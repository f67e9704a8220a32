import { createHash } from "node:crypto";
import {
  type AnyPath,
  child,
  FileError,
  isFileError,
  type OpContext,
  parent,
  type Removed,
  silent,
  type Store,
} from "@bulkhead/contract";
import { chunksOf, type Entry, listAll, makeDirectory, walk } from "@bulkhead/kit";

export interface TransferOptions {
  /** Told after each file what has been done so far. */
  readonly progress?: (done: Removed) => void | Promise<void>;
}

/** How often what others change underneath is tried again. */
const rounds = 5;

/**
 * Copies or moves a directory entry by entry, over any store. Run again after a crash it goes on: what is at the target
 * with equal content is passed over, a source file is removed only after its copy was compared, and the directories
 * last. Throws `already-exists` at a file whose target holds other content, and `conflict` if writers keep adding to a
 * source that is moved. The last step alone is audited. Answers what this run copied or moved.
 */
export const transferDirectory = async <P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  operation: "copy" | "move",
  from: P,
  to: P,
  options: TransferOptions = {},
): Promise<Removed> => {
  const quiet: C = { ...ctx, settlement: silent(ctx.settlement) };
  let done: Removed = { files: 0, bytes: 0 };
  const contents = async (last: C): Promise<void> => {
    // One step behind the walk, so that the last one is known.
    let step = (c: C): Promise<number | undefined> => ensureDirectory(store, c, quiet, to);
    const run = async (c: C): Promise<void> => {
      const bytes = await step(c);
      if (bytes === undefined) return;
      done = { files: done.files + 1, bytes: done.bytes + bytes };
      await options.progress?.(done);
    };
    for await (const entry of walk(store, quiet, from)) {
      await run(quiet);
      const source = entry.path.reduce(child, from);
      const target = entry.path.reduce(child, to);
      step = (c) =>
        entry.kind === "directory"
          ? ensureDirectory(store, c, quiet, target)
          : transferEntry(store, c, operation, source, target, entry);
    }
    await run(last);
  };
  if (operation === "copy") {
    await contents(ctx);
    return done;
  }
  for (let round = 0; round < rounds; round++) {
    await contents(quiet);
    if (await removeEmptied(store, ctx, quiet, from)) return done;
  }
  throw new FileError(
    "conflict",
    "Files kept being added to the directory while it was moved; try again.",
  );
};

const ensureDirectory = async <P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  quiet: C,
  path: P,
): Promise<undefined> => {
  try {
    await makeDirectory(store, ctx, path, { existOk: true });
  } catch (error) {
    const above = parent(path);
    if (above === undefined || !isFileError(error, "not-found")) throw error;
    await makeDirectory(store, quiet, above, { parents: true, existOk: true });
    await makeDirectory(store, ctx, path, { existOk: true });
  }
  return undefined;
};

/** Answers the bytes that were copied or moved, or undefined where nothing was left to do. */
const transferEntry = async <P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  operation: "copy" | "move",
  source: P,
  target: P,
  entry: Entry,
): Promise<number | undefined> => {
  for (let round = 1; ; round++) {
    try {
      await store[operation](ctx, source, target, { mode: "create" });
      return entry.size;
    } catch (error) {
      // Removed since it was listed: as if it had been before.
      if (isFileError(error, "not-found")) return undefined;
      if (isFileError(error, "precondition-failed") && round < rounds) continue;
      if (!isFileError(error, "already-exists")) throw error;
    }
    const compared = await compare(store, ctx, source, target);
    if (compared === undefined) return undefined;
    if (!compared.equal)
      throw new FileError(
        "already-exists",
        "A file of another content is in the way at the target; remove one of them.",
      );
    if (operation === "copy") return undefined;
    try {
      await store.remove(
        ctx,
        source,
        compared.etag === undefined ? {} : { ifMatch: compared.etag },
      );
      return entry.size;
    } catch (error) {
      if (!isFileError(error, "precondition-failed") || round >= rounds) throw error;
    }
  }
};

/** Compares two files by content; undefined if one has gone meanwhile. `etag` is the source's as compared. */
const compare = async <P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  source: P,
  target: P,
): Promise<{ readonly equal: boolean; readonly etag: string | undefined } | undefined> => {
  const digest = async (
    path: P,
  ): Promise<{ readonly digest: string; readonly etag: string | undefined }> => {
    await using result = await store.read(ctx, path);
    const hash = createHash("sha256");
    for await (const chunk of chunksOf(result.content)) hash.update(chunk);
    return { digest: hash.digest("hex"), etag: result.stat.etag };
  };
  try {
    const [a, b] = [await digest(source), await digest(target)];
    return { equal: a.digest === b.digest, etag: a.etag };
  } catch (error) {
    if (isFileError(error, "not-found")) return undefined;
    if (isFileError(error, "is-directory")) return { equal: false, etag: undefined };
    throw error;
  }
};

/** Removes directories that hold nothing more, the innermost first. False if one was found to hold something. */
const removeEmptied = async <P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  quiet: C,
  path: P,
): Promise<boolean> => {
  try {
    for await (const entry of listAll(store, quiet, path)) {
      if (
        entry.kind === "file" ||
        !(await removeEmptied(store, quiet, quiet, child(path, entry.name)))
      )
        return false;
    }
    await store.remove(ctx, path);
    return true;
  } catch (error) {
    if (isFileError(error, "not-empty")) return false;
    // A storage without empty directories has dropped it with its last file.
    if (isFileError(error, "not-found")) return true;
    throw error;
  }
};
