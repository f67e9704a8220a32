import { setTimeout as sleep } from "node:timers/promises";
import { type BackendPath, isFileError, parseBackendPath } from "@bulkhead/contract";
import { ownS3, tempDir, testBucket, testS3, waitFor } from "@bulkhead/harness";
import { collect, plainContext, textBody } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { s3 } from "./s3.ts";

const at = (path: string): BackendPath => parseBackendPath(path);
const { servers, reason } = await testS3();
const kind = servers[0]?.name;
// An endpoint that somebody else runs is not ours to kill.
const own = kind === "seaweedfs" || kind === "versitygw" ? kind : undefined;

describe.skipIf(own === undefined)(`an S3 server that is killed ${reason ?? ""}`, () => {
  it("in uploads, in parts and in small writes: what was acknowledged is there, the rest whole or not at all", async () => {
    if (own === undefined) return;
    await using dir = await tempDir();
    await using server = await ownS3(own, dir.path);
    const { options, unfinished } = await testBucket(server);
    const limits = { bufferBytes: 1024, singleBytes: 8 << 20, partBytes: 5 << 20 };
    const backend = await s3({ ...options, prefix: "t", limits });
    const ctx = plainContext();
    await backend.write(ctx, at("streamed"), textBody("old"));

    /** Bytes until the server is gone, and a few more. */
    let gone = false;
    async function* slowly(size: number): AsyncGenerator<Uint8Array> {
      for (let sent = 0; sent < size; sent += 65_536) {
        if (sent >= size / 2) while (!gone) await sleep(5);
        yield new Uint8Array(65_536).fill(7);
      }
    }
    const body = (size: number, known: boolean) => ({
      size: known ? size : undefined,
      replayable: false,
      open: () => slowly(size),
    });
    const uploads = [
      backend.write(ctx, at("streamed"), body(4 << 20, true)),
      backend.write(ctx, at("in parts"), body(16 << 20, false)),
    ];
    const failures = Promise.all(
      uploads.map((upload) =>
        upload.then(
          () => undefined,
          (error: unknown) => error,
        ),
      ),
    );
    const acknowledged: string[] = [];
    const doubtful: string[] = [];
    const writers = Array.from({ length: 4 }, async (_one, writer) => {
      for (let i = 0; ; i++) {
        const name = `small/${writer}-${i}`;
        try {
          await backend.write(ctx, at(name), textBody(name), { mode: "create" });
          acknowledged.push(name);
        } catch (error) {
          if (!isFileError(error, "unavailable")) throw error;
          doubtful.push(name);
          return;
        }
      }
    });
    while (acknowledged.length < 10) await sleep(5);
    await server.kill();
    gone = true;
    await Promise.all(writers);
    for (const failure of await failures)
      expect(failure).toMatchObject({ code: "unavailable", retry: "safe" });
    expect(doubtful).toHaveLength(4);

    await server.restart();
    const textOf = async (path: string): Promise<string> => {
      await using read = await backend.read(ctx, at(path));
      return new TextDecoder().decode(await collect(read.content));
    };
    // It answers before all of its parts have found each other again.
    expect(await waitFor(() => textOf("streamed"), { timeout: 30_000 })).toBe("old");
    for (const name of acknowledged) expect(await textOf(name)).toBe(name);
    for (const name of doubtful)
      expect(
        await textOf(name).catch((error: unknown) => isFileError(error, "not-found") || error),
      ).toSatisfy((found) => found === name || found === true);
    await expect(backend.stat(ctx, at("in parts"))).rejects.toMatchObject({ code: "not-found" });
    await backend.sweep(ctx, Date.now() + 60_000);
    expect(await unfinished()).toEqual([]);
    await backend.close();
  }, 120_000);
});
