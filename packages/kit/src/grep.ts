import {
  type AnyPath,
  child,
  FileError,
  isFileError,
  type OpContext,
  type Store,
} from "@bulkhead/contract";
import { RE2JS } from "re2js";
import { glob } from "./glob.ts";
import { lines } from "./lines.ts";
import { checkSignal, pacer } from "./pace.ts";

export interface GrepOptions {
  /** A linear-time regular expression (RE2 syntax), at most 1,024 characters. */
  readonly pattern: string;
  /** A glob that the files match: by their path below the base, or by their name alone if it has no slash. */
  readonly include?: string;
  readonly ignoreCase?: boolean;
  /** Ends after so many matches. */
  readonly limit?: number;
}

export interface GrepMatch {
  /** The names that lead to the file from the base; none if the base is the file. */
  readonly path: readonly string[];
  /** Counted from 1. */
  readonly line: number;
  /** The line, without its end, cut after 1,024 characters. */
  readonly text: string;
}

/** Bounds of a search: a pattern and its automaton, what of a line is searched (in bytes) and shown (in characters). */
export const grepLimits = { pattern: 1024, program: 1000, lineBytes: 8192, text: 1024 } as const;

const compile = (pattern: string, ignoreCase: boolean): RE2JS => {
  const bad = (cause?: unknown): never => {
    throw new FileError(
      "invalid-request",
      "This is not a regular expression of RE2, or it is too large.",
      { cause },
    );
  };
  if (pattern.length > grepLimits.pattern) return bad();
  let expression: RE2JS;
  try {
    expression = RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0);
  } catch (error) {
    return bad(error);
  }
  // The time for a line is its length times the size of the automaton; nothing can interrupt it.
  return expression.programSize() > grepLimits.program ? bad() : expression;
};

/**
 * Yields the lines that a pattern matches, in the order of a walk: the files below a directory, or one file. Files with
 * a NUL in their first 8 KiB are passed over. Runs in linear time, lets others run every 2 ms and ends with `ctx.signal`.
 * Throws `invalid-request` for a malformed pattern or include.
 */
export async function* grep<P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  base: P,
  options: GrepOptions,
): AsyncGenerator<GrepMatch> {
  const expression = compile(options.pattern, options.ignoreCase === true);
  const pace = pacer(ctx.signal);
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  for await (const path of files(store, ctx, base, options.include)) {
    checkSignal(ctx.signal);
    for await (const match of inFile(store, ctx, path.reduce(child, base), expression, pace)) {
      if (left <= 0) return;
      yield { path, ...match };
      left -= 1;
    }
    if (left <= 0) return;
  }
}

async function* files<P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  base: P,
  include: string | undefined,
): AsyncGenerator<readonly string[]> {
  if (include === undefined && (await store.stat(ctx, base)).kind === "file") {
    yield [];
    return;
  }
  const pattern = include === undefined ? "**" : include.includes("/") ? include : `**/${include}`;
  for await (const entry of glob(store, ctx, base, pattern))
    if (entry.kind === "file") yield entry.path;
}

async function* inFile<P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  path: P,
  expression: RE2JS,
  pace: () => Promise<void>,
): AsyncGenerator<{ readonly line: number; readonly text: string }> {
  try {
    await using result = await store.read(ctx, path);
    let line = 0;
    for await (const text of lines(result.content, grepLimits.lineBytes)) {
      await pace();
      line += 1;
      if (!expression.test(text)) continue;
      await result.told?.();
      yield { line, text: text.slice(0, grepLimits.text) };
    }
  } catch (error) {
    // Gone since it was listed.
    if (!isFileError(error, "not-found") && !isFileError(error, "is-directory")) throw error;
  }
}
