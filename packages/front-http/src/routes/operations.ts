import {
  type Context,
  type MoveOptions,
  nameOf,
  parseRequestPath,
  type RequestPath,
  type Session,
  type Stat,
} from "@bulkhead/contract";
import { glob, grep, makeDirectory } from "@bulkhead/kit";
import {
  globAnswer,
  globRequest,
  grepAnswer,
  grepRequest,
  mkdirRequest,
  type MoveRequest,
  moveRequest,
  searchLimit,
} from "@bulkhead/wire";
import type { z } from "zod";
import type { Answer } from "../answer.ts";
import type { Call, Route } from "../call.ts";
import { begunJob, changing, found, looking, statWith } from "../describe.ts";
import { isFirst } from "../idempotent.ts";
import { below } from "./list-files.ts";
import { post } from "./post.ts";
import { statAnswer, visibleStat, withVisibleEtag } from "./stat-answer.ts";

const mkdir = post({
  url: "/v1/mkdir",
  id: "makeDirectory",
  does: "`{ path, parents?, existOk? }`. 201 with the stat.",
  example: { path: "/data/2026", parents: true },
  answers: statWith(201, "It is there."),
  refuses: changing,
  schema: mkdirRequest,
  run: async (call, { path: raw, parents, existOk }) => {
    const path = parseRequestPath(raw);
    await makeDirectory(call.control.session, call.ctx, path, {
      ...(parents !== undefined && { parents }),
      ...(existOk !== undefined && { existOk }),
    });
    return standing(call, path, 201, directory);
  },
  again: (call, { path }) => standing(call, parseRequestPath(path), 201, directory),
});

// The effect is there; a key that may not look at it gets what is known of it, or the status alone.
const standing = async (
  call: Call,
  path: RequestPath,
  status: number,
  known?: Partial<Stat>,
): Promise<Answer> => {
  const stat = await visibleStat(call.control.session, call.ctx, path).catch(() => undefined);
  if (stat !== undefined) return statAnswer(status, path, stat);
  if (known?.kind === undefined) return { status };
  return statAnswer(status, path, {
    name: nameOf(path),
    kind: known.kind,
    size: 0,
    modifiedAt: call.ctx.now,
    ...known,
  });
};

const directory: Partial<Stat> = { kind: "directory" };

type Transfer = (
  ctx: Context,
  from: RequestPath,
  to: RequestPath,
  options: MoveOptions,
) => Promise<object>;

const transfer = (verb: "copy" | "move", does: string, of: (session: Session) => Transfer): Route =>
  post<MoveRequest>({
    url: `/v1/${verb}`,
    id: verb,
    does,
    example: { from: "/data/draft.txt", to: "/data/final.txt", mode: "create" },
    answers: {
      ...statWith(201, "Nothing stood there."),
      ...statWith(200, "It took the place of what stood there."),
      ...begunJob,
    },
    refuses: changing,
    schema: moveRequest,
    run: async (call, { from: source, to: target, mode, ifMatch }) => {
      const [from, to] = [parseRequestPath(source), parseRequestPath(target)];
      const options = {
        ...(mode !== undefined && { mode }),
        ...(ifMatch !== undefined && { ifMatch }),
      };
      let outcome: object;
      try {
        outcome = await of(call.control.session)(call.ctx, from, to, options);
      } catch (error) {
        throw await withVisibleEtag(call, ifMatch === undefined ? to : from, error);
      }
      if ("job" in outcome && typeof outcome.job === "string")
        return {
          status: 202,
          headers: { Location: `/v1/jobs/${outcome.job}` },
          json: { job: outcome.job },
        };
      return standing(
        call,
        to,
        "replaced" in outcome && outcome.replaced !== undefined ? 200 : 201,
      );
    },
    // What it replaced is not known any more; only `create` cannot have replaced anything.
    again: (call, { to, mode }) =>
      standing(call, parseRequestPath(to), (mode ?? "create") === "create" ? 201 : 200),
  });

/** Answers a search: however much was looked through, it counts as one. */
const searched = (call: Call, base: RequestPath, json: object): Answer => {
  if (isFirst(call)) call.control.metering.count(call.ctx, "search", base);
  return { status: 200, json };
};

const globFiles = async (
  call: Call,
  { pattern, path: raw = "/", limit = searchLimit }: z.infer<typeof globRequest>,
): Promise<Answer> => {
  const base = parseRequestPath(raw);
  const paths: string[] = [];
  for await (const entry of glob(call.control.session, call.ctx, base, pattern)) {
    if (paths.length === limit) return searched(call, base, { paths, truncated: true });
    paths.push(below(base, entry.path));
  }
  return searched(call, base, { paths, truncated: false });
};

const globRoute = post({
  url: "/v1/glob",
  id: "glob",
  does: "`{ pattern, path?, limit? }` → `{ paths, truncated }`.",
  example: { pattern: "**/*.csv", path: "/data" },
  answers: found(globAnswer),
  refuses: looking,
  schema: globRequest,
  run: globFiles,
  again: globFiles,
});

type Grep = Parameters<typeof grep>[3];

const grepFiles = async (
  call: Call,
  { path: raw = "/", limit = searchLimit, ...options }: z.infer<typeof grepRequest>,
): Promise<Answer> => {
  const base = parseRequestPath(raw);
  const matches: object[] = [];
  for await (const { path, line, text } of grep(call.control.session, call.ctx, base, {
    ...grepOptions(options),
    limit: limit + 1,
  })) {
    if (matches.length === limit) return searched(call, base, { matches, truncated: true });
    matches.push({ path: below(base, path), line, text });
  }
  return searched(call, base, { matches, truncated: false });
};

const grepRoute = post({
  url: "/v1/grep",
  id: "grep",
  does: "`{ pattern, path?, include?, ignoreCase?, limit? }` → `{ matches: [{ path, line, text }], truncated }`. The pattern is RE2: it runs in linear time.",
  example: { pattern: "error [0-9]+", path: "/logs", include: "*.log", ignoreCase: true },
  answers: found(grepAnswer),
  refuses: looking,
  schema: grepRequest,
  run: grepFiles,
  again: grepFiles,
});

const grepOptions = (from: {
  pattern: string;
  include?: string | undefined;
  ignoreCase?: boolean | undefined;
}): Grep => ({
  pattern: from.pattern,
  ...(from.include !== undefined && { include: from.include }),
  ...(from.ignoreCase !== undefined && { ignoreCase: from.ignoreCase }),
});

/** The file operations that are told in JSON. */
export const operationRoutes: readonly Route[] = [
  mkdir,
  transfer(
    "copy",
    '`{ from, to, mode?, ifMatch? }`. `mode` judges the target: `"create"` (default), `"overwrite"`, `{ ifMatch }`; `ifMatch` the source. 201, 200 replaced, 202 with a job.',
    (session) => session.copy,
  ),
  transfer("move", "As copy. Replaces nothing unless told to.", (session) => session.move),
  globRoute,
  grepRoute,
];
