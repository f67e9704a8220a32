import { join } from "node:path";
import { type Ledger, mintKeyString } from "@bulkhead/ledger";
import { secretFile } from "./secret-file.ts";

/** The key of the operator, and whether this start made it. */
export interface PlatformKey {
  /** Where it is kept, unless the operator gave it. */
  readonly file: string | undefined;
  /** The key itself if it was made just now: the one time it is shown. */
  readonly minted: string | undefined;
}

/**
 * Makes sure that there is a platform key: the given one is added; without one, and without any in the ledger, one is
 * minted. It is in its file before its hash is in the ledger, so that a crash between the two locks nobody out.
 */
export const openPlatformKey = async (
  ledger: Ledger,
  dataDir: string,
  given: string | undefined,
): Promise<PlatformKey> => {
  if (given !== undefined) {
    await ledger.platformKeys.ensure({ env: given });
    return { file: undefined, minted: undefined };
  }
  const file = join(dataDir, "platform-key");
  if (await ledger.platformKeys.any()) return { file, minted: undefined };
  const key = await secretFile(dataDir, "platform-key", () => mintKeyString().key);
  await ledger.platformKeys.ensure({ env: key });
  return { file, minted: key };
};
