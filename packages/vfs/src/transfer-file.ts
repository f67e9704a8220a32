import { createHash, type Hash } from "node:crypto";
import {
  type Body,
  FileError,
  isFileError,
  type MoveOptions,
  type OpContext,
  type ReadOptions,
  type ReadResult,
  silent,
  type WriteOptions,
  type WriteResult,
} from "@bulkhead/contract";
import { checkDeclared, chunksOf } from "@bulkhead/kit";
import type { Place } from "./mount-table.ts";
import { narrow } from "./narrow.ts";

async function* hashed(content: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
}

const read = (place: Place, op: OpContext, options?: ReadOptions): Promise<ReadResult> =>
  place.mount.backend.read(op, place.path, options);

async function* reread(place: Place, op: OpContext, ifMatch: string): AsyncGenerator<Uint8Array> {
  await using result = await read(place, op, { ifMatch });
  yield* chunksOf(result.content);
}

const digestOf = async (content: AsyncIterable<Uint8Array>): Promise<string> => {
  const hash = createHash("sha256");
  for await (const chunk of content) hash.update(chunk);
  return hash.digest("hex");
};

interface Copied {
  readonly result: WriteResult;
  readonly digest: string;
  /** The source's, as it was copied. */
  readonly etag: string | undefined;
}

/** A file that is being moved from one storage to another, remembered so that somebody finishes it after a crash. */
export interface Remembered {
  /** Forgets it. False if somebody else is finishing it by now. */
  readonly end: () => Promise<boolean>;
}

const pour = async (
  op: OpContext,
  read1: ReadOptions | undefined,
  source: Place,
  target: Place,
  options: MoveOptions,
  begin: (etag: string | undefined) => Promise<void> = () => Promise.resolve(),
): Promise<Copied> => {
  await using first = await read(source, op, read1);
  const { stat } = first;
  const { backend } = target.mount;
  // A storage that is not open yet does not say what it keeps.
  if (stat.metadata !== undefined) await backend.probe(op);
  checkDeclared(backend.capability, options, stat.size);
  await begin(stat.etag);
  let hash = createHash("sha256");
  let opened = false;
  const body: Body = {
    size: stat.size,
    replayable: stat.etag !== undefined,
    open: () => {
      hash = createHash("sha256");
      const again =
        opened && stat.etag !== undefined ? reread(source, op, stat.etag) : chunksOf(first.content);
      opened = true;
      return hashed(again, hash);
    },
  };
  const writing: WriteOptions = {
    mode: options.mode ?? "create",
    ...(stat.contentType !== undefined && { contentType: stat.contentType }),
    ...(stat.metadata !== undefined && backend.capability.metadata && { metadata: stat.metadata }),
  };
  const result = await backend.write(op, target.path, body, writing);
  return { result, digest: hash.digest("hex"), etag: stat.etag };
};

/** Takes a copy away again unless another writer has been there. A failure leaves it: two are better than none. */
const discard = async (ctx: OpContext, target: Place, ifMatch: string): Promise<void> => {
  // The caller may be gone; the copy is not to stay for that.
  const op = { ...narrow(ctx, silent(ctx.settlement)), signal: new AbortController().signal };
  try {
    await target.mount.backend.remove(op, target.path, { ifMatch });
  } catch {
    // What has to be told is why the copy is not wanted.
  }
};

/** Reads the copy back. False if another writer has replaced or removed it, so that there is nothing to compare. */
const verify = async (ctx: OpContext, target: Place, copied: Copied): Promise<boolean> => {
  const { etag } = copied.result;
  let digest: string;
  try {
    digest = await digestOf(reread(target, narrow(ctx), etag));
  } catch (error) {
    if (isFileError(error, "precondition-failed") || isFileError(error, "not-found")) return false;
    throw error;
  }
  if (digest === copied.digest) return true;
  await discard(ctx, target, etag);
  throw new FileError(
    "unavailable",
    "The copy read back differs from its source and was removed; try again.",
  );
};

/** Copies one file to another storage: streamed once, read back, and compared by SHA-256. */
export const copyFile = async (
  ctx: OpContext,
  source: Place,
  target: Place,
  options: MoveOptions = {},
): Promise<WriteResult> => {
  const copied = await pour(narrow(ctx), ifMatchOf(options), source, target, options);
  await verify(ctx, target, copied);
  return copied.result;
};

const ifMatchOf = (options: MoveOptions): ReadOptions | undefined =>
  options.ifMatch === undefined ? undefined : { ifMatch: options.ifMatch };

/**
 * Moves one file to another storage: copies it as `copyFile` does, then removes the source, if it is still what was
 * copied. If it is not, the copy is removed and `precondition-failed` thrown. Whatever fails, at least one end is whole.
 * `remember` is told before the copy begins, with the source's ETag, and again once it is done or has failed.
 */
export const moveFile = async (
  ctx: OpContext,
  source: Place,
  target: Place,
  options: MoveOptions = {},
  remember?: (etag: string) => Promise<Remembered>,
): Promise<WriteResult> => {
  let remembered: Remembered | undefined;
  // A ledger that does not answer now is asked by whoever finishes, who finds nothing left to do.
  const end = async (): Promise<boolean> => (await remembered?.end().catch(() => false)) ?? true;
  try {
    const quiet = narrow(ctx, silent(ctx.settlement));
    const copied = await pour(quiet, ifMatchOf(options), source, target, options, async (etag) => {
      if (etag !== undefined) remembered = await remember?.(etag);
    });
    await confirm(ctx, target, copied);
    await leave(ctx, source, target, copied, end);
    await end();
    return copied.result;
  } catch (error) {
    await end();
    throw error;
  }
};

/** Removes the source of a copy, or the copy if the source has changed. */
const leave = async (
  ctx: OpContext,
  source: Place,
  target: Place,
  copied: Copied,
  end: () => Promise<boolean>,
): Promise<void> => {
  let granted = false;
  const op: OpContext = {
    ...narrow(ctx),
    commit: (staged) => {
      granted = true;
      return ctx.commit(staged);
    },
  };
  try {
    await source.mount.backend.remove(
      op,
      source.path,
      copied.etag === undefined ? {} : { ifMatch: copied.etag },
    );
  } catch (error) {
    const changed = isFileError(error, "precondition-failed") || isFileError(error, "not-found");
    // Once the removal was granted it may have happened, whatever was answered, and the copy may be the only one. The
    // same holds where somebody else is finishing the move.
    if (!changed || granted || !(await end())) throw error;
    await discard(ctx, target, copied.result.etag);
    throw new FileError(
      "precondition-failed",
      "The source changed while it was moved; it stays where it is.",
      {
        ...(isFileError(error) && { fields: error.fields }),
        cause: error,
      },
    );
  }
};

const confirm = async (ctx: OpContext, target: Place, copied: Copied): Promise<void> => {
  let whole: boolean;
  try {
    whole = await verify(ctx, target, copied);
  } catch (error) {
    // The source has not been touched. What the copy replaced is gone, though: then the copy stays for another attempt.
    if (copied.result.created) await discard(ctx, target, copied.result.etag);
    throw error;
  }
  if (!whole)
    throw new FileError(
      "conflict",
      "Another writer replaced the target while it was moved; the source stays.",
    );
};
