import { reasonOf } from "@bulkhead/contract";
import type { Uploads } from "@bulkhead/ledger";
import { repeatedly } from "./repeatedly.ts";
import type { UploadsFolder } from "./uploads-folder.ts";

export interface StartUploadsOptions {
  readonly uploads: Pick<Uploads, "lapse" | "known">;
  readonly folder: Pick<UploadsFolder, "sweep">;
  readonly log: (event: string, detail: Readonly<Record<string, unknown>>) => void;
  readonly everyMs?: number;
}

/** Ends uploads that have expired, and removes what is left of those that are over. Returns what stops it. */
export const startUploads = ({
  uploads,
  folder,
  log,
  everyMs = 60_000,
}: StartUploadsOptions): (() => Promise<void>) =>
  repeatedly(async (signal) => {
    try {
      while (!signal.aborted && (await uploads.lapse()) > 0);
      if (!signal.aborted) await folder.sweep(uploads.known);
    } catch (error) {
      log("uploads-failed", { error: reasonOf(error) });
    }
  }, everyMs);
