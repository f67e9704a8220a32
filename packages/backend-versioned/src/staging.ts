import {
  type Backend,
  FileError,
  isFileError,
  type Mode,
  type OpContext,
} from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import { checkSignal } from "./cancelled.ts";
import { type Digests, digester } from "./frames.ts";
import type { LedgerCommit, TreeRef } from "./ledger-commit.ts";
import { placeOf } from "./place.ts";
import { found } from "./refusal.ts";

/** Content that is stored and durable, and nobody's yet. */
export interface StagedBlob extends Digests {
  readonly id: string;
}

export interface StageRequest {
  readonly path: string;
  readonly mode: Mode;
  readonly size: number | undefined;
  readonly content: () => AsyncIterable<Uint8Array>;
}

export interface Staging {
  /** Registers a blob, stores content under its id while digesting it, and keeps its lease until `use` has ended. */
  readonly hold: <R>(
    ctx: OpContext,
    request: StageRequest,
    use: (blob: StagedBlob) => Promise<R>,
  ) => Promise<R>;
  readonly close: () => void;
}

const renewEveryMs = 20_000;

export interface StagingOptions {
  readonly tree: TreeRef;
  readonly ledger: LedgerCommit;
  readonly content: Backend;
}

/** Keeps content that is written before its commit: a row with a lease first, then the bytes, then the commit. */
export const staging = ({ tree, ledger, content }: StagingOptions): Staging => {
  const leased = new Set<string>();
  let renewing: NodeJS.Timeout | undefined;

  const renew = (): void => {
    renewing ??= setTimeout(() => {
      renewing = undefined;
      if (leased.size === 0) return;
      // A lease that could not be renewed is noticed at the commit, if the collector took the row meanwhile.
      void ledger.renewBlobs(tree, [...leased]).catch(() => undefined);
      renew();
    }, renewEveryMs).unref();
  };

  /** Invisible until the ledger swaps a row, so that nobody has to be asked, and nobody's request stops it half-way. */
  const own = (ctx: OpContext, signal: AbortSignal): OpContext =>
    plainContext({ signal, requestId: ctx.requestId, now: ctx.now });

  const store = async (ctx: OpContext, id: string, request: StageRequest): Promise<Digests> => {
    const digests = digester();
    async function* digested(): AsyncGenerator<Uint8Array> {
      for await (const chunk of request.content()) {
        checkSignal(ctx.signal);
        digests.update(chunk);
        yield chunk;
      }
    }
    const body = { size: request.size, replayable: false, open: digested };
    const { size } = await content.write(own(ctx, ctx.signal), placeOf(id), body, {
      mode: "create",
    });
    const taken = digests.end();
    // What is stored by halves must not be committed: its old content would be past, and the new one never readable.
    if (size !== taken.size)
      throw new FileError("unavailable", "The storage stored another size than it was sent.");
    return taken;
  };

  /** Frees what was staged, the row first: once that is gone no commit can stand on it. */
  const discard = async (ctx: OpContext, id: string): Promise<void> => {
    try {
      if (!(await ledger.discardBlob(tree, id))) return;
      await content
        .remove(own(ctx, AbortSignal.timeout(10_000)), placeOf(id))
        .catch((error: unknown) => {
          if (!isFileError(error, "not-found")) throw error;
        });
      await ledger.forgetBlob(tree, id);
    } catch {
      // The collector takes what is left: the row without a lease, or the tombstone.
    }
  };

  return {
    hold: async (ctx, request, use) => {
      const { id } = found(await ledger.openBlob(tree, request.path, request.mode, request.size));
      leased.add(id);
      renew();
      try {
        const digests = await store(ctx, id, request);
        return await use({ id, ...digests });
      } catch (error) {
        leased.delete(id);
        await discard(ctx, id);
        throw error;
      } finally {
        leased.delete(id);
      }
    },
    close: () => clearTimeout(renewing),
  };
};
