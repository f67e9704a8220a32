import { randomBytes, randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { TenantRecord } from "@bulkhead/contract";
import {
  cuttingProxy,
  type CuttingProxy,
  runSource,
  type TestBucket,
  testBucket,
  testDatabase,
  type TestDatabase,
  testS3,
} from "@bulkhead/harness";
import { JobGivenUp, migrate, type RunningJob } from "@bulkhead/ledger";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hashedBucketName, plainBucketName } from "./bucket-name.ts";
import { tenantWorld } from "./test/tenant-world.ts";

const { servers, reason } = await testS3();
/** Every request of a provisioning lost in every way, for a long run. */
const long = process.env["BULKHEAD_LONG"] === "1";
const script = fileURLToPath(new URL("test/dies.ts", import.meta.url));

describe("names of buckets", () => {
  const uid = randomUUID();
  const of = (tenant: string, name = "uploads") => ({ prefix: "", tenant, uid, name });

  it("say the tenant where they can, and are cut and hashed where they cannot", () => {
    expect(plainBucketName(of("acme"))).toBe("acme-uploads");
    for (const odd of ["a_b", "x".repeat(60), "xn--acme"])
      expect(plainBucketName(of(odd))).toBeUndefined();
    for (const any of ["acme", "a_b", "x".repeat(63), "xn--acme", "_"]) {
      const name = hashedBucketName(of(any));
      expect(name).toMatch(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/);
      expect(name).toMatch(/[0-9a-f]{16}-uploads$/);
    }
    expect(hashedBucketName(of("x".repeat(63)))).toHaveLength(63);
    expect(hashedBucketName({ ...of("acme"), uid: randomUUID() })).not.toBe(
      hashedBucketName(of("acme")),
    );
  });
});

describe.skipIf(reason !== undefined)(`a provisioning of buckets ${reason ?? ""}`, () => {
  let database: TestDatabase;
  let proxy: CuttingProxy;
  let other: TestBucket;
  let world: Awaited<ReturnType<typeof tenantWorld>>;
  const prefix = `t${randomBytes(6).toString("hex")}-`;

  beforeAll(async () => {
    const [server] = servers;
    if (server === undefined) throw new Error("There is no S3 server.");
    database = await testDatabase({ migrate });
    proxy = await cuttingProxy(server.endpoint);
    other = await testBucket(server);
    const { region, accessKeyId, secretAccessKey } = server;
    const access = { region, accessKeyId, secretAccessKey, endpoint: proxy.endpoint };
    world = await tenantWorld({ url: database.url, store: { access, prefix } });
  });
  afterAll(async () => {
    await world?.close();
    await proxy?.[Symbol.asyncDispose]();
    await database?.close();
  });

  const there = async (id: string): Promise<readonly string[]> =>
    (await other.raw.listBuckets())
      .map(({ name }) => name)
      .filter((name) => name.startsWith(`${prefix}${id}-`));
  const both = (id: string): readonly string[] =>
    ["assets", "uploads"].map((name) => `${prefix}${id}-${name}`);

  /** One attempt after another, each with the progress that the one before left, until one is the last. */
  const job = (tenant: TenantRecord) => {
    let progress: RunningJob["progress"] = {};
    let attempt = 0;
    return {
      progress: () => progress,
      run: (at?: number): Promise<unknown> =>
        world.provision(
          tenant.uid,
          async (next) => {
            progress = next;
          },
          { progress, attempt: at ?? (attempt += 1) },
        ),
    };
  };

  const everyRequest = /./;
  let requests = 0;

  it("goes on from wherever a request or its answer was lost, and makes each bucket once", async () => {
    proxy.cut();
    const whole = await world.create("whole", "bucketed");
    expect(whole).toMatchObject({ status: "provisioning", databaseName: null });
    await job(whole).run();
    requests = proxy.seen.length;
    expect(await there("whole")).toEqual(both("whole"));
    expect(requests).toBeGreaterThan(6);
    for (const at of long ? (["before", "after"] as const) : (["after"] as const))
      for (let skip = 0; skip < requests; skip += 1) {
        const id = `${at}${skip}`;
        const work = job(await world.create(id, "bucketed"));
        proxy.cut({ request: everyRequest, at, skip });
        const failed = await work.run().then(
          () => undefined,
          (error: unknown) => error,
        );
        expect([id, failed]).toMatchObject([id, { code: "unavailable" }]);
        expect(await world.ledger.tenants.get(id)).toMatchObject({ status: "provisioning" });
        proxy.cut();
        expect(await work.run()).toEqual({ buckets: both(id) });
        expect(await there(id)).toEqual(both(id));
        expect(await world.ledger.tenants.get(id)).toMatchObject({ status: "active" });
      }
  }, 120_000);

  it("is undone as a whole from wherever it was given up, also where undoing is cut off", async () => {
    for (let skip = 0; skip < requests; skip += long ? 1 : 3) {
      const id = `undone${skip}`;
      const work = job(await world.create(id, "bucketed"));
      proxy.cut(
        { request: everyRequest, at: "after", skip },
        // What is asked next is the undoing's.
        { request: everyRequest, at: "after", skip: skip % 5 },
      );
      await expect(work.run(7)).rejects.toBeInstanceOf(Error);
      for (let again = 8; (await world.ledger.tenants.get(id)) !== undefined; again += 1) {
        expect(again).toBeLessThan(12);
        await work.run(again).catch(() => undefined);
      }
      await expect(work.run(12)).rejects.toThrow(JobGivenUp);
      expect([id, await there(id)]).toEqual([id, []]);
    }
  }, 120_000);

  it("never takes nor erases a bucket that is not its own, empty or not", async () => {
    proxy.cut();
    const names = { full: `${prefix}full-assets`, empty: `${prefix}empty-assets` };
    for (const name of Object.values(names)) await other.raw.makeBucket(name);
    await other.raw.putObject(names.full, "theirs.txt", "theirs");
    for (const id of ["full", "empty"]) {
      const work = job(await world.create(id, "bucketed"));
      const failing = work.run();
      await expect(failing).rejects.toBeInstanceOf(JobGivenUp);
      await expect(failing).rejects.toMatchObject({
        detail: expect.stringContaining(`${prefix}${id}-assets`),
      });
      expect(await world.ledger.tenants.get(id)).toBeUndefined();
      expect(await there(id)).toEqual([`${prefix}${id}-assets`]);
    }
    const kept = await other.raw.statObject(names.full, "theirs.txt");
    expect(kept.size).toBe(6);
    // Somebody is quicker, between the look and the making.
    const raced = `${prefix}raced-assets`;
    proxy.cut({
      request: new RegExp(`^PUT /${raced}/?([?].*)?$`),
      at: "before",
      meanwhile: () => other.raw.makeBucket(raced),
    });
    const work = job(await world.create("raced", "bucketed"));
    await expect(work.run()).rejects.toMatchObject({ code: "unavailable" });
    await other.raw.putObject(raced, "theirs.txt", "theirs");
    await expect(work.run()).rejects.toThrow(JobGivenUp);
    expect(await there("raced")).toEqual([raced]);
    expect((await other.raw.statObject(raced, "theirs.txt")).size).toBe(6);
    for (const name of [...Object.values(names), raced]) {
      await other.raw.removeObject(name, "theirs.txt");
      await other.raw.removeBucket(name);
    }
  }, 60_000);

  it("goes on after kill -9 while a bucket is made, and gives names away once", async () => {
    const tenant = await world.create("killed", "bucketed");
    const child = runSource(script, [database.url, tenant.uid, "second-bucket"], {
      env: { BULKHEAD_TEST_STORE: JSON.stringify({ access: servers[0], prefix }) },
    });
    const { signal } = await child.exited;
    expect([signal, child.stdout, child.stderr]).toEqual(["SIGKILL", [], []]);
    expect(await world.ledger.tenants.get("killed")).toMatchObject({ status: "provisioning" });
    expect(await there("killed")).toEqual(both("killed").slice(0, 1));
    await job(tenant).run();
    expect(await there("killed")).toEqual(both("killed"));
    // Another's subdomain or id may be the same text: its buckets are told apart.
    const twin = await world.create("twin", "bucketed", "killed");
    await job(twin).run();
    const names = await world.ledger.provisioning.buckets(twin.uid);
    expect(names.map(({ bucket }) => bucket)).toEqual(
      ["assets", "uploads"].map((name) =>
        hashedBucketName({ prefix, tenant: "killed", uid: twin.uid, name }),
      ),
    );
    for (const name of await there("")) await other.raw.removeBucket(name).catch(() => undefined);
  }, 60_000);
});
