import { createHash, randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/** 256 random bits for the URL of a link; only the SHA-256 is stored. */
export const newToken = (): { readonly token: string; readonly hash: Uint8Array } => {
  const token = randomBytes(32).toString("base64url");
  return { token, hash: hashToken(token) };
};

export const hashToken = (token: string): Uint8Array => createHash("sha256").update(token).digest();

/** Cost of scrypt (RFC 7914): 16 MiB and some 50 ms. */
const cost = { N: 16_384, r: 8, p: 1 } as const;
const length = 32;

const derive = (password: string, salt: Uint8Array): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    scrypt(password.normalize("NFC"), salt, length, cost, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });

/** A password as it is stored: `scrypt.<salt>.<key>`, in base64url. People choose it, so that it needs a slow hash. */
export const hashPassword = async (password: string): Promise<string> => {
  const salt = randomBytes(16);
  const key = await derive(password, salt);
  return `scrypt.${salt.toString("base64url")}.${key.toString("base64url")}`;
};

/** True if it is the password that was stored; in constant time. */
export const isPassword = async (stored: string, password: string): Promise<boolean> => {
  const [, salt = "", key = ""] = stored.split(".");
  const expected = Buffer.from(key, "base64url");
  const given = await derive(password, Buffer.from(salt, "base64url"));
  return expected.length === given.length && timingSafeEqual(expected, given);
};
