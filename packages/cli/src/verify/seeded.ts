import { createCipheriv, createHash } from "node:crypto";

/** Draws the same again for the same seed, on every machine. */
export interface Seeded {
  /** A whole number from 0, below `bound`. */
  readonly below: (bound: number) => number;
  readonly one: <T>(of: readonly [T, ...T[]]) => T;
  readonly bytes: (length: number) => Buffer;
}

/** Draws from SHA-256 over the seed and a counter; what is long from AES under such a number. */
export const seeded = (seed: string): Seeded => {
  let counter = 0;
  const block = (): Buffer => createHash("sha256").update(`${seed}\n${counter++}`).digest();
  const below = (bound: number): number => block().readUInt32BE(0) % bound;
  return {
    below,
    one: (of) => of[below(of.length)] ?? of[0],
    bytes: (length) =>
      createCipheriv("aes-256-ctr", block(), Buffer.alloc(16)).update(Buffer.alloc(length)),
  };
};
