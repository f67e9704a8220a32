import { randomUUID } from "node:crypto";
import { type BackendPath, type Body, type OpContext, parseBackendPath } from "@bulkhead/contract";
import { type CuttingProxy, cuttingProxy, testS3 } from "@bulkhead/harness";
import { bytesBody, collect, plainContext, textBody } from "@bulkhead/kit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { S3Backend } from "./s3.ts";
import { type Buckets, bucketsOn } from "./test/opened.ts";

const at = (path: string): BackendPath => parseBackendPath(path);
const limits = { bufferBytes: 1024, singleBytes: 1024 ** 2, partBytes: 5 * 1024 ** 2 };
const { servers, reason } = await testS3();

/** `size` bytes in chunks, of known or unknown length; sent once. */
const stream = (size: number, known: boolean): Body => {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let left = size; left > 0; left -= 65_536)
      yield new Uint8Array(Math.min(left, 65_536)).fill(7);
  }
  return { size: known ? size : undefined, replayable: false, open: chunks };
};

describe.skipIf(reason !== undefined)(`answers that do not come ${reason ?? ""}`, () => {
  let proxy: CuttingProxy;
  let buckets: Buckets;
  let prefix: string;
  let backend: S3Backend;
  /** What is really there, asked without the proxy. */
  let sound: S3Backend;

  beforeAll(async () => {
    const [server] = servers;
    if (server === undefined) throw new Error("There is no S3 server.");
    proxy = await cuttingProxy(server.endpoint);
    buckets = bucketsOn(server);
  });
  afterAll(() => proxy[Symbol.asyncDispose]());
  beforeEach(async () => {
    proxy.cut();
    prefix = `t/${randomUUID()}`;
    sound = await buckets.open({ prefix, limits });
    backend = await buckets.open({ prefix, limits, endpoint: proxy.endpoint });
    return async () => {
      await backend.close();
      await sound.close();
    };
  });

  const read = async (path: string): Promise<string> => {
    await using answer = await sound.read(plainContext(), at(path));
    return new TextDecoder().decode(await collect(answer.content));
  };
  const keys = async (): Promise<readonly string[]> =>
    (await (await buckets.bucket()).keys(`${prefix}/`)).map((key) => key.slice(prefix.length + 1));
  const unfinished = async (): Promise<readonly string[]> =>
    (await buckets.bucket()).unfinished(`${prefix}/`);
  const othersObject = async (path: string): Promise<void> => {
    const { raw, bucket } = await buckets.bucket();
    await raw.putObject(bucket, `${prefix}/${path}`, "another's");
  };
  const lost = { code: "unavailable", retry: "safe" };

  it.each(["overwrite", "create"] as const)("finds its own write: %s", async (mode) => {
    proxy.cut({ request: /^PUT/, at: "after" });
    const answer = await backend.write(plainContext(), at("f"), textBody("mine"), { mode });
    expect(await sound.stat(plainContext(), at("f"))).toMatchObject({ etag: answer.etag, size: 4 });
    expect(proxy.seen.filter((line) => line.startsWith("PUT"))).toHaveLength(1);
  });

  it("says that a write did not happen, and leaves what was there", async () => {
    await sound.write(plainContext(), at("f"), textBody("old"));
    proxy.cut({ request: /^PUT/, at: "before" });
    await expect(backend.write(plainContext(), at("f"), textBody("new"))).rejects.toMatchObject(
      lost,
    );
    expect(await read("f")).toBe("old");
  });

  it("takes no object of another writer for its own", async () => {
    proxy.cut({ request: /^PUT/, at: "before", meanwhile: () => othersObject("f") });
    await expect(
      backend.write(plainContext(), at("f"), textBody("mine"), { mode: "create" }),
    ).rejects.toMatchObject(lost);
    expect(await read("f")).toBe("another's");
    // The same where the store refuses because somebody was quicker.
    const ctx: OpContext = plainContext({ commit: () => othersObject("g") });
    await expect(
      backend.write(ctx, at("g"), textBody("mine"), { mode: "create" }),
    ).rejects.toMatchObject({ code: "already-exists" });
    expect(await read("g")).toBe("another's");
  });

  it("knows what an earlier try of the same request did when the store refuses the next", async () => {
    let staged = "";
    const ctx = plainContext({
      requestId: "the same",
      commit: async ({ id }) => void (staged = id),
    });
    proxy.cut({ request: /^PUT/, at: "after" }, { request: /^HEAD.*\/f$/, at: "before", times: 9 });
    await expect(
      backend.write(ctx, at("f"), textBody("mine"), { mode: "create" }),
    ).rejects.toMatchObject(lost);
    proxy.cut();
    const recovery = { operation: "write", paths: [at("f")], staged } as const;
    expect(await sound.recover(plainContext(), recovery)).toBe("done");
    // A look that is older than the effect lets the second try go ahead, and the store refuses it.
    const blind = await buckets.open({
      prefix,
      endpoint: proxy.endpoint,
      collisions: false,
    });
    proxy.cut({ request: /^PUT/, at: "after" }, { request: /^HEAD/, at: "before", times: 9 });
    await expect(
      blind.write(ctx, at("g"), textBody("mine"), { mode: "create" }),
    ).rejects.toMatchObject(lost);
    proxy.cut();
    const again = await blind.write(ctx, at("g"), textBody("mine"), { mode: "create" });
    expect(again.created).toBe(true);
    await expect(
      blind.write(plainContext({ requestId: "another" }), at("g"), textBody("x"), {
        mode: "create",
      }),
    ).rejects.toMatchObject({ code: "already-exists" });
    await blind.close();
  });

  it("cuts off a stream in its middle without storing any of it", async () => {
    await sound.write(plainContext(), at("f"), textBody("old"));
    proxy.cut({ request: /^PUT/, at: "middle" });
    await expect(
      backend.write(plainContext(), at("f"), stream(800_000, true)),
    ).rejects.toMatchObject(lost);
    expect(await read("f")).toBe("old");
    expect(await keys()).toEqual(["f"]);
  });

  it.each([
    ["a part", { request: /^PUT.*partNumber=2/, at: "middle" }, false],
    ["the completion, before", { request: /^POST.*uploadId=/, at: "before" }, false],
    ["the completion, after", { request: /^POST.*uploadId=/, at: "after" }, true],
  ] as const)("loses %s: once or not at all, and leaves no parts", async (_, rule, done) => {
    proxy.cut(rule);
    const writing = backend.write(plainContext(), at("f"), stream(11 * 1024 ** 2, false));
    if (done) expect((await writing).size).toBe(11 * 1024 ** 2);
    else await expect(writing).rejects.toMatchObject(lost);
    expect(await keys()).toEqual(done ? ["f"] : []);
    expect(await unfinished()).toEqual([]);
  });

  it("sweeps the parts that could not be given up, its own alone", async () => {
    const elsewhere = await buckets.open({ limits });
    const { raw, bucket } = await buckets.bucket();
    const other = await raw.initiateNewMultipartUpload(bucket, `${prefix}-not/f`, {});
    proxy.cut(
      { request: /^PUT.*partNumber=2/, at: "middle" },
      { request: /^DELETE/, at: "before", times: 9 },
    );
    await expect(
      backend.write(plainContext(), at("f"), stream(11 * 1024 ** 2, false)),
    ).rejects.toMatchObject(lost);
    expect(await unfinished()).toEqual([`${prefix}/f`]);
    await sound.sweep(plainContext());
    expect(await unfinished()).toEqual([`${prefix}/f`]);
    await sound.sweep(plainContext(), Date.now() + 60_000);
    expect(await unfinished()).toEqual([]);
    expect(await (await buckets.bucket()).unfinished(`${prefix}-not/`)).toEqual([
      `${prefix}-not/f`,
    ]);
    await raw.abortMultipartUpload(bucket, `${prefix}-not/f`, other);
    await elsewhere.close();
  });

  it("finds its own copies, removals and moves", async () => {
    await sound.write(plainContext(), at("f"), bytesBody(new Uint8Array(10)));
    proxy.cut({ request: /^PUT/, at: "after" });
    expect(await backend.copy(plainContext(), at("f"), at("g"))).toMatchObject({ size: 10 });
    proxy.cut({ request: /^DELETE/, at: "after" });
    expect(await backend.remove(plainContext(), at("g"))).toEqual({ files: 1, bytes: 10 });
    proxy.cut({ request: /^DELETE/, at: "after" });
    expect(await backend.move(plainContext(), at("f"), at("h"))).toEqual({});
    expect(await keys()).toEqual(["h"]);
  });

  it.each([
    ["its copies", /^PUT/, 2, ["d/a", "d/b", "d/c"], "undone"],
    ["its removals", /^(?:POST.*delete|DELETE)/, 0, ["e/a", "e/b", "e/c"], "done"],
  ] as const)(
    "ends the move of a directory that fails in %s",
    async (_, request, skip, left, side) => {
      for (const name of ["a", "b", "c"])
        await sound.write(plainContext(), at(`d/${name}`), textBody(name));
      let staged = "";
      const ctx = plainContext({ commit: async ({ id }) => void (staged = id) });
      proxy.cut({ request, at: "before", skip, times: 99 });
      await expect(backend.move(ctx, at("d"), at("e"))).rejects.toMatchObject(lost);
      proxy.cut();
      const recovery = { operation: "move", paths: [at("d"), at("e")], staged } as const;
      expect(await sound.recover(plainContext(), recovery)).toBe(side);
      expect(await keys()).toEqual(left);
    },
  );
});
