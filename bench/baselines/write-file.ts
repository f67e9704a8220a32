import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

/** The bare file: written as it comes, hashed, and synced. */
export const writeFile = async (
  path: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<string> => {
  const hash = createHash("sha256");
  await using file = await open(path, "w");
  for await (const chunk of chunks) {
    hash.update(chunk);
    await file.write(chunk);
  }
  await file.datasync();
  return hash.digest("hex");
};
