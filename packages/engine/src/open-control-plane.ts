import { reasonOf } from "@bulkhead/contract";
import { type Ledger, lockDataDir, openLedger, startEmbedded } from "@bulkhead/ledger";
import type { Closers } from "./closers.ts";
import type { EngineOptions } from "./engine-options.ts";
import { refuseUnfinished } from "./unfinished.ts";

/** The ledger, and where it is. */
export interface ControlPlane {
  readonly ledger: Ledger;
  readonly url: string;
  /** True if nobody else uses that server. */
  readonly own: boolean;
}

/** The ledger, in the PostgreSQL that is named or in one of our own, whose folder no second server may use. */
export const openControlPlane = async (
  options: Pick<
    EngineOptions,
    "databaseUrl" | "dataDir" | "masterKeyFingerprint" | "otherFingerprints" | "region" | "log"
  >,
  opened: Closers,
): Promise<ControlPlane> => {
  await refuseUnfinished(options.dataDir);
  let url = options.databaseUrl;
  if (url === undefined) {
    const lock = await lockDataDir(options.dataDir);
    opened.add(() => lock.release());
    const postgres = await startEmbedded({ dataDir: options.dataDir });
    opened.add(() => postgres.stop());
    url = postgres.url;
  }
  const ledger = await openLedger({
    url,
    masterKeyFingerprint: options.masterKeyFingerprint,
    otherFingerprints: options.otherFingerprints,
    region: options.region,
    log: ({ message, error }) =>
      options.log("ledger", {
        message,
        ...(error !== undefined && { error: reasonOf(error) }),
      }),
  });
  opened.add(() => ledger.close());
  return { ledger, url, own: options.databaseUrl === undefined };
};
