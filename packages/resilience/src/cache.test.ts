import { type Backend, parseBackendPath, type ReadOptions } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { bytesBody, collect, overrideBackend, plainContext, textBody } from "@bulkhead/kit";
import { describe, expect, it } from "vitest";
import { cache, type CacheOptions } from "./index.ts";

const ctx = plainContext();
const path = parseBackendPath;

const bench = (options?: CacheOptions, rename: (etag: string) => string = (etag) => etag) => {
  const inner = memory();
  const reads: string[] = [];
  const backend = cache(options)(
    overrideBackend(inner, {
      stat: async (c, at) => {
        const stat = await inner.stat(c, at);
        return stat.etag === undefined ? stat : { ...stat, etag: rename(stat.etag) };
      },
      read: async (c, at, read) => {
        reads.push(at);
        const result = await inner.read(c, at, read);
        const etag = rename(result.stat.etag ?? "");
        return { ...result, stat: { ...result.stat, etag }, [Symbol.asyncDispose]: async () => {} };
      },
    }),
  );
  return { inner, backend, reads };
};
const bytes = async (backend: Backend, at: string, read?: ReadOptions): Promise<Uint8Array> => {
  await using result = await backend.read(ctx, path(at), read);
  return await collect(result.content);
};
const text = async (...args: Parameters<typeof bytes>): Promise<string> =>
  new TextDecoder().decode(await bytes(...args));

describe("cache", () => {
  it("reads once what did not change, and at once what did, whoever changed it", async () => {
    const { inner, backend, reads } = bench();
    await inner.write(ctx, path("f"), textBody("one"));
    expect([await text(backend, "f"), await text(backend, "f")]).toEqual(["one", "one"]);
    expect(reads).toEqual(["f"]);
    await inner.write(ctx, path("f"), textBody("two"));
    expect([await text(backend, "f"), await text(backend, "f")]).toEqual(["two", "two"]);
    expect(reads).toEqual(["f", "f"]);
    await inner.remove(ctx, path("f"));
    await expect(backend.read(ctx, path("f"))).rejects.toMatchObject({ code: "not-found" });
  });

  it("answers ranges and conditions from what it keeps, as the storage would", async () => {
    const { inner, backend, reads } = bench();
    const { etag } = await inner.write(ctx, path("f"), textBody("0123456789"));
    await text(backend, "f");
    expect(await text(backend, "f", { range: { suffix: 3 } })).toBe("789");
    const part = await backend.read(ctx, path("f"), { range: { start: 2, end: 3 }, ifMatch: etag });
    expect(part.range).toEqual({ start: 2, end: 3 });
    expect(part.stat.size).toBe(10);
    await expect(backend.read(ctx, path("f"), { ifMatch: "x" })).rejects.toMatchObject({
      code: "precondition-failed",
      fields: { etag },
    });
    await expect(backend.read(ctx, path("f"), { range: { start: 10 } })).rejects.toMatchObject({
      code: "range-not-satisfiable",
    });
    expect(reads).toEqual(["f"]);
  });

  it("keeps no part as the whole", async () => {
    const { inner, backend } = bench();
    await inner.write(ctx, path("f"), textBody("0123456789"));
    expect(await text(backend, "f", { range: { start: 5 } })).toBe("56789");
    expect(await text(backend, "f")).toBe("0123456789");
  });

  it("never shares its bytes", async () => {
    const { inner, backend } = bench();
    await inner.write(ctx, path("f"), textBody("abc"));
    for (let i = 0; i < 3; i++) {
      (await bytes(backend, "f")).fill(0);
      (await bytes(backend, "f", { range: { start: 1 } })).fill(0);
    }
    expect(await text(backend, "f")).toBe("abc");
  });

  it("keeps small files alone, and no more than fit", async () => {
    const { inner, backend, reads } = bench({ maxBytes: 4000, maxFileBytes: 1000 });
    await inner.write(ctx, path("large"), bytesBody(new Uint8Array(1001)));
    await bytes(backend, "large");
    await bytes(backend, "large");
    expect(reads).toEqual(["large", "large"]);
    for (const name of ["a", "b", "c"]) {
      await inner.write(ctx, path(name), bytesBody(new Uint8Array(1000)));
      await bytes(backend, name);
    }
    reads.length = 0;
    await bytes(backend, "c");
    await bytes(backend, "b");
    await bytes(backend, "a");
    expect(reads).toEqual(["a"]);
  });

  it("keeps nothing under a weak ETag", async () => {
    const { inner, backend, reads } = bench({}, () => "W/1");
    await inner.write(ctx, path("f"), textBody("one"));
    expect(await text(backend, "f")).toBe("one");
    await inner.write(ctx, path("f"), textBody("two"));
    expect(await text(backend, "f")).toBe("two");
    expect(reads).toHaveLength(2);
  });
});
