import { existsSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Body, FileError } from "@bulkhead/contract";
import { bytesBody, chunksOf, plainContext, streamBody, textBody } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { local } from "./local.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import type { FileSystemPort } from "./port.ts";
import { observed } from "./test/observed.ts";
import { before, prepare, scenarios } from "./test/scenarios.ts";
import { at, codeOf, ctx, get, leftovers, put, scratch, tree } from "./test/scratch.ts";

async function* chunks(count: number, size: number, then?: () => void): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < count; i++) yield new Uint8Array(size).fill(i);
  then?.();
}

const hanging: Body = {
  size: undefined,
  replayable: false,
  open: () => ({
    [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }),
  }),
};

describe("nothing is left behind", () => {
  for (const scenario of scenarios)
    it(`when commit refuses: ${scenario.name}`, async () => {
      const root = await scratch();
      const backend = await local({ root });
      await prepare(root);
      const refusal = new Error("no");
      const seen: unknown[] = [];
      const refusing = ctx(async (staged) => {
        seen.push(staged.size);
        expect(await tree(root)).toEqual(before);
        throw refusal;
      });
      await expect(scenario.run(backend, refusing)).rejects.toBe(refusal);
      expect(seen).toHaveLength(1);
      expect(await tree(root)).toEqual(before);
      expect(await leftovers(root)).toEqual([]);
    });

  it("when the body fails, is too long, too short, or is given up", async () => {
    const root = await scratch();
    const backend = await local({ root });
    await put(backend, "f", "old");
    // The disk's own spelling of an error stays the body's: nobody takes it for ours.
    const own = Object.assign(new Error("mine"), { code: "ENOENT" });
    const failing = streamBody(
      chunks(3, 300_000, () => {
        throw own;
      }),
    );
    await expect(backend.write(ctx(), at("f"), failing)).rejects.toBe(own);
    for (const size of [0, 5, 600_001])
      expect(
        await codeOf(backend.write(ctx(), at("f"), streamBody(chunks(2, 300_000), size))),
      ).toBe("invalid-request");
    const aborter = new AbortController();
    const attempt = codeOf(
      backend.write(plainContext({ signal: aborter.signal }), at("f"), hanging),
    );
    while ((await leftovers(root)).length === 0)
      await new Promise((resolve) => setTimeout(resolve, 1));
    aborter.abort();
    expect(await attempt).toBe("aborted");
    expect(await leftovers(root)).toEqual([]);
    expect(await tree(root)).toEqual({ f: "old" });
  });

  it("when the request is given up while it waits for its path", async () => {
    const root = await scratch();
    const backend = await local({ root });
    const aborter = new AbortController();
    const committing = Promise.withResolvers<void>();
    const granted = Promise.withResolvers<void>();
    const commit = (): Promise<void> => {
      committing.resolve();
      return granted.promise;
    };
    const first = backend.write(ctx(commit), at("f"), textBody("first"));
    await committing.promise;
    const second = codeOf(
      backend.write(plainContext({ signal: aborter.signal }), at("f"), textBody("second")),
    );
    while ((await leftovers(root)).length < 2)
      await new Promise((resolve) => setTimeout(resolve, 1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    aborter.abort();
    expect(await second).toBe("aborted");
    granted.resolve();
    await first;
    expect(await tree(root)).toEqual({ f: "first" });
    expect(await leftovers(root)).toEqual([]);
  });
});

describe("a slow upload", () => {
  it("blocks nobody, and the effect does not wait for what was given up", async () => {
    const root = await scratch();
    const backend = await local({ root });
    const aborter = new AbortController();
    const slow = codeOf(backend.write(plainContext({ signal: aborter.signal }), at("f"), hanging));
    while ((await leftovers(root)).length === 0)
      await new Promise((resolve) => setTimeout(resolve, 1));
    await put(backend, "f", "quick");
    await backend.move(ctx(), at("f"), at("g"));
    expect(await get(backend, "g")).toBe("quick");
    aborter.abort();
    expect(await slow).toBe("aborted");
  });
});

describe("writing to disk", () => {
  it("gathers small chunks into large writes and keeps no body in memory", async () => {
    const root = await scratch();
    const sizes: number[] = [];
    const fs: FileSystemPort = {
      ...nodeFileSystem,
      open: async (path, as) => {
        const handle = await nodeFileSystem.open(path, as);
        return {
          ...handle,
          write: (bytes) => {
            sizes.push(bytes.length);
            // A disk may take less than it is given.
            return handle.write(bytes.length > 200_000 ? bytes.subarray(0, 200_000) : bytes);
          },
        };
      },
    };
    const backend = await local({ root, fs });
    sizes.length = 0;
    expect((await backend.write(ctx(), at("f"), streamBody(chunks(1000, 1024)))).size).toBe(
      1_024_000,
    );
    expect(sizes.length).toBeLessThanOrEqual(8);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(256 * 1024);
    const whole = new Uint8Array(1_024_000).map((_, i) => Math.floor(i / 1024));
    await using read = await backend.read(ctx(), at("f"));
    const got: Uint8Array[] = [];
    for await (const chunk of chunksOf(read.content)) got.push(chunk);
    expect(Buffer.concat(got).equals(whole)).toBe(true);
  });

  it("writes and syncs while a large body comes, tells what fails there, and closes under no call", async () => {
    const root = await scratch();
    let running = 0;
    let closedUnder = 0;
    let synced = 0;
    let failSync = false;
    const during = async <R>(call: Promise<R>): Promise<R> => {
      running += 1;
      // Longer than the next chunk takes: whoever does not wait is caught at it.
      await new Promise((resolve) => setTimeout(resolve, 1));
      return call.finally(() => (running -= 1));
    };
    const fs: FileSystemPort = {
      ...nodeFileSystem,
      open: async (path, as) => {
        const handle = await nodeFileSystem.open(path, as);
        return {
          ...handle,
          write: (bytes) => during(handle.write(bytes)),
          datasync: async () => {
            synced += 1;
            // A disk tells each failure once: the next sync succeeds.
            if (failSync && synced === 1)
              throw Object.assign(new Error("EIO: disk"), { code: "EIO" });
            await during(handle.datasync());
          },
          close: () => {
            closedUnder += running;
            return handle.close();
          },
        };
      },
    };
    const backend = await local({ root, fs });
    const size = 40 * 1024 * 1024;
    /** Fills one and the same buffer again for each chunk. */
    const refilled = (fails?: Error): Body =>
      streamBody(
        (async function* () {
          const chunk = new Uint8Array(1_000_000);
          for (let at = 0; at < size; at += chunk.length) {
            if (fails !== undefined && at > 20_000_000) throw fails;
            yield chunk.fill(at / chunk.length).subarray(0, size - at);
          }
        })(),
        size,
      );
    synced = 0;
    await backend.write(ctx(), at("f"), refilled());
    expect(synced).toBeGreaterThan(1);
    await using read = await backend.read(ctx(), at("f"));
    let place = 0;
    for await (const chunk of chunksOf(read.content))
      for (const byte of chunk)
        if (byte !== Math.floor(place++ / 1_000_000)) throw new Error(`Another byte at ${place}.`);
    expect(place).toBe(size);

    synced = 0;
    failSync = true;
    expect(await codeOf(backend.write(ctx(), at("f"), refilled()))).toBe("unavailable");
    failSync = false;
    const own = new Error("mine");
    await expect(backend.write(ctx(), at("f"), refilled(own))).rejects.toBe(own);
    expect(await leftovers(root)).toEqual([]);
    expect(closedUnder).toBe(0);
  });

  it("gives every content an ETag of its own, also where inodes come back within a tick", async () => {
    const backend = await local({ root: await scratch(), durability: "relaxed" });
    const etags = new Set<string>();
    for (let i = 0; i < 500; i++)
      etags.add((await backend.write(ctx(), at("f"), bytesBody(Uint8Array.of(i)))).etag);
    expect(etags.size).toBe(500);
  });

  it("keeps every microsecond of a modification time apart", async () => {
    const path = join(await scratch(), "f");
    const handle = await nodeFileSystem.open(path, "create");
    const start = Date.now() * 1000;
    for (let i = 0; i < 500; i++) {
      await handle.touch(start + i);
      expect((await handle.stat()).mtimeNs / 1000n).toBe(BigInt(start + i));
    }
    await handle.close();
  });

  it("gives contents different ETags by modification time alone", async () => {
    const stamps: bigint[] = [];
    const root = await scratch();
    const backend = await local({ root, durability: "relaxed" });
    for (let i = 0; i < 300; i++) {
      await put(backend, "f", "x");
      stamps.push((await nodeFileSystem.lstat(join(root, "f"))).mtimeNs);
    }
    for (const [i, stamp] of stamps.entries())
      if (i > 0) expect(stamp).toBeGreaterThan(stamps[i - 1] ?? 0n);
  });
});

describe("two parents made at once", () => {
  it("belong to whoever succeeds, whichever fails", async () => {
    const root = await scratch();
    const backend = await local({ root, durability: "relaxed" });
    for (let round = 0; round < 20; round++) {
      const outcomes = await Promise.all(
        [0, 1, 2, 3].map((i) =>
          codeOf(
            backend.write(
              ctx(() =>
                i % 2 === 0 ? Promise.reject(new FileError("forbidden", "no")) : Promise.resolve(),
              ),
              at(`r${round}/a/b${i % 3 === 0 ? "/c" : ""}/f${i}`),
              textBody("x"),
            ),
          ),
        ),
      );
      expect(outcomes).toEqual(["forbidden", "resolved", "forbidden", "resolved"]);
    }
    expect(await leftovers(root)).toEqual([]);
  });

  it("are held from the first that is missing, also if it went while the write waited", async () => {
    const root = await scratch();
    const backend = await local({ root });
    await backend.mkdir(ctx(), at("d"));
    await backend.mkdir(ctx(), at("d/e"));
    const pending = () => {
      const reached = Promise.withResolvers<void>();
      const granted = Promise.withResolvers<void>();
      const commit = (): Promise<void> => {
        reached.resolve();
        return granted.promise;
      };
      return { ctx: ctx(commit), reached: reached.promise, grant: granted.resolve };
    };
    const removal = pending();
    const removing = backend.remove(removal.ctx, at("d"), { recursive: true });
    await removal.reached;
    const write = pending();
    const writing = backend.write(write.ctx, at("d/e/f"), textBody("x"));
    while ((await leftovers(root)).length === 0)
      await new Promise((resolve) => setTimeout(resolve, 1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    removal.grant();
    await removing;
    await write.reached;
    const making = codeOf(backend.mkdir(ctx(), at("d")));
    await new Promise((resolve) => setTimeout(resolve, 30));
    write.grant();
    await writing;
    expect(await making).toBe("already-exists");
    expect(await tree(root)).toEqual({ d: null, "d/e": null, "d/e/f": "x" });
  });

  it("vanish with the write that failed", async () => {
    const root = await scratch();
    const fs = observed(nodeFileSystem, (call, _from, to) => {
      if (call === "link" && to?.endsWith("/f"))
        throw Object.assign(new Error("full"), { code: "ENOSPC" });
    });
    const backend = await local({ root, fs });
    const attempt = backend.write(ctx(), at("a/b/f"), textBody("x"), { mode: "create" });
    await expect(attempt).rejects.toMatchObject({
      code: "unavailable",
      detail: expect.stringContaining("full"),
    });
    expect(await tree(root)).toEqual({});
  });
});

describe("the marker", () => {
  it("is made once, and is what opens the root", async () => {
    const { readMarker } = await import("./marker.ts");
    const root = join(await scratch(), "new", "root");
    expect(await readMarker(root)).toBeUndefined();
    const { marker } = await local({ root });
    expect(await readMarker(root)).toBe(marker);
    expect((await local({ root })).marker).toBe(marker);
    expect((await local({ root, marker: { expect: marker } })).marker).toBe(marker);
    expect(await codeOf(local({ root, marker: { expect: "another" } }))).toBe("unavailable");
    await rm(join(root, ".bulkhead", "marker"));
    expect(await codeOf(local({ root, marker: { expect: marker } }))).toBe("unavailable");
    expect(await readMarker(root)).toBeUndefined();
  });

  it("is not made, nor anything else, where another was expected", async () => {
    const parent = await scratch();
    expect(await codeOf(local({ root: join(parent, "r"), marker: { expect: "x" } }))).toBe(
      "unavailable",
    );
    await mkdir(join(parent, "empty"));
    expect(await codeOf(local({ root: join(parent, "empty"), marker: { expect: "x" } }))).toBe(
      "unavailable",
    );
    expect(await readdir(parent, { recursive: true })).toEqual(["empty"]);
    await writeFile(join(parent, "file"), "");
    expect(await codeOf(local({ root: join(parent, "file") }))).not.toBe("resolved");
  });

  it("lets probe notice that the disk went", async () => {
    const root = await scratch();
    const backend = await local({ root });
    await backend.probe(ctx());
    expect(await leftovers(root)).toEqual([]);
    await rm(join(root, ".bulkhead", "staging"), { recursive: true });
    expect(await codeOf(backend.probe(ctx()))).toBe("unavailable");
    expect(await codeOf(put(backend, "f", "x"))).toBe("unavailable");
    await rm(root, { recursive: true });
    expect(await codeOf(backend.probe(ctx()))).toBe("unavailable");
    expect(existsSync(root)).toBe(false);
  });
});

describe("close", () => {
  it("waits for what runs and refuses what comes", async () => {
    const backend = await local({ root: await scratch() });
    let grant = (): void => {};
    const granted = new Promise<void>((resolve) => (grant = resolve));
    const order: string[] = [];
    const committing = Promise.withResolvers<void>();
    const writing = backend
      .write(
        ctx(() => {
          committing.resolve();
          return granted;
        }),
        at("f"),
        textBody("x"),
      )
      .then(() => order.push("written"));
    await committing.promise;
    const closing = backend.close().then(() => order.push("closed"));
    expect(await codeOf(backend.stat(ctx(), at("")))).toBe("unavailable");
    grant();
    await Promise.all([writing, closing]);
    expect(order).toEqual(["written", "closed"]);
  });
});

describe("a sweep while others are at work", () => {
  it("takes what stood still for long, and leaves what is on its way", async () => {
    const root = await scratch();
    const staging = join(root, ".bulkhead/staging");
    const backend = await local({ root });
    await writeFile(join(staging, "left"), "by a process that is gone");
    const swept = Date.now() + 10;
    await new Promise((resolve) => setTimeout(resolve, 30));
    const gate = Promise.withResolvers<void>();
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield* chunks(3, 100_000);
      await gate.promise;
    }
    const writing = backend.write(ctx(), at("f"), streamBody(slow()));
    while ((await readdir(staging)).length < 2) await new Promise(setImmediate);
    await backend.sweep(ctx(), swept);
    expect(await readdir(staging)).toHaveLength(1);
    gate.resolve();
    await writing;
    expect((await backend.stat(ctx(), at("f"))).size).toBe(300_000);
  });
});
