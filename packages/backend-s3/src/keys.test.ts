import { randomUUID } from "node:crypto";
import { type BackendPath, parseBackendPath } from "@bulkhead/contract";
import { testS3 } from "@bulkhead/harness";
import { bytesBody, collect, plainContext, sortKey, textBody } from "@bulkhead/kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { partSize } from "./part-sizes.ts";
import type { S3Backend } from "./s3.ts";
import { type Buckets, bucketsOn } from "./test/opened.ts";

const at = (path: string): BackendPath => parseBackendPath(path);
const ctx = plainContext();
const { servers, reason } = await testS3();

describe.skipIf(reason !== undefined)(`a bucket that others fill too ${reason ?? ""}`, () => {
  const prefix = `t/${randomUUID()}`;
  let buckets: Buckets;
  let backend: S3Backend;
  /** Puts what others would: any key at all. */
  const others = async (key: string, content = "x"): Promise<void> => {
    const { raw, bucket } = await buckets.bucket();
    await raw.putObject(bucket, `${prefix}/${key}`, content);
  };
  const listed = async (path: string): Promise<readonly string[]> =>
    (await backend.list(ctx, at(path))).entries.map(sortKey);
  beforeAll(async () => {
    const [server] = servers;
    if (server === undefined) throw new Error("There is no S3 server.");
    buckets = bucketsOn(server);
    backend = await buckets.open({ prefix });
  });
  afterAll(() => backend.close());

  it("shows a file and a directory of one name, and takes the file for it", async () => {
    // A store that keeps its objects as files cannot hold both.
    if (servers[0]?.name === "versitygw") return;
    await others("both/a", "file");
    await others("both/a/b", "inner");
    expect(await listed("both")).toEqual(["a", "a/"]);
    expect(await listed("both/a")).toEqual(["b"]);
    expect(await backend.stat(ctx, at("both/a"))).toMatchObject({ kind: "file", size: 4 });
    await using read = await backend.read(ctx, at("both/a/b"));
    expect(new TextDecoder().decode(await collect(read.content))).toBe("inner");
    expect(await backend.remove(ctx, at("both/a"))).toEqual({ files: 1, bytes: 4 });
    expect(await listed("both")).toEqual(["a/"]);
  });

  it("hides keys that are no legal path, and counts them", async () => {
    await others("hidden/shown");
    await others("hidden/control\u0090");
    await others("hidden/control\u0085");
    await others(".bulkhead/not-shown");
    expect(await listed("hidden")).toEqual(["shown"]);
    expect(await listed("")).not.toContain(".bulkhead/");
    const { count, examples } = await backend.hidden(ctx.signal);
    expect(count).toBe(2);
    expect(examples).toContain(`${prefix}/hidden/control\u0090`);
    // What is removed with its directory is counted as what was seen of it.
    expect(await backend.remove(ctx, at("hidden"), { recursive: true })).toEqual({
      files: 1,
      bytes: 1,
    });
    expect((await backend.hidden(ctx.signal)).count).toBe(0);
  });

  it("leaves alone what only begins alike, and what is its own", async () => {
    await others("../not-below".replace("../", "x/"));
    const { raw, bucket, keys } = await buckets.bucket();
    await raw.putObject(bucket, `${prefix}-neighbour/f`, "x");
    await backend.write(ctx, at("f"), textBody("x"));
    await backend.remove(ctx, at(""), { recursive: true });
    expect((await keys(prefix)).filter((key) => !key.includes("/first/"))).toEqual([
      `${prefix}-neighbour/f`,
      `${prefix}/.bulkhead/not-shown`,
    ]);
    expect(await listed("")).toEqual([]);
  });

  it("makes directories that stay, as consoles of stores do, and shows theirs", async () => {
    await backend.mkdir(ctx, at("made"));
    await others("theirs/", "");
    expect(await listed("")).toEqual(["made/", "theirs/"]);
    expect(await listed("made")).toEqual([]);
    await backend.write(ctx, at("made/f"), textBody("x"));
    await backend.remove(ctx, at("made/f"));
    expect(await listed("made")).toEqual([]);
    await expect(backend.mkdir(ctx, at("made"))).rejects.toMatchObject({ code: "already-exists" });
    expect(await backend.remove(ctx, at("made"))).toEqual({ files: 0, bytes: 0 });
    expect(await listed("")).toEqual(["theirs/"]);
  });

  it("copies what is too long for one step in parts, with what is kept of it", async () => {
    const limits = { copyBytes: 6 << 20, copyPartBytes: 5 << 20 };
    const small = await buckets.open({ prefix, limits });
    const content = Uint8Array.from({ length: 11 << 20 }, (_, i) => i * 7 + (i >> 11));
    const metadata = { note: "ünïcode" };
    await small.write(ctx, at("long"), bytesBody(content), { contentType: "x/y", metadata });
    await small.copy(ctx, at("long"), at("copy of it"));
    await using read = await small.read(ctx, at("copy of it"));
    expect(read.stat).toMatchObject({ size: content.length, contentType: "x/y", metadata });
    expect(Buffer.compare(await collect(read.content), content)).toBe(0);
    expect(await (await buckets.bucket()).unfinished(prefix)).toEqual([]);
    await small.close();
  });

  it("opens only the place that it expects, and writes nothing where it only reads", async () => {
    const place = `t/${randomUUID()}`;
    const marked = await buckets.open({ prefix: place, marker: {} });
    const expect_ = marked.marker ?? "";
    await (await buckets.open({ prefix: place, marker: { expect: expect_ } })).close();
    await expect(
      buckets.open({ prefix: place, marker: { expect: "another" } }),
    ).rejects.toMatchObject({ code: "unavailable" });
    await marked.close();
    const reader = await buckets.open({ prefix: `${place}-2`, readOnly: true, support: undefined });
    expect((await reader.list(ctx, at(""))).entries).toEqual([]);
    expect(await (await buckets.bucket()).keys(`${place}-2`)).toEqual([]);
    await reader.close();
  });

  it("does not open a bucket that is not there, and says nothing of it", async () => {
    const missing = buckets.open({ bucket: "bulkhead-no-such-bucket", support: undefined });
    await expect(missing).rejects.toMatchObject({ code: "unavailable" });
    await expect(missing).rejects.not.toThrow(/no-such/);
  });
});

describe("the sizes of parts", () => {
  it("fit any length that a store takes, and what is not known to be so long in memory", () => {
    const total = (size: number | undefined): number =>
      Array.from({ length: 10_000 }, (_, i) => partSize(i + 1, 8 << 20, size)).reduce(
        (sum, one) => sum + one,
        0,
      );
    expect(partSize(1, 8 << 20, 100)).toBe(8 << 20);
    expect(total(5 * 1024 ** 4)).toBeGreaterThanOrEqual(5 * 1024 ** 4);
    expect(total(undefined)).toBeGreaterThan(400 * 1024 ** 3);
    expect(partSize(10_000, 8 << 20, undefined)).toBe(64 << 20);
    expect(() => partSize(10_001, 8 << 20, undefined)).toThrow("declare how long it is");
  });
});
