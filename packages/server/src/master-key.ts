import { createHash, hkdfSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { secretFile } from "@bulkhead/engine";

/** The secret that everything signed or sealed by this ledger's servers is derived from. */
export interface MasterKey {
  /** Names the key without telling it. */
  readonly fingerprint: string;
  /** 32 bytes for one purpose (HKDF-SHA256, RFC 5869). */
  readonly derive: (purpose: string) => Uint8Array;
}

/** The key that signs and seals, and those that are good as well while it is being replaced. */
export interface MasterKeys {
  readonly current: MasterKey;
  readonly others: readonly MasterKey[];
}

/** The files of the data folder that hold master keys. */
export const keyFiles = {
  current: "master-key",
  next: "master-key.next",
  previous: "master-key.previous",
} as const;

/** Where keys come from instead of the files. */
export interface GivenKeys {
  readonly masterKey?: string | undefined;
  readonly otherMasterKey?: string | undefined;
}

const masterKey = (secret: string, where: string): MasterKey => {
  if (secret.length < 32)
    throw new Error(`${where} needs at least 32 characters; 'openssl rand -hex 32' makes one.`);
  const derive = (purpose: string): Uint8Array =>
    new Uint8Array(hkdfSync("sha256", Buffer.from(secret), "", `bulkhead/${purpose}`, 32));
  return {
    derive,
    fingerprint: createHash("sha256").update(derive("fingerprint")).digest("hex").slice(0, 32),
  };
};

/** Makes a key in a file of that name, mode 0600, unless one is there already. */
export const makeKeyFile = async (dataDir: string, name: string): Promise<void> => {
  await secretFile(dataDir, name, () => randomBytes(32).toString("hex"));
};

/**
 * Takes the keys that are `given`, else those of the data folder's files, the first of which is made at first start with
 * mode 0600. Rejects for one of less than 32 characters.
 */
export const openMasterKeys = async (dataDir: string, given: GivenKeys): Promise<MasterKeys> => {
  if (given.masterKey === undefined) await makeKeyFile(dataDir, keyFiles.current);
  return readMasterKeys(dataDir, given);
};

/** Does the same where the key has been made already, as of now. */
export const readMasterKeys = (dataDir: string, given: GivenKeys): MasterKeys => {
  const { masterKey: own, otherMasterKey: other } = given;
  if (own !== undefined)
    return {
      current: masterKey(own, "BULKHEAD_MASTER_KEY"),
      others: other === undefined ? [] : [masterKey(other, "BULKHEAD_MASTER_KEY_OTHER")],
    };
  if (other !== undefined)
    throw new Error("BULKHEAD_MASTER_KEY_OTHER stands beside a BULKHEAD_MASTER_KEY.");
  const text = (name: string): string | undefined => textOf(join(dataDir, name));
  for (;;) {
    const secret = text(keyFiles.current);
    const beside = [keyFiles.next, keyFiles.previous].map((name) => ({ name, key: text(name) }));
    // The files change their names when the key is replaced: they are of one moment if the first is the same again.
    if (text(keyFiles.current) !== secret) continue;
    if (secret === undefined) throw new Error(`${join(dataDir, keyFiles.current)} is not there.`);
    const current = masterKey(secret, join(dataDir, keyFiles.current));
    return {
      current,
      others: beside
        .flatMap(({ name, key }) =>
          key === undefined ? [] : [masterKey(key, join(dataDir, name))],
        )
        .filter(({ fingerprint }) => fingerprint !== current.fingerprint),
    };
  }
};

/** The keys that seal and open what the ledger keeps of secrets. */
export const sealKeysOf = ({
  current,
  others,
}: MasterKeys): readonly [Uint8Array, ...Uint8Array[]] => [
  current.derive("seal"),
  ...others.map((key) => key.derive("seal")),
];

/** The keys that sign heads of audit chains, and those whose signatures hold. */
export const auditKeysOf = ({
  current,
  others,
}: MasterKeys): readonly [Uint8Array, ...Uint8Array[]] => [
  current.derive("audit"),
  ...others.map((key) => key.derive("audit")),
];

const textOf = (file: string): string | undefined => {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
};
