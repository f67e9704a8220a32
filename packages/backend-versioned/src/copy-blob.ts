import { type Backend, FileError, isFileError, type OpContext } from "@bulkhead/contract";
import { chunksOf, plainContext } from "@bulkhead/kit";
import { checkSignal } from "./cancelled.ts";
import { type Digests, digester } from "./frames.ts";
import type { StoredBlob } from "./ledger-commit.ts";
import { placeOf } from "./place.ts";

/** What a blob has to be, wherever it lies. */
export type DigestedBlob = StoredBlob & { readonly digest: string };

/** Digests the bytes of a blob as a storage gives them. Rejects with `not-found` where it has none. */
export const digestsAt = async (ctx: OpContext, content: Backend, id: string): Promise<Digests> => {
  const digests = digester();
  await using read = await content.read(ctx, placeOf(id));
  for await (const chunk of chunksOf(read.content)) {
    checkSignal(ctx.signal);
    digests.update(chunk);
  }
  return digests.end();
};

/** True if the digests of a blob's bytes are those that its row has. */
export const isWhole = (blob: DigestedBlob, { digest, frames }: Digests): boolean =>
  digest === blob.digest && frames === blob.frames;

const damagedSource = (id: string): FileError =>
  new FileError(
    "internal",
    `The stored content ${id} is damaged; a copy of it would be as well. Bring it back from a backup first.`,
    { retry: "never" },
  );

/**
 * Copies a blob from one storage to another and reads it again there: once this resolves, the other storage gave the
 * bytes that were stored. Rejects with `not-found` where the first one has it no more, with `internal` where what it has
 * is not what was stored.
 */
export const copyBlob = async (
  ctx: OpContext,
  from: Backend,
  to: Backend,
  blob: DigestedBlob,
): Promise<void> => {
  // Nobody can see a blob: bringing it is nobody's commit to grant.
  const own = plainContext({ signal: ctx.signal, requestId: ctx.requestId, now: ctx.now });
  const place = placeOf(blob.id);
  const write = async (): Promise<boolean> => {
    await using read = await from.read(own, place);
    async function* checked(): AsyncGenerator<Uint8Array> {
      const digests = digester();
      for await (const chunk of chunksOf(read.content)) {
        checkSignal(ctx.signal);
        digests.update(chunk);
        yield chunk;
      }
      if (!isWhole(blob, digests.end())) throw damagedSource(blob.id);
    }
    try {
      const body = { size: blob.size, replayable: false, open: checked };
      await to.write(own, place, body, { mode: "create" });
      return true;
    } catch (error) {
      if (isFileError(error, "already-exists")) return false;
      throw error;
    }
  };

  const made = await write();
  if (isWhole(blob, await digestsAt(own, to, blob.id))) return;
  if (!made) {
    // What an earlier attempt left is not what it should be.
    await to.remove(own, place);
    await write();
    if (isWhole(blob, await digestsAt(own, to, blob.id))) return;
  }
  throw new FileError(
    "unavailable",
    `The storage does not give the content ${blob.id} back as it was put there.`,
  );
};
