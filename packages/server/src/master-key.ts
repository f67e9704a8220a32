import { createHash, hkdfSync, randomBytes } from "node:crypto";
import { join } from "node:path";
import { secretFile } from "@bulkhead/engine";

/** The secret that everything signed or sealed by this ledger's servers is derived from. */
export interface MasterKey {
  /** Names the key without telling it. */
  readonly fingerprint: string;
  /** 32 bytes for one purpose (HKDF-SHA256, RFC 5869). */
  readonly derive: (purpose: string) => Uint8Array;
}

const fileName = "master-key";

const masterKey = (secret: Uint8Array): MasterKey => {
  const derive = (purpose: string): Uint8Array =>
    new Uint8Array(hkdfSync("sha256", secret, "", `bulkhead/${purpose}`, 32));
  return {
    derive,
    fingerprint: createHash("sha256").update(derive("fingerprint")).digest("hex").slice(0, 32),
  };
};

/**
 * Takes the key from `given`, else from `<dataDir>/master-key`, which is made at first start with mode 0600. Rejects
 * for one of less than 32 characters.
 */
export const openMasterKey = async (
  dataDir: string,
  given: string | undefined,
): Promise<MasterKey> => {
  const secret =
    given ?? (await secretFile(dataDir, fileName, () => randomBytes(32).toString("hex")));
  if (secret.length < 32)
    throw new Error(
      `${given === undefined ? join(dataDir, fileName) : "BULKHEAD_MASTER_KEY"} needs at least 32 characters; 'openssl rand -hex 32' makes one.`,
    );
  return masterKey(Buffer.from(secret));
};
