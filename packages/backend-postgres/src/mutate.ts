import { randomUUID } from "node:crypto";
import {
  type Backend,
  FileError,
  isRoot,
  isUnder,
  type Mode,
  type MoveOptions,
  type OpContext,
  segmentsOf,
  type WriteResult,
} from "@bulkhead/contract";
import type { BackendPath } from "@bulkhead/contract";
import { checkSignal } from "@bulkhead/kit";
import { field, numberField, textField } from "./entry.ts";
import { isOutgrown } from "./errors.ts";
import { discard, stage } from "./stage.ts";
import { chunkBytes, type Volume } from "./volume.ts";

type Change = "write" | "mkdir" | "remove" | "transfer";

/** What a change was judged to be: what it replaces, and what there will be more of. */
interface Judged {
  readonly before: string | undefined;
  /** What is copied or stored, in bytes. */
  readonly size: number;
  readonly adds: { readonly bytes: number; readonly files: number };
}

/** How often a change that adds more than was granted is judged and granted again. */
const tries = 5;

const modeOf = (mode: Mode): readonly [string, string | null] =>
  typeof mode === "object"
    ? ["match", mode.ifMatch.toWellFormed().replaceAll("\u0000", "\uFFFD")]
    : [mode, null];

const matchOf = (ifMatch: string | undefined): string | null =>
  ifMatch === undefined ? null : (modeOf({ ifMatch })[1] ?? null);

/** Judges a change as it stands now; answers what the schema's function says without `p_apply`. */
const judge = (
  { database }: Volume,
  ctx: OpContext,
  change: Change,
  values: readonly unknown[],
): Promise<unknown> => database.json(change, [false, null, ...values], ctx.signal);

/** Asks for the commit of what was judged, and makes the change: judged again under its locks, in one transaction. */
const change = async (
  { database }: Volume,
  ctx: OpContext,
  name: Change,
  staged: string,
  values: readonly unknown[],
  size: number,
  etagBefore: string | undefined,
): Promise<unknown> => {
  checkSignal(ctx.signal);
  await ctx.commit({ id: staged, size, ...(etagBefore !== undefined && { etagBefore }) });
  return database.effect(name, staged, values);
};

/**
 * The same for what may grow: it adds no more than was granted. Where somebody changed what it replaces in between, it is
 * judged again, and asks for `most`, so that once is enough for what is one file.
 */
const grow = async (
  { database }: Volume,
  ctx: OpContext,
  name: Change,
  staged: string,
  values: readonly unknown[],
  judged: () => Promise<Judged>,
  most: (judged: Judged) => Judged["adds"],
): Promise<unknown> => {
  for (let attempt = 1; ; attempt++) {
    const now = await judged();
    const { before, size } = now;
    const adds = attempt === 1 ? now.adds : most(now);
    checkSignal(ctx.signal);
    await ctx.commit({
      id: staged,
      size,
      adds,
      ...(before !== undefined && { etagBefore: before }),
    });
    try {
      const bound = [Math.max(adds.bytes, 0), Math.max(adds.files, 0)];
      return await database.effect(name, staged, [...values, ...bound]);
    } catch (error) {
      if (!isOutgrown(error) || attempt === tries) throw error;
    }
  }
};

const judgedOf = (answer: unknown, size: number): Judged => ({
  before: textField(answer, "before"),
  size,
  adds: { bytes: numberField(answer, "bytes"), files: numberField(answer, "files") },
});

const replacedOf = (result: unknown): { replaced?: { size: number } } => {
  const size = field(result, "replaced");
  return typeof size === "number" ? { replaced: { size } } : {};
};

const written = (result: unknown): WriteResult => {
  const replaced = replacedOf(result);
  return {
    etag: textField(result, "etag") ?? "",
    size: numberField(result, "size"),
    created: replaced.replaced === undefined,
    ...replaced,
  };
};

/** `Backend.write`: content first, then one short transaction. */
export const write =
  (volume: Volume): Backend["write"] =>
  async (ctx, path, body, options = {}) => {
    checkSignal(ctx.signal);
    const { contentType = null, metadata = null } = options;
    const blob = randomUUID();
    const valuesOf = (size: number): readonly unknown[] => [
      segmentsOf(path),
      ...modeOf(options.mode ?? "overwrite"),
      size,
      contentType,
      metadata === null ? null : JSON.stringify(metadata),
      ctx.now,
      volume.graceMs,
    ];
    const judged = async (size: number): Promise<Judged> =>
      judgedOf(
        await volume.database.json("judgeWrite", [...valuesOf(size).slice(0, 3), size], ctx.signal),
        size,
      );
    // A small body costs less than the question whether it will be wanted.
    if (body.size === undefined || body.size > chunkBytes) await judged(body.size ?? 0);
    let result: unknown;
    try {
      const size = await stage(volume, blob, body, ctx.signal);
      const again = (): Promise<Judged> => judged(size);
      result = await grow(volume, ctx, "write", blob, valuesOf(size), again, () => ({
        bytes: size,
        files: 1,
      }));
    } catch (error) {
      await discard(volume, blob);
      throw error;
    }
    const answer = written(result);
    if (!answer.created) volume.retired();
    return answer;
  };

/** `Backend.mkdir`. */
export const mkdir =
  (volume: Volume): Backend["mkdir"] =>
  async (ctx, path) => {
    checkSignal(ctx.signal);
    const values = [segmentsOf(path), ctx.now];
    await judge(volume, ctx, "mkdir", values);
    await change(volume, ctx, "mkdir", randomUUID(), values, 0, undefined);
  };

/** `Backend.remove`: a tree in one transaction. Throws `too-large` beyond the bound. */
export const remove =
  (volume: Volume): Backend["remove"] =>
  async (ctx, path, { recursive = false, ifMatch } = {}) => {
    checkSignal(ctx.signal);
    const values = [
      segmentsOf(path),
      recursive,
      matchOf(ifMatch),
      volume.graceMs,
      volume.maxTreeEntries,
    ];
    const before = textField(await judge(volume, ctx, "remove", values), "before");
    const result = await change(volume, ctx, "remove", randomUUID(), values, 0, before);
    const gone = { files: numberField(result, "files"), bytes: numberField(result, "bytes") };
    if (gone.files > 0) volume.retired();
    return gone;
  };

/** Judges and makes a copy or move. */
const transfer = async (
  volume: Volume,
  ctx: OpContext,
  move: boolean,
  from: BackendPath,
  to: BackendPath,
  { mode = "create", ifMatch }: MoveOptions = {},
): Promise<unknown> => {
  checkSignal(ctx.signal);
  if (isRoot(from))
    throw new FileError("invalid-request", "The root of a storage cannot be copied or moved.");
  if (from === to && mode !== "create")
    throw new FileError("invalid-request", "Source and target are the same path.");
  const values = [
    move,
    segmentsOf(from),
    segmentsOf(to),
    from !== to && isUnder(from, to),
    ...modeOf(mode),
    matchOf(ifMatch),
    ctx.now,
    volume.graceMs,
    volume.maxTreeEntries,
  ];
  let replaces = false;
  const judged = async (): Promise<Judged> => {
    const answer = await volume.database.json("judgeTransfer", values, ctx.signal);
    const now = judgedOf(answer, numberField(answer, "size"));
    replaces = now.before !== undefined;
    return now;
  };
  // What is replaced may be gone by then.
  const most = ({ size, adds: { bytes, files } }: Judged): Judged["adds"] =>
    move ? { bytes: 0, files: 0 } : { bytes: Math.max(bytes, size), files: Math.max(files, 1) };
  const result = await grow(volume, ctx, "transfer", randomUUID(), values, judged, most);
  if (replaces) volume.retired();
  return result;
};

/** `Backend.copy`: rows are copied, contents shared. */
export const copy =
  (volume: Volume): Backend["copy"] =>
  async (ctx, from, to, options) => {
    const result = await transfer(volume, ctx, false, from, to, options);
    return typeof result === "object" && result !== null && "etag" in result
      ? written(result)
      : { files: numberField(result, "files"), bytes: numberField(result, "bytes") };
  };

/** `Backend.move`: one row, whatever lies below it. */
export const move =
  (volume: Volume): Backend["move"] =>
  async (ctx, from, to, options) =>
    replacedOf(await transfer(volume, ctx, true, from, to, options));
