import { createHash, hash, type Hash } from "node:crypto";

/** The bytes that are digested, read and verified together. */
export const frameBytes: number = 4 * 1024 * 1024;

/** A digest in hex. */
export const digestOf = (bytes: Uint8Array): string => hash("sha256", bytes, "hex");

export interface Digests {
  readonly size: number;
  /** SHA-256 of the whole, in hex. */
  readonly digest: string;
  /** SHA-256 of each frame, in hex, one behind the other. */
  readonly frames: string;
}

/** Digests a stream as it passes, whole and by frames. */
export const digester = (): {
  readonly update: (chunk: Uint8Array) => void;
  readonly end: () => Digests;
} => {
  // The first frame is hashed once: where it ends, its hash goes on as that of the whole.
  let whole: Hash | undefined;
  const frames: string[] = [];
  let frame: Hash = createHash("sha256");
  let inFrame = 0;
  let size = 0;
  const close = (): void => {
    frames.push((whole === undefined ? frame.copy() : frame).digest("hex"));
    whole ??= frame;
    frame = createHash("sha256");
    inFrame = 0;
  };
  return {
    update: (chunk) => {
      size += chunk.length;
      for (let at = 0; at < chunk.length;) {
        const part = chunk.subarray(at, at + frameBytes - inFrame);
        whole?.update(part);
        frame.update(part);
        at += part.length;
        inFrame += part.length;
        if (inFrame === frameBytes) close();
      }
    },
    end: () => {
      if (inFrame > 0) close();
      return { size, digest: (whole ?? frame).digest("hex"), frames: frames.join("") };
    },
  };
};

/** The digest of one frame among `frames`; empty beyond the last. */
export const frameDigest = (frames: string, index: number): string =>
  frames.slice(index * 64, index * 64 + 64);
