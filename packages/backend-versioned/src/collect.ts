import { type Backend, FileError, isFileError, type OpContext } from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import { checkSignal } from "./cancelled.ts";
import type { BlobLedger } from "./ledger-commit.ts";
import { type ListedBlob, listBlobs } from "./list-blobs.ts";
import { placeOf } from "./place.ts";

/** A storage of blobs and what the ledger knows of them. */
export interface BlobStore {
  /** The name under which the trees' rows know the storage. */
  readonly store: string;
  readonly content: Backend;
  readonly ledger: BlobLedger;
}

export interface CollectOptions {
  /** In milliseconds; longer than the longest download and than the window of a backup. */
  readonly graceMs: number;
  /** Counts, and takes nothing. */
  readonly dryRun?: boolean;
  /** The greatest share of all blobs that one run may take, from 0 to 1; 0.2 by default. A few may always go. */
  readonly maxShare?: number;
}

export interface Collected {
  /** Rows on which nothing stood: their bytes go after the grace. */
  readonly buried: number;
  /** Blobs whose bytes went, or would. */
  readonly removed: number;
  /** Of these, how many the ledger had never heard of, or had forgotten. */
  readonly unknown: number;
}

/** So many may go whatever their share, or a small storage could never be collected. */
const always = 16;
const batch = 500;

const refuse = (detail: string): never => {
  throw new FileError("conflict", detail, { retry: "never" });
};

const unknownAmong = async (
  ledger: BlobLedger,
  blobs: readonly ListedBlob[],
): Promise<readonly string[]> => {
  const unknown: string[] = [];
  for (let at = 0; at < blobs.length; at += batch)
    unknown.push(
      ...(await ledger.unknownBlobs(blobs.slice(at, at + batch).map((blob) => blob.id))),
    );
  return unknown;
};

/**
 * Takes the blobs that no version needs: the row first, the bytes after the grace; and bytes of no row at all, once they
 * are older than that. Rejects with `conflict` before it takes anything where the storage does not show what the ledger
 * knows to be there, or where more than `maxShare` would go; with the storage's own error where it cannot list.
 */
export const collect = async (
  ctx: OpContext,
  { store, content, ledger }: BlobStore,
  { graceMs, dryRun = false, maxShare = 0.2 }: CollectOptions,
): Promise<Collected> => {
  const needed = await ledger.blobsAfter(store, undefined, batch);
  const listed = await listBlobs(ctx, content);
  const shown = new Set(listed.map((blob) => blob.id));
  if (needed.length > 0 && !needed.some((blob) => shown.has(blob.id)))
    refuse(
      "The storage shows none of the blobs that the ledger knows; it may be another folder or bucket. Nothing was collected.",
    );
  const old = listed.filter((blob) => blob.modifiedAt <= ctx.now - graceMs);
  const unknown = await unknownAmong(ledger, old);
  const { blobs, idle, tombstones, due } = await ledger.weighBlobs(store, graceMs);
  const going = idle + due + unknown.length;
  const all = blobs + tombstones + unknown.length;
  if (going > Math.max(always, all * maxShare))
    refuse(
      `Collecting would take ${going} of ${all} blobs, more than the share of ${maxShare}; look why, then allow a greater share.`,
    );
  if (dryRun) return { buried: idle, removed: due + unknown.length, unknown: unknown.length };

  let buried = 0;
  for (;;) {
    checkSignal(ctx.signal);
    const count = await ledger.buryBlobs(store, batch);
    buried += count;
    if (count < batch) break;
  }
  // Nobody can see a blob: its removal is nobody's commit to grant.
  const own = plainContext({ signal: ctx.signal, requestId: ctx.requestId, now: ctx.now });
  const take = async (ids: readonly string[]): Promise<void> => {
    for (const id of ids) {
      checkSignal(ctx.signal);
      await content.remove(own, placeOf(id)).catch((error: unknown) => {
        if (!isFileError(error, "not-found")) throw error;
      });
    }
    await ledger.forgetBlobs(ids);
  };
  let removed = unknown.length;
  await take(unknown);
  for (;;) {
    const ids = await ledger.dueBlobs(store, graceMs, batch);
    if (ids.length === 0) break;
    await take(ids);
    removed += ids.length;
  }
  return { buried, removed, unknown: unknown.length };
};
