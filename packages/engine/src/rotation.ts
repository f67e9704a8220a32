import { type MasterKeys, openLedger, type Secrets } from "@bulkhead/ledger";
import { closers } from "./closers.ts";
import type { SealKeys } from "./open-tenant-databases.ts";
import { reachDatabase } from "./reach-database.ts";
import { sealer } from "./seal.ts";
import { refuseUnfinished } from "./unfinished.ts";

export interface RotationOptions {
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  readonly masterKeyFingerprint: string;
  readonly otherFingerprints: readonly string[];
}

/** What replacing a master key does in the ledger. */
export interface Rotation extends MasterKeys {
  /** Seals everything under the first of these keys that is sealed under another of them; answers how much that was. */
  readonly reseal: (keys: SealKeys) => Promise<number>;
  readonly close: () => Promise<void>;
}

const batch = 200;

/** Opens the ledger of a server, whether that runs or not, to replace its master key. Close it. */
export const openRotation = async (options: RotationOptions): Promise<Rotation> => {
  await refuseUnfinished(options.dataDir);
  const opened = closers(() => undefined);
  try {
    const url = await reachDatabase(options, opened);
    const { masterKeyFingerprint, otherFingerprints } = options;
    const ledger = await openLedger({ url, masterKeyFingerprint, otherFingerprints });
    opened.add(() => ledger.close());
    return {
      ...ledger.masterKeys,
      reseal: (keys) => resealAll(ledger.secrets, keys),
      close: opened.close,
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
};

/** Every batch is whole in itself: whoever is killed begins again with what is left. */
const resealAll = async (secrets: Secrets, keys: SealKeys): Promise<number> => {
  const sealing = sealer(keys);
  let count = 0;
  for (;;) {
    const left = await secrets.sealedOtherwise(sealing.keyId, batch);
    if (left.length === 0) return count;
    count += await secrets.reseal(
      left.map((one) => ({
        ...one,
        before: one.keyId,
        ...sealing.seal(one, sealing.open(one, one)),
      })),
    );
  }
};
