import type { Body } from "@bulkhead/contract";
import { pull } from "./pull.ts";
import { chunkBytes, type Volume } from "./volume.ts";

/**
 * Streams a body into rows under `blob`, each in a transaction of its own that renews the lease; no connection is held
 * while the sender is waited for. Answers the bytes stored. What an error leaves is the caller's to discard.
 */
export const stage = async (
  { database, leaseMs }: Volume,
  blob: string,
  body: Body,
  signal: AbortSignal,
): Promise<number> => {
  let part = 0;
  let size = 0;
  for await (const bytes of pull(body, chunkBytes, signal)) {
    await database.rows("stage", [blob, part, bytes, leaseMs], signal);
    part += 1;
    size += bytes.length;
  }
  if (part === 0) await database.rows("stage", [blob, 0, new Uint8Array(), leaseMs], signal);
  return size;
};

/** Parts that one transaction deletes: 16 MiB. */
const partsAtOnce = 64;

/** Deletes a content that was given up or is due, in small steps. */
export const erase = async ({ database }: Volume, blob: string): Promise<void> => {
  for (;;) {
    const rows = await database.rows("erase", [blob, partsAtOnce]);
    if (rows[0]?.[0] === true) return;
  }
};

/** Gives up content that was not published; what cannot be deleted now is collected when its lease has lapsed. */
export const discard = async (volume: Volume, blob: string): Promise<void> => {
  try {
    await volume.database.rows("discard", [blob]);
    await erase(volume, blob);
  } catch {
    // The error that led here is the one to tell.
  }
};
