import { globAnswer, grepAnswer, type GrepMatch } from "@bulkhead/wire";
import { bulkheadError } from "./errors.ts";
import type { GlobOptions, GrepOptions } from "./options.ts";
import { checkedPath } from "./target.ts";
import type { Transport } from "./transport.ts";

export type { GrepMatch } from "@bulkhead/wire";

const cutShort = (what: string): Error =>
  bulkheadError(
    "too-large",
    `More ${what} match than one answer holds; these are the first. Name a deeper path or a narrower pattern, or pass a limit.`,
    { status: 200, retryable: false },
  );

/** Yields the paths that match; throws `too-large` at the end where there were more and no `limit` asked for fewer. */
export async function* glob(
  transport: Transport,
  pattern: string,
  options: GlobOptions,
): AsyncGenerator<string, void, undefined> {
  const { path = "/", limit, signal } = options;
  const answer = await transport.ask(
    {
      method: "POST",
      target: "/v1/glob",
      json: { pattern, path: checkedPath(path), limit },
      signal,
      repeatable: true,
    },
    globAnswer,
  );
  yield* answer.paths;
  if (answer.truncated && limit === undefined) throw cutShort("paths");
}

/** Yields the lines that match, as `glob` does paths. */
export async function* grep(
  transport: Transport,
  pattern: string,
  options: GrepOptions,
): AsyncGenerator<GrepMatch, void, undefined> {
  const { path = "/", include, ignoreCase, limit, signal } = options;
  const answer = await transport.ask(
    {
      method: "POST",
      target: "/v1/grep",
      json: { pattern, path: checkedPath(path), include, ignoreCase, limit },
      signal,
      repeatable: true,
    },
    grepAnswer,
  );
  yield* answer.matches;
  if (answer.truncated && limit === undefined) throw cutShort("lines");
}
