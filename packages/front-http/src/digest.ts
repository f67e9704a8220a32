import { createHash, type Hash } from "node:crypto";
import { parseDictionary } from "structured-headers";
import { malformed } from "./fault.ts";

const algorithms: Readonly<Record<string, { readonly name: string; readonly bytes: number }>> = {
  "sha-256": { name: "sha256", bytes: 32 },
  "sha-512": { name: "sha512", bytes: 64 },
};

interface Expected {
  readonly header: string;
  readonly algorithm: string;
  readonly digest: Buffer;
  readonly hash: Hash;
}

/** Sees a body go by; `finish` throws `invalid-request` if it was another than announced. */
export interface DigestCheck {
  readonly update: (chunk: Uint8Array) => void;
  readonly finish: () => void;
}

const expectedOf = (header: string, value: string): readonly Expected[] => {
  const wrong = (): never => {
    throw malformed(
      `'${header}' names sha-256 or sha-512 with a digest of that length, as in RFC 9530.`,
    );
  };
  const parse = (): ReturnType<typeof parseDictionary> => {
    try {
      return parseDictionary(value);
    } catch {
      return wrong();
    }
  };
  const expected: Expected[] = [];
  for (const [algorithm, [digest]] of parse()) {
    const known = algorithms[algorithm];
    // Others may stand beside one that is known (RFC 9530 §2), but not alone: nothing would be checked.
    if (known === undefined) continue;
    if (!(digest instanceof ArrayBuffer) || digest.byteLength !== known.bytes) return wrong();
    expected.push({ header, algorithm, digest: Buffer.from(digest), hash: createHash(known.name) });
  }
  return expected.length === 0 ? wrong() : expected;
};

/** Reads `Content-Digest` and `Repr-Digest` (RFC 9530); undefined where neither is there. Throws `invalid-request`. */
export const digestCheck = (
  content: string | undefined,
  representation: string | undefined,
): DigestCheck | undefined => {
  const expected = [
    ...(content === undefined ? [] : expectedOf("Content-Digest", content)),
    ...(representation === undefined ? [] : expectedOf("Repr-Digest", representation)),
  ];
  if (expected.length === 0) return undefined;
  return {
    update: (chunk) => {
      for (const { hash } of expected) hash.update(chunk);
    },
    finish: () => {
      for (const { header, algorithm, digest, hash } of expected)
        if (!hash.digest().equals(digest))
          throw malformed(
            `The body's ${algorithm} is not what '${header}' says; nothing was stored.`,
          );
    },
  };
};
