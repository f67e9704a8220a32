import { randomUUID } from "node:crypto";
import { type BackendPath, type OpContext, parseBackendPath } from "@bulkhead/contract";
import { type CuttingProxy, cuttingProxy, testS3, waitFor } from "@bulkhead/harness";
import { collect, plainContext, textBody } from "@bulkhead/kit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { S3Backend } from "./s3.ts";
import { type Buckets, bucketsOn } from "./test/opened.ts";

const at = (path: string): BackendPath => parseBackendPath(path);
const { servers, reason } = await testS3();

describe.skipIf(reason !== undefined)(`what is known of directories ${reason ?? ""}`, () => {
  let proxy: CuttingProxy;
  let buckets: Buckets;
  let prefix: string;
  let backend: S3Backend;

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
    backend = await buckets.open({ prefix, endpoint: proxy.endpoint });
    return () => backend.close();
  });

  const write = (path: string, text = path, ctx: OpContext = plainContext()) =>
    backend.write(ctx, at(path), textBody(text));
  const read = async (path: string): Promise<string> => {
    await using answer = await backend.read(plainContext(), at(path));
    return new TextDecoder().decode(await collect(answer.content));
  };
  const others = async (path: string, text: string): Promise<void> => {
    const { raw, bucket } = await buckets.bucket();
    await raw.putObject(bucket, `${prefix}/${path}`, text);
  };
  const asked = (method: string): number =>
    proxy.seen.filter((line) => line.startsWith(method)).length;
  /** Writes into a directory until a write there is one request. */
  const know = async (directory: string): Promise<void> => {
    let n = 0;
    await waitFor(async () => {
      proxy.cut();
      await write(`${directory}/know-${(n += 1)}`);
      return proxy.seen.length === 1;
    });
    proxy.cut();
  };

  it("spares small writes the look, and tells exactly what they replaced", async () => {
    await know("d");
    for (let i = 0; i < 10; i += 1)
      expect(await write(`d/new-${i}`)).toMatchObject({ created: true });
    expect([asked("PUT"), proxy.seen.length]).toEqual([10, 10]);
    const over = await write("d/new-3", "another text");
    expect(over).toMatchObject({ created: false, replaced: { size: "d/new-3".length } });
    expect(proxy.seen).toHaveLength(11);
    expect(await read("d/new-3")).toBe("another text");
    await expect(
      backend.write(plainContext(), at("d/new-3"), textBody("x"), { mode: "create" }),
    ).rejects.toMatchObject({ code: "already-exists" });
    const mode = { ifMatch: over.etag };
    expect(
      await backend.write(plainContext(), at("d/new-3"), textBody("xy"), { mode }),
    ).toMatchObject({ replaced: { size: 12 } });
    expect(proxy.seen.filter((line) => line.includes("list-type"))).toEqual([]);
  });

  it("meets what others wrote, and what they changed and removed", async () => {
    await know("d");
    await others("d/theirs", "of others");
    expect(await write("d/theirs", "ours")).toMatchObject({
      created: false,
      replaced: { size: "of others".length },
    });
    await others("d/theirs", "changed by others");
    expect(await write("d/theirs", "ours again")).toMatchObject({
      replaced: { size: "changed by others".length },
    });
    const { raw, bucket } = await buckets.bucket();
    await raw.removeObject(bucket, `${prefix}/d/theirs`);
    expect(await write("d/theirs", "once more")).toMatchObject({ created: true });
    expect(await read("d/theirs")).toBe("once more");
  });

  it("writes onto no directory that was made meanwhile, however it was", async () => {
    await know("d");
    await write("d/one/x");
    await backend.mkdir(plainContext(), at("d/two"));
    await write("e/deep/x");
    await know("d/three");
    await backend.copy(plainContext(), at("e"), at("d/four"));
    await backend.remove(plainContext(), at("d/three"), { recursive: true });
    await backend.move(plainContext(), at("e"), at("d/three"));
    await backend.copy(plainContext(), at("d/one/x"), at("d/five/x"));
    for (const name of ["one", "two", "three", "four", "five", "three/deep", "four/deep"])
      await expect(write(`d/${name}`), name).rejects.toMatchObject({ code: "is-directory" });
    await expect(write("d/one/x/below")).rejects.toMatchObject({ code: "not-directory" });
    // What is gone is in nobody's way.
    await backend.remove(plainContext(), at("d/one"), { recursive: true });
    expect(await write("d/one")).toMatchObject({ created: true });
    await expect(write("d/one/below")).rejects.toMatchObject({ code: "not-directory" });
  });

  it("does a write once whose answer was lost, and again where it was tried again", async () => {
    await know("d");
    proxy.cut({ request: /^PUT/, at: "after" });
    expect(await write("d/lost", "mine")).toMatchObject({ created: true, size: 4 });
    expect(asked("PUT")).toBe(1);
    // Neither the answer nor the look came through: the same request's next try finds its object.
    const ctx = plainContext();
    proxy.cut({ request: /^PUT/, at: "after" }, { request: /^HEAD/, at: "before" });
    await expect(write("d/doubt", "mine", ctx)).rejects.toMatchObject({ code: "unavailable" });
    proxy.cut();
    expect(await write("d/doubt", "mine", ctx)).toMatchObject({ created: true });
    expect(await read("d/doubt")).toBe("mine");
    // Two at once: one after the other, each of which knows what it replaced.
    const both = await Promise.all([write("d/both", "1"), write("d/both", "22")]);
    expect(both.filter(({ created }) => created)).toHaveLength(1);
  });
});
