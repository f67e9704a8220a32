import { createHash } from "node:crypto";
import type { ImportSource } from "../import/source.ts";

/** Reads a file of either end: its SHA-256 in hex, and which state of it that is. */
export const digestOf = (
  end: ImportSource,
  below: readonly string[],
): Promise<{ readonly digest: string; readonly stamp: string }> =>
  end.open(below, async ({ data, stamp }) => {
    const hash = createHash("sha256");
    for await (const chunk of data) hash.update(chunk);
    return { digest: hash.digest("hex"), stamp };
  });
