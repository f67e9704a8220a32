import { join } from "node:path";
import type { UploadControl } from "@bulkhead/contract";
import type { Ledger } from "@bulkhead/ledger";
import type { Closers } from "./closers.ts";
import type { EngineOptions } from "./engine-options.ts";
import { openUploads, type UploadsOptions } from "./open-uploads.ts";
import { startUploads } from "./start-uploads.ts";
import { uploadsFolder } from "./uploads-folder.ts";

const dayMs = 86_400_000;

export interface ServeUploadsOptions extends Pick<
  UploadsOptions,
  "storages" | "governed" | "roots" | "asks"
> {
  readonly options: Pick<
    EngineOptions,
    "uploads" | "dataDir" | "namespaceRoots" | "region" | "log"
  >;
  readonly ledger: Pick<Ledger, "uploads" | "reservations" | "idempotency">;
}

/** Opens the folder of uploads in parts, begins to look after it, and serves what is staged there. */
export const serveUploads = async (
  { options, ledger, ...governed }: ServeUploadsOptions,
  opened: Closers,
): Promise<UploadControl> => {
  const { uploads, reservations, idempotency } = ledger;
  const { namespaceRoots, region, dataDir, log } = options;
  const folder = await uploadsFolder(options.uploads?.root ?? join(dataDir, "uploads"));
  opened.add(startUploads({ uploads, folder, log }));
  const expiryMs = options.uploads?.expiryMs ?? dayMs;
  const kept = { uploads, reservations, idempotency, folder, expiryMs };
  return openUploads({ ...kept, ...governed, namespaceRoots, region });
};
