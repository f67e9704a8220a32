import type { RemoteContent } from "@bulkhead/client";
import { createHash, randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/** The SHA-256 that a server offers (RFC 9530), in base64. */
const offeredSha256 = (digest: string | undefined): string | undefined =>
  digest === undefined ? undefined : /(?:^|[\s,])sha-256=:([A-Za-z0-9+/=]+):/.exec(digest)?.[1];

/**
 * Writes content into the local file `target`: into a sibling first, which takes the place of `target` once all of it is
 * there, on disk, and as long and as digested as the server said. Whatever fails, `target` is as it was.
 */
export const receive = async (
  content: RemoteContent,
  target: string,
  seen: (bytes: number) => void,
): Promise<void> => {
  const staged = join(dirname(target), `.bulkhead-${randomBytes(6).toString("hex")}.part`);
  const expected = offeredSha256(content.digest);
  const hash = expected === undefined ? undefined : createHash("sha256");
  try {
    const file = await open(staged, "wx").catch(async (error: unknown) => {
      await content.stream.cancel();
      throw error;
    });
    try {
      for await (const chunk of content.stream) {
        hash?.update(chunk);
        seen(chunk.length);
        for (let at = 0; at < chunk.length;)
          at += (await file.write(chunk, at, chunk.length - at)).bytesWritten;
      }
      if (hash !== undefined && hash.digest("base64") !== expected)
        throw new Error(
          "what arrived is not what the server sent (its SHA-256 differs); try again",
        );
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(staged, target);
  } catch (error) {
    await rm(staged, { force: true });
    throw error;
  }
};
