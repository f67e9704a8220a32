import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { bytesBody, chunksOf, collect, plainContext } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { local } from "./local.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import type { FileSystemPort } from "./port.ts";
import { at, codeOf, ctx, put, scratch } from "./test/scratch.ts";

/** A backend that counts its open files. */
const counted = async () => {
  const root = await scratch();
  let open = 0;
  const sizes: number[] = [];
  const fs: FileSystemPort = {
    ...nodeFileSystem,
    open: async (path, as) => {
      const handle = await nodeFileSystem.open(path, as);
      open += 1;
      return {
        ...handle,
        read: (into, position) => {
          sizes.push(into.length);
          return handle.read(into, position);
        },
        close: () => {
          open -= 1;
          return handle.close();
        },
      };
    },
  };
  return { root, backend: await local({ root, fs }), open: () => open, sizes };
};

const large = new Uint8Array(1_000_000).map((_, i) => i % 251);

describe("reading", () => {
  it("answers small content and small ranges as one buffer, its file closed already", async () => {
    const { backend, open } = await counted();
    await put(backend, "small", "x".repeat(64 * 1024));
    await backend.write(ctx(), at("large"), bytesBody(large));
    for (const answer of [
      await backend.read(ctx(), at("small")),
      await backend.read(ctx(), at("large"), { range: { start: 10, end: 19 } }),
    ]) {
      expect(answer.content).toBeInstanceOf(Uint8Array);
      expect(open()).toBe(0);
    }
  });

  it("streams the rest in large chunks, as they are asked for", async () => {
    const { backend, open, sizes } = await counted();
    await backend.write(ctx(), at("large"), bytesBody(large));
    sizes.length = 0;
    await using answer = await backend.read(ctx(), at("large"), { range: { start: 1 } });
    expect(open()).toBe(1);
    expect(sizes).toEqual([]);
    const content = chunksOf(answer.content);
    const chunks = content[Symbol.asyncIterator]();
    await chunks.next();
    expect(sizes).toEqual([256 * 1024]);
    await chunks.return?.();
    expect(open()).toBe(0);
  });

  it("closes its file once: read, half read, never read, disposed twice", async () => {
    const { backend, open } = await counted();
    await backend.write(ctx(), at("large"), bytesBody(large));
    const whole = await backend.read(ctx(), at("large"));
    expect(Buffer.compare(await collect(whole.content), large)).toBe(0);
    expect(open()).toBe(0);
    await whole[Symbol.asyncDispose]();
    const never = await backend.read(ctx(), at("large"));
    expect(open()).toBe(1);
    await never[Symbol.asyncDispose]();
    await never[Symbol.asyncDispose]();
    expect(open()).toBe(0);
    // After that it fails; it does not end as if it were complete.
    expect(await codeOf(collect(never.content))).toBe("aborted");
    const half = await backend.read(ctx(), at("large"));
    const content = chunksOf(half.content);
    for await (const _ of content) break;
    expect(open()).toBe(0);
    expect(await codeOf(collect(content))).toBe("aborted");
    for (const options of [{ ifMatch: "x" }, { range: { start: 9_999_999 } }])
      expect(await codeOf(backend.read(ctx(), at("large"), options))).not.toBe("resolved");
    expect(open()).toBe(0);
  });

  it("ends with an error when the request is given up", async () => {
    const { backend, open } = await counted();
    await backend.write(ctx(), at("large"), bytesBody(large));
    const aborter = new AbortController();
    const answer = await backend.read(plainContext({ signal: aborter.signal }), at("large"));
    const content = chunksOf(answer.content);
    const chunks = content[Symbol.asyncIterator]();
    await chunks.next();
    aborter.abort();
    expect(await codeOf(chunks.next())).toBe("aborted");
    expect(open()).toBe(0);
  });

  it("never ends silently when the file is cut off beneath", async () => {
    const { backend, root, open } = await counted();
    await backend.write(ctx(), at("large"), bytesBody(large));
    const answer = await backend.read(ctx(), at("large"));
    await truncate(join(root, "large"), 300_000);
    expect(await codeOf(collect(answer.content))).toBe("unavailable");
    expect(open()).toBe(0);
    const lying = await local({
      root,
      fs: {
        ...nodeFileSystem,
        open: async (path, as) => {
          const handle = await nodeFileSystem.open(path, as);
          return { ...handle, stat: async () => ({ ...(await handle.stat()), size: 50 }) };
        },
      },
    }).catch((error: unknown) => error);
    // The marker is read the same way: shorter than it says is an error there too.
    expect(lying).toMatchObject({ code: "unavailable" });
  });

  it("puts reads that the system cuts short together", async () => {
    const root = await scratch();
    const backend = await local({
      root,
      fs: {
        ...nodeFileSystem,
        open: async (path, as) => {
          const handle = await nodeFileSystem.open(path, as);
          return {
            ...handle,
            read: (into, position) => handle.read(into.subarray(0, 1000), position),
          };
        },
      },
    });
    await backend.write(ctx(), at("f"), bytesBody(large));
    await using answer = await backend.read(ctx(), at("f"));
    expect(Buffer.compare(await collect(answer.content), large)).toBe(0);
  });
});
