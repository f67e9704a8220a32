import {
  type AnyPath,
  child,
  FileError,
  isFileError,
  nameFault,
  type OpContext,
  type Stat,
  type Store,
} from "@bulkhead/contract";
import { sortKey } from "./order.ts";
import { pageLimit } from "./page.ts";

/** An entry of a tree; `path` holds the names that lead to it from where the walk began. */
export interface Entry extends Stat {
  readonly path: readonly string[];
}

/** The entries of one directory, over all its pages. */
export async function* listAll<P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  path: P,
  options: { readonly after?: string | undefined; readonly pageSize?: number | undefined } = {},
): AsyncGenerator<Stat> {
  const limit = options.pageSize ?? pageLimit;
  let after = options.after;
  do {
    const page = await store.list(ctx, path, { limit, ...(after !== undefined && { after }) });
    yield* page.entries;
    after = page.next;
  } while (after !== undefined);
}

/** As `listAll`, but empty where the directory has gone since it was seen. */
export async function* listStill<P extends AnyPath, C extends OpContext>(
  ...[store, ctx, path, options]: Parameters<typeof listAll<P, C>>
): AsyncGenerator<Stat> {
  try {
    yield* listAll(store, ctx, path, options);
  } catch (error) {
    if (!isFileError(error, "not-found") && !isFileError(error, "not-directory")) throw error;
  }
}

/** Spells where a walk stands: the names, the last with `/` if it is a directory whose content has not begun. */
export const walkKey = (entry: Entry): string =>
  [...entry.path.slice(0, -1), sortKey(entry)].join("/");

export interface WalkOptions {
  /** The `walkKey` of the last entry seen; the walk goes on behind it. */
  readonly after?: string | undefined;
  /** How many entries are asked for at once. */
  readonly pageSize?: number | undefined;
}

/**
 * Yields everything below a directory, depth first, each directory before its content, in the order of listings. What
 * is there throughout is yielded exactly once, whatever changes meanwhile. Throws `invalid-request` for a malformed `after`.
 */
export async function* walk<P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  path: P,
  options: WalkOptions = {},
): AsyncGenerator<Entry> {
  const { after, pageSize } = options;
  if (after === undefined) {
    yield* below(store, ctx, path, [], listAll(store, ctx, path, { pageSize }), pageSize);
    return;
  }
  // Depth first in listing order is the UTF-8 order of the spelled keys, so the innermost directory is finished first.
  const names = after.split("/");
  const last = names.pop() ?? "";
  if (names.length === 0 && last === "") throw malformed();
  const inner: P[] = [path];
  for (const name of names) {
    if (nameFault(name) !== undefined) throw malformed();
    inner.push(child(inner.at(-1) ?? path, name));
  }
  for (const [depth, directory] of [...inner.entries()].reverse()) {
    const passed = depth === names.length ? last : `${names[depth]}/`;
    const listed = depth === 0 ? listAll : listStill;
    const entries = listed(store, ctx, directory, {
      pageSize,
      ...(passed !== "" && { after: passed }),
    });
    yield* below(store, ctx, directory, names.slice(0, depth), entries, pageSize);
  }
}

const malformed = (): FileError =>
  new FileError("invalid-request", "This is not a position in a recursive listing.");

async function* below<P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  directory: P,
  names: readonly string[],
  entries: AsyncIterable<Stat>,
  pageSize: number | undefined,
): AsyncGenerator<Entry> {
  for await (const stat of entries) {
    const path = [...names, stat.name];
    yield { ...stat, path };
    if (stat.kind === "file") continue;
    const at = child(directory, stat.name);
    yield* below(store, ctx, at, path, listStill(store, ctx, at, { pageSize }), pageSize);
  }
}
