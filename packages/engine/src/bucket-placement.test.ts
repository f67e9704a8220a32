import { type Context, parseRequestPath, type RequestPath } from "@bulkhead/contract";
import {
  query,
  tempDir,
  type TempDir,
  type TestBucket,
  testBucket,
  testDatabase,
  type TestDatabase,
  testS3,
} from "@bulkhead/harness";
import { bytesBody, collect, textBody } from "@bulkhead/kit";
import { migrate } from "@bulkhead/ledger";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eraseBucket } from "./open-bucket.ts";
import type { Engine } from "./engine-options.ts";
import { openEngine } from "./open-engine.ts";

const platformKey = "operator-operator-operator-operator";
const path = parseRequestPath;
const { servers, reason } = await testS3();

describe.skipIf(reason !== undefined)(`tenants placed on buckets ${reason ?? ""}`, () => {
  let database: TestDatabase;
  let dir: TempDir;
  let bucket: TestBucket;
  let engine: Engine;

  beforeAll(async () => {
    const [server] = servers;
    if (server === undefined) throw new Error("There is no S3 server.");
    [database, dir, bucket] = await Promise.all([
      testDatabase({ migrate }),
      tempDir(),
      testBucket(server),
    ]);
    const s3 = bucket.options;
    const common = { durability: "strict", readOnly: false } as const;
    engine = await openEngine({
      databaseUrl: database.url,
      dataDir: dir.path,
      masterKeyFingerprint: "f".repeat(32),
      certificateKey: new Uint8Array(32),
      platformKey,
      region: undefined,
      namespaceRoots: ["workspace", "tenants"],
      placements: {
        versioned: {
          backend: "versioned",
          options: { s3: { ...s3, prefix: "trees" } },
          ...common,
        },
      },
      defaultPlacement: "versioned",
      mounts: [
        {
          path: "/workspace/vera/plain",
          backend: "s3",
          options: { s3: { ...s3, prefix: "plain" } },
          priority: 0,
          ...common,
        },
        {
          path: "/workspace/vera/else",
          backend: "s3",
          options: { s3: { ...s3, prefix: "else" } },
          priority: 0,
          region: "us-other-9",
          ...common,
        },
      ],
      log: () => undefined,
    });
  });
  afterAll(async () => {
    await engine.close();
    await database.close();
    await dir.remove();
  });

  const as = (): Promise<Context> =>
    engine.control.authenticate({
      key: platformKey,
      address: "127.0.0.1",
      front: "test",
      requestId: "r",
      signal: new AbortController().signal,
      cut: () => undefined,
    });
  const read = async (at: string): Promise<Uint8Array> => {
    await using answer = await engine.control.session.read(await as(), path(at));
    return await collect(answer.content);
  };
  const used = async (): Promise<unknown> =>
    (
      await query(
        database.url,
        "select h.used::int as bytes, h.files::int from bulkhead.tenant_head h join bulkhead.tenant t on t.uid = h.uid where t.id = 'vera'",
      )
    )[0];

  it("keeps the content of versioned trees in a bucket", async () => {
    await engine.control.tenants.create(await as(), { id: "vera" });
    const { session } = engine.control;
    const large = new Uint8Array(3 << 20).fill(7);
    await session.write(await as(), path("/workspace/vera/a/large"), bytesBody(large));
    await session.write(await as(), path("/workspace/vera/a/small"), textBody("hello"));
    expect(await read("/workspace/vera/a/large")).toEqual(large);
    // Small content lies in the row; beside the large one is the marker of the place.
    expect((await bucket.keys("trees/")).map((key) => key.split("/").at(-2))).toEqual([
      ".bulkhead",
      expect.stringMatching(/^[0-9a-f]{2}$/),
    ]);
    expect(await used()).toEqual({ bytes: large.length + 5, files: 2 });
  });

  it("charges what lies in a plain bucket, through removals and renames of directories", async () => {
    const { session } = engine.control;
    const at = (name: string): RequestPath => path(`/workspace/vera/plain/${name}`);
    const before = await used();
    for (const [name, text] of [
      ["d/x", "123"],
      ["d/y", "1"],
      ["d/x", "12345"],
    ] as const)
      await session.write(await as(), at(name), textBody(text));
    await session.move(await as(), at("d"), at("e"));
    await session.remove(await as(), at("e/y"));
    expect(new TextDecoder().decode(await read("/workspace/vera/plain/e/x"))).toBe("12345");
    expect(await bucket.keys("plain/")).toEqual(["plain/.bulkhead/marker", "plain/e/x"]);
    expect(before).toEqual({ bytes: (3 << 20) + 5, files: 2 });
    expect(await used()).toEqual({ bytes: (3 << 20) + 10, files: 3 });
  });

  it("does not open a bucket that is not where it has to be, or does not say", async () => {
    const write = engine.control.session.write(
      await as(),
      path("/workspace/vera/else/x"),
      textBody("kept out"),
    );
    await expect(write).rejects.toMatchObject({ code: "unavailable" });
    expect((await bucket.keys("else/")).filter((key) => !key.includes(".bulkhead"))).toEqual([]);
  });

  it("leaves nothing in the bucket of a tenant that is gone", async () => {
    // A mount that cannot be reached would hold the removal up, and rightly so.
    const gone = await eraseBucket(
      { spec: { readOnly: false }, place: { spec: { ...bucket.options, prefix: "trees" } } },
      AbortSignal.timeout(10_000),
    );
    expect(gone).toBeUndefined();
    expect(await bucket.keys("trees/")).toEqual([]);
  });
});
