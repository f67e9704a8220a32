import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { FileError } from "@bulkhead/contract";
import type { SealedSecret, SecretPlace } from "@bulkhead/ledger";

/** Seals what the ledger keeps and must not be able to read. */
export interface Sealer {
  /** Names the key that `seal` uses. */
  readonly keyId: string;
  readonly seal: (place: SecretPlace, text: string) => SealedSecret;
  /** Throws `internal` for what was sealed under a key that is not known, for another place, or was changed. */
  readonly open: (place: SecretPlace, secret: SealedSecret) => string;
}

const nonceBytes = 12;
const tagBytes = 16;

const idOf = (key: Uint8Array): string =>
  createHash("sha256").update("bulkhead/key-id").update(key).digest("hex").slice(0, 16);

const placeBytes = ({ tenantUid, name }: SecretPlace): Buffer =>
  Buffer.from(JSON.stringify([tenantUid ?? null, name]));

const unreadable = (cause?: unknown): FileError =>
  new FileError(
    "internal",
    "A sealed secret cannot be opened with this server's master key.",
    cause === undefined ? {} : { cause },
  );

/**
 * Makes a sealer from keys of 32 bytes, derived from the master keys: the first one seals, all of them open. AES-256-GCM
 * (NIST SP 800-38D) with a random nonce; tenant and name are associated data, so that no secret serves in another place.
 */
export const sealer = (keys: readonly [Uint8Array, ...Uint8Array[]]): Sealer => {
  const [current] = keys;
  const known = new Map(keys.map((key) => [idOf(key), key]));
  const keyId = idOf(current);
  return {
    keyId,
    seal: (place, text) => {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", current, nonce);
      cipher.setAAD(placeBytes(place));
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return { keyId, sealed: Buffer.concat([nonce, cipher.getAuthTag(), body]) };
    },
    open: (place, secret) => {
      const key = known.get(secret.keyId);
      if (key === undefined || secret.sealed.length < nonceBytes + tagBytes) throw unreadable();
      try {
        const sealed = Buffer.from(secret.sealed);
        const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, nonceBytes));
        decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
        decipher.setAAD(placeBytes(place));
        const body = sealed.subarray(nonceBytes + tagBytes);
        return Buffer.concat([decipher.update(body), decipher.final()]).toString("utf8");
      } catch (error) {
        throw unreadable(error);
      }
    },
  };
};

/** Seals with the keys of the moment: they are asked for each time, since a master key may be replaced meanwhile. */
export const presentSealer = (
  keys: () => readonly [Uint8Array, ...Uint8Array[]],
): Pick<Sealer, "seal" | "open"> => ({
  seal: (place, text) => sealer(keys()).seal(place, text),
  open: (place, secret) => sealer(keys()).open(place, secret),
});
