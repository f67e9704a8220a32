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
import { type GlobSegment, parseGlob } from "./glob-pattern.ts";
import { compareEntries } from "./order.ts";
import { pacer } from "./pace.ts";
import { type Entry, listStill } from "./walk.ts";

/** Places in the alternatives that the names so far lead to. */
type State = readonly { readonly segments: readonly GlobSegment[]; readonly at: number }[];

const begin = (alternatives: readonly (readonly GlobSegment[])[]): State => {
  const state = collector();
  for (const segments of alternatives) state.add(segments, 0);
  return state.done();
};

const collector = (): {
  add: (segments: readonly GlobSegment[], at: number) => void;
  done: () => State;
} => {
  const seen = new Map<readonly GlobSegment[], Set<number>>();
  const state: { segments: readonly GlobSegment[]; at: number }[] = [];
  const add = (segments: readonly GlobSegment[], at: number): void => {
    if (at >= segments.length) return;
    const places = seen.get(segments) ?? new Set();
    if (places.has(at)) return;
    seen.set(segments, places.add(at));
    state.push({ segments, at });
    // `**` leads on with no name at all, unless it comes last: what it stands for is then a name.
    if (segments[at]?.kind === "any-depth") add(segments, at + 1);
  };
  return { add, done: () => state };
};

const matches = (segment: GlobSegment | undefined, name: string): boolean =>
  segment?.kind === "any-depth" ||
  (segment?.kind === "name" ? segment.name === name : segment?.test(name) === true);

const step = (state: State, name: string): { readonly matched: boolean; readonly next: State } => {
  const next = collector();
  let matched = false;
  for (const { segments, at } of state) {
    if (!matches(segments[at], name)) continue;
    matched ||= at === segments.length - 1;
    next.add(segments, segments[at]?.kind === "any-depth" ? at : at + 1);
  }
  return { matched, next: next.done() };
};

/** The only names that lead on, or undefined if any may. */
const onlyNames = (state: State): readonly string[] | undefined => {
  const names = new Set<string>();
  for (const { segments, at } of state) {
    const segment = segments[at];
    if (segment?.kind !== "name") return undefined;
    names.add(segment.name);
  }
  return [...names];
};

/**
 * Yields what lies below the directory `base` and matches `pattern`, depth first, in the order of listings. `*`, `?` and
 * `[…]` stay within a name, `**` is any number of names, `{a,b}` alternatives, `\` makes the next character literal; a
 * leading dot is a character like any other. The time is linear in what is looked at, and only directories that can
 * hold a match are looked into. Throws `invalid-request` for a pattern that is malformed or expands too far.
 */
export async function* glob<P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  base: P,
  pattern: string,
): AsyncGenerator<Entry> {
  const state = begin(parseGlob(pattern));
  if ((await store.stat(ctx, base)).kind === "file")
    throw new FileError("not-directory", "A pattern is matched below a directory.");
  yield* below(store, ctx, base, [], state, pacer(ctx.signal));
}

/** True if the names of `path` match `pattern`; throws as `glob`. */
export const globMatches = (pattern: string, path: readonly string[]): boolean => {
  let state = begin(parseGlob(pattern));
  let matched = false;
  for (const name of path) ({ matched, next: state } = step(state, name));
  return matched;
};

async function* below<P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  directory: P,
  names: readonly string[],
  state: State,
  pace: () => Promise<void>,
): AsyncGenerator<Entry> {
  for await (const stat of candidates(store, ctx, directory, state)) {
    await pace();
    const { matched, next } = step(state, stat.name);
    const path = [...names, stat.name];
    if (matched) yield { ...stat, path };
    if (stat.kind === "directory" && next.length > 0)
      yield* below(store, ctx, child(directory, stat.name), path, next, pace);
  }
}

/** What a listing would not show: it is not there, or not the caller's to see. */
const isUnlisted = (error: unknown): boolean =>
  (["not-found", "invalid-path", "outside-workspace"] as const).some((code) =>
    isFileError(error, code),
  );

/** What may match in a directory: where the pattern names it, it is asked for, and the directory need not be listed. */
async function* candidates<P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  directory: P,
  state: State,
): AsyncGenerator<Stat> {
  const names = onlyNames(state);
  if (names === undefined) {
    yield* listStill(store, ctx, directory);
    return;
  }
  const found: Stat[] = [];
  for (const name of names) {
    if (nameFault(name) !== undefined) continue;
    try {
      found.push(await store.stat(ctx, child(directory, name)));
    } catch (error) {
      if (!isUnlisted(error)) throw error;
    }
  }
  yield* found.sort(compareEntries);
}
