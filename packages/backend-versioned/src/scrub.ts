import { isFileError, type OpContext } from "@bulkhead/contract";
import { checkSignal } from "./cancelled.ts";
import type { BlobStore } from "./collect.ts";
import { digestsAt, isWhole } from "./copy-blob.ts";

export interface DamagedBlob {
  readonly blob: string;
  /** `unreadable`: the storage answers, but not with this. */
  readonly fault: "missing" | "changed" | "unreadable";
}

export interface Scrubbed {
  readonly checked: number;
  /** In bytes. */
  readonly size: number;
  readonly damaged: readonly DamagedBlob[];
  /** Contents in rows of the trees that were named. */
  readonly damagedRows: readonly {
    readonly tree: string;
    readonly node: string;
    readonly version: string;
  }[];
}

const page = 100;

/** Reads every blob that a version stands on again, and the rows of the trees named, and names what is not what was stored. */
export const scrub = async (
  ctx: OpContext,
  { store, content, ledger }: BlobStore,
  trees: readonly string[] = [],
): Promise<Scrubbed> => {
  const damaged: DamagedBlob[] = [];
  let checked = 0;
  let size = 0;
  let after: string | undefined;
  for (;;) {
    const blobs = await ledger.blobsAfter(store, after, page);
    for (const blob of blobs) {
      checkSignal(ctx.signal);
      checked += 1;
      size += blob.size;
      try {
        if (!isWhole(blob, await digestsAt(ctx, content, blob.id)))
          damaged.push({ blob: blob.id, fault: "changed" });
      } catch (error) {
        checkSignal(ctx.signal);
        const missing = isFileError(error, "not-found");
        // One file that cannot be read hides no other; a storage that answers nothing says nothing of its files.
        if (!missing) await content.probe(ctx);
        damaged.push({ blob: blob.id, fault: missing ? "missing" : "unreadable" });
      }
    }
    after = blobs.at(-1)?.id;
    if (blobs.length < page) break;
  }
  const rows = await Promise.all(
    trees.map(async (tree) => (await ledger.damagedRows(tree)).map((row) => ({ tree, ...row }))),
  );
  return { checked, size, damaged, damagedRows: rows.flat() };
};
