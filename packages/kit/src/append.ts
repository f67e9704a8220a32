import {
  type AnyPath,
  type Body,
  FileError,
  isFileError,
  type OpContext,
  type Store,
  type WriteOptions,
  type WriteResult,
} from "@bulkhead/contract";
import { collect } from "./body.ts";
import { checkSignal } from "./pace.ts";

/** The largest result of an append, in bytes. */
export const appendLimit: number = 64 * 1024 * 1024;

export interface AppendOptions {
  /** Bounds the file after the append, in bytes; 64 MiB by default. */
  readonly limit?: number;
  /** For a file that the append makes; one that is there keeps its own. */
  readonly contentType?: string;
}

const attempts = 64;

/**
 * Appends `body`, making the file and its parents where they are missing. Reads and writes with `ifMatch` until no other
 * writer came between, so that of many appends at once none is lost. Throws `too-large` where the result would exceed
 * the limit, and `conflict` if others keep coming first.
 */
export const append = async <P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  path: P,
  body: Body,
  options: AppendOptions = {},
): Promise<WriteResult> => {
  const limit = options.limit ?? appendLimit;
  await admitted(store, ctx, path);
  const added = await collect(body.open(), limit);
  for (let attempt = 0; attempt < attempts; attempt++) {
    if (attempt > 0) await pause(attempt);
    checkSignal(ctx.signal);
    const old = await existing(store, ctx, path, limit - added.length, limit);
    try {
      return await store.write(
        ctx,
        path,
        joined(old?.content, added),
        old?.options ?? creating(options),
      );
    } catch (error) {
      const raced = old === undefined ? "already-exists" : "precondition-failed";
      if (!isFileError(error, raced)) throw error;
    }
  }
  throw new FileError("conflict", "Other writers kept changing this file; try again.");
};

/** Who may not append, or not to this, is told so before the body is gathered. */
const admitted = async <P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  path: P,
): Promise<void> => {
  try {
    await (await store.read(ctx, path))[Symbol.asyncDispose]();
  } catch (error) {
    if (!isFileError(error, "not-found")) throw error;
  }
};

const creating = ({ contentType }: AppendOptions): WriteOptions => ({
  mode: "create",
  ...(contentType !== undefined && { contentType }),
});

interface Existing {
  readonly content: Uint8Array;
  readonly options: WriteOptions;
}

const existing = async <P extends AnyPath, C extends OpContext>(
  store: Store<P, C>,
  ctx: C,
  path: P,
  room: number,
  limit: number,
): Promise<Existing | undefined> => {
  try {
    await using result = await store.read(ctx, path);
    const { stat } = result;
    if (stat.size > room)
      throw new FileError(
        "too-large",
        `A file grows to at most ${limit} bytes by appending; write it anew instead.`,
        {
          fields: { limit },
        },
      );
    if (stat.etag === undefined)
      throw new FileError("invalid-request", "This storage gives no ETag to append by.");
    const options: WriteOptions = {
      mode: { ifMatch: stat.etag },
      ...(stat.contentType !== undefined && { contentType: stat.contentType }),
      ...(stat.metadata !== undefined && { metadata: stat.metadata }),
    };
    return { content: await collect(result.content), options };
  } catch (error) {
    if (isFileError(error, "not-found")) return undefined;
    throw error;
  }
};

const joined = (before: Uint8Array | undefined, added: Uint8Array): Body => ({
  size: (before?.length ?? 0) + added.length,
  replayable: true,
  open: async function* () {
    for (const part of [before, added]) if (part !== undefined && part.length > 0) yield part;
  },
});

/** At random, so that appenders that met once do not meet again; 50 ms at most. */
const pause = (attempt: number): Promise<void> =>
  new Promise((resume) => setTimeout(resume, Math.random() * Math.min(50, 2 ** attempt)));
