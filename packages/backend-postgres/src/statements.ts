import { createHash } from "node:crypto";
import type { Statement } from "./connection.ts";
import { quoted } from "./schema/quoted.ts";

type Name =
  | "version"
  | "open"
  | "list"
  | "chunks"
  | "keep"
  | "stage"
  | "discard"
  | "doom"
  | "erase"
  | "judgeWrite"
  | "judgeTransfer"
  | "write"
  | "mkdir"
  | "remove"
  | "transfer"
  | "verdict"
  | "effects"
  | "effect"
  | "settled"
  | "weigh"
  | "forget";

/** Every statement of the backend; `s` is the quoted schema. */
const texts: Readonly<Record<Name, (s: string) => string>> = {
  version: (s) => `select max(version)::text from ${s}.migration`,
  open: (s) => `select o_stat, o_bytes from ${s}.open_v1($1, $2)`,
  list: (s) => `select ${s}.list_v1($1, $2, $3)`,
  chunks: (s) =>
    `select part, bytes from ${s}.chunk where blob = $1 and part between $2 and $3 order by part`,
  keep: (s) => `select ${s}.keep_v1($1, make_interval(secs => $2::float8 / 1000))`,
  stage: (s) => `select ${s}.stage_v1($1, $2, $3, make_interval(secs => $4::float8 / 1000))`,
  discard: (s) => `select ${s}.discard_v1($1)`,
  doom: (s) => `select ${s}.doom_v1($1)`,
  erase: (s) => `select ${s}.erase_v1($1, $2)`,
  judgeWrite: (s) => `select ${s}.judge_write_v2($1, $2, $3, $4)`,
  judgeTransfer: (s) =>
    `select ${s}.judge_transfer_v2($1, $2, $3, $4, $5, $6, $7, to_timestamp($8::float8 / 1000), make_interval(secs => $9::float8 / 1000), $10)`,
  // The bound is set first: a CASE asks its condition before it answers.
  write: (s) =>
    `select case when ${s}.grant_v1($11, $12) then ${s}.write_v1($1, $2, $3, $4, $5, $6, $7, $8, to_timestamp($9::float8 / 1000), make_interval(secs => $10::float8 / 1000)) end`,
  mkdir: (s) => `select ${s}.mkdir_v1($1, $2, $3, to_timestamp($4::float8 / 1000))`,
  remove: (s) =>
    `select ${s}.remove_v1($1, $2, $3, $4, $5, make_interval(secs => $6::float8 / 1000), $7)`,
  transfer: (s) =>
    `select case when ${s}.grant_v1($13, $14) then ${s}.transfer_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, to_timestamp($10::float8 / 1000), make_interval(secs => $11::float8 / 1000), $12) end`,
  verdict: (s) => `select ${s}.verdict_v1($1)`,
  effects: (s) => `select ${s}.effects_v1($1)`,
  effect: (s) =>
    `select json_build_object('staged', staged, 'operation', operation, 'files', files, 'bytes', bytes,
       'etag', result ->> 'etag')::text from ${s}.effect where staged = $1 and not undone`,
  settled: (s) => `select ${s}.settled_v1($1)`,
  weigh: (s) =>
    `select (count(*) filter (where not directory))::float8, coalesce(sum(size), 0)::float8 from ${s}.node`,
  forget: (s) => `select ${s}.forget_v1(make_interval(secs => $1::float8 / 1000))`,
};

export type Statements = Readonly<Record<Name, Statement>>;

/** Names the statements of one schema: a connection may serve several, and a name stands for one text there. */
export const statementsOf = (schema: string): Statements => {
  const mark = createHash("sha256").update(schema).digest("hex").slice(0, 8);
  const s = quoted(schema);
  const of = (name: Name): Statement => ({
    name: `${name}_${mark}`,
    text: texts[name](s),
  });
  return {
    version: of("version"),
    open: of("open"),
    list: of("list"),
    chunks: of("chunks"),
    keep: of("keep"),
    stage: of("stage"),
    discard: of("discard"),
    doom: of("doom"),
    erase: of("erase"),
    judgeWrite: of("judgeWrite"),
    judgeTransfer: of("judgeTransfer"),
    write: of("write"),
    mkdir: of("mkdir"),
    remove: of("remove"),
    transfer: of("transfer"),
    verdict: of("verdict"),
    effects: of("effects"),
    effect: of("effect"),
    settled: of("settled"),
    weigh: of("weigh"),
    forget: of("forget"),
  };
};
