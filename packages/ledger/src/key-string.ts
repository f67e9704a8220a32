import { hash, randomBytes } from "node:crypto";

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Writes `bytes`, as one number, in exactly `length` base62 digits, or undefined if it needs more. */
const toBase62 = (bytes: Uint8Array, length: number): string | undefined => {
  let number = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  let digits = "";
  for (let i = 0; i < length; i++) {
    digits = alphabet.charAt(Number(number % 62n)) + digits;
    number /= 62n;
  }
  return number === 0n ? digits : undefined;
};

/** Draws `bytes` random bytes as base62 of fixed length; a draw that does not fit is drawn again, so that none is likelier. */
const draw = (bytes: number, length: number): string => {
  for (;;) {
    const digits = toBase62(randomBytes(bytes), length);
    if (digits !== undefined) return digits;
  }
};

/** A key as it is shown once, and what is stored of it. */
export interface KeyString {
  /** 16 base62 digits. */
  readonly id: string;
  /** `bhk_<id>_<secret>`; the secret is 256 random bits in 43 base62 digits. */
  readonly key: string;
  /** SHA-256 of `key`. */
  readonly hash: Uint8Array;
}

/** The SHA-256 of a credential as sent. */
export const hashKey = (key: string): Uint8Array => hash("sha256", key, "buffer");

/** Draws an id for a key: 16 random base62 digits, of 96 bits drawn again until they fit. */
export const mintKeyId = (): string => draw(12, 16);

/** Mints a key. */
export const mintKeyString = (): KeyString => {
  const id = mintKeyId();
  const key = `bhk_${id}_${draw(32, 43)}`;
  return { id, key, hash: hashKey(key) };
};

/** The id inside a key of our own form, or undefined for any other string. */
export const keyIdOf = (key: string): string | undefined =>
  /^bhk_([0-9A-Za-z]{16})_[0-9A-Za-z]{43}$/.exec(key)?.[1];
