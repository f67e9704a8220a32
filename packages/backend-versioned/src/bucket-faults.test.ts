import { randomUUID } from "node:crypto";
import { s3, type S3Backend } from "@bulkhead/backend-s3";
import {
  type CuttingProxy,
  cuttingProxy,
  type TestBucket,
  testBucket,
  testS3,
} from "@bulkhead/harness";
import { plainContext } from "@bulkhead/kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collect } from "./collect.ts";
import { placeOf } from "./place.ts";
import { collectedWhole, intact } from "./test/intact.ts";
import {
  at,
  bytesAt,
  pattern,
  put,
  request,
  testLedger,
  type TestTenant,
  testTenant,
} from "./test/opened.ts";

const { servers, reason } = await testS3();
const size = 3 << 20;

describe.skipIf(reason !== undefined)(`a tree over a bucket ${reason ?? ""}`, async () => {
  const ledger = await testLedger();
  let proxy: CuttingProxy;
  let bucket: TestBucket;
  let tenant: TestTenant;
  let sound: S3Backend;
  let content: S3Backend;
  beforeAll(async () => {
    const [server] = servers;
    if (server === undefined) throw new Error("There is no S3 server.");
    [proxy, bucket] = await Promise.all([cuttingProxy(server.endpoint), testBucket(server)]);
    const options = { ...bucket.options, prefix: "content", collisions: false };
    sound = await s3({ ...options, marker: {} });
    const { support, marker = "" } = sound;
    content = await s3({
      ...options,
      endpoint: proxy.endpoint,
      support,
      marker: { expect: marker },
    });
    tenant = await testTenant(ledger.ledger);
  });
  afterAll(async () => {
    await content.close();
    await sound.close();
    await proxy[Symbol.asyncDispose]();
    await ledger[Symbol.asyncDispose]();
  });

  it.each([
    ["before", "unavailable"],
    ["middle", "unavailable"],
    ["after", undefined],
  ] as const)("a content whose PUT is cut %s is stored once, or not at all", async (cut, code) => {
    proxy.cut({ request: /^PUT/, at: cut });
    const name = randomUUID();
    const writing = put(tenant.open(content), name, pattern(size, 1));
    if (code === undefined) await writing;
    else {
      await expect(writing).rejects.toMatchObject({ code, retry: "safe" });
      await expect(tenant.open(sound).stat(request(), at(name))).rejects.toMatchObject({
        code: "not-found",
      });
      await put(tenant.open(content), name, pattern(size, 1));
    }
    expect(Buffer.compare(await bytesAt(tenant.open(sound), name), pattern(size, 1))).toBe(0);
    await intact(ledger, tenant);
    await collectedWhole(ledger, tenant, sound);
  });

  it("a reading that is cut ends with an error, never short", async () => {
    await put(tenant.open(content), "read", pattern(size, 2));
    proxy.cut({ request: /^GET/, at: "after", times: 9 });
    await expect(bytesAt(tenant.open(content), "read")).rejects.toMatchObject({
      code: "unavailable",
    });
    proxy.cut();
    expect(Buffer.compare(await bytesAt(tenant.open(content), "read"), pattern(size, 2))).toBe(0);
  });

  it("the collector takes what nothing stands on, and nothing where the bucket cannot be listed", async () => {
    const orphan = randomUUID();
    await sound.write(plainContext(), placeOf(orphan), {
      size: 4,
      replayable: true,
      open: async function* () {
        yield new Uint8Array(4);
      },
    });
    const has = async (): Promise<boolean> =>
      (await bucket.keys("content/")).some((key) => key.endsWith(orphan));
    const store = { store: tenant.tree.content, content, ledger: ledger.ledger.trees };
    const ctx = plainContext({ now: Date.now() + 5000 });
    proxy.cut({ request: /^GET.*list-type=2/, at: "before", times: 99 });
    await expect(collect(ctx, store, { graceMs: 0, maxShare: 1 })).rejects.toMatchObject({
      code: "unavailable",
    });
    proxy.cut();
    expect(await collect(ctx, store, { graceMs: 0, maxShare: 1, dryRun: true })).toMatchObject({
      unknown: 1,
    });
    expect(await has()).toBe(true);
    expect(await collect(ctx, store, { graceMs: 0, maxShare: 1 })).toMatchObject({ unknown: 1 });
    expect(await has()).toBe(false);
    await collectedWhole(ledger, tenant, sound);
  });

  it("a bucket without the marker that was recorded is not opened", async () => {
    await bucket.raw.removeObject(bucket.bucket, "content/.bulkhead/marker");
    await expect(
      s3({ ...bucket.options, prefix: "content", marker: { expect: sound.marker ?? "" } }),
    ).rejects.toMatchObject({ code: "unavailable" });
  });
});
