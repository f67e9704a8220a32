// Concept page, row C14: reads, writes, stored bytes and searches are metered, for each tenant, each once.
//
// Changes against the published text: there the application counts for itself, in the handlers it does not forget; here the
// server counts what it really did, wherever the content lies.
import { deprovision } from "@bulkhead/backend-postgres";
import { RemoteFS } from "@bulkhead/client";
import { openSql, query, type Sql } from "@bulkhead/harness";
import type { WireUsageSpan } from "@bulkhead/wire";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, api } from "../support/api.ts";
import { type LedgerClock, ledgerClock } from "../support/ledger-clock.ts";
import { placements } from "../support/placements.ts";
import { startServer, type TestServer } from "../support/start-server.ts";

const hour = 3_600_000;
const begin = Date.UTC(2030, 0, 31, 22);
const mib = 1024 * 1024;

const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
};

type Counts = Partial<Omit<WireUsageSpan, "from">>;

describe.each(Object.entries(placements))("on %s", (_, config) => {
  let server: TestServer;
  let sql: Sql;
  let clock: LedgerClock;
  let platform: RemoteFS;
  let tenant: RemoteFS;
  let raw: Api;

  beforeAll(async () => {
    server = await startServer({ config });
    sql = await openSql(server.databaseUrl);
    clock = ledgerClock(sql);
    await clock.set(begin);
    platform = new RemoteFS({ url: server.url, apiKey: server.platformKey });
    await platform.tenants.create({ id: "tenant-a" });
    await platform.tenants.create({ id: "tenant-b" });
    const { key: secret } = await platform.keys.create({
      name: "a",
      workspacePrefix: "/workspace/tenant-a",
      scopes: ["read", "write", "admin"],
    });
    const apiKey = secret ?? "";
    tenant = new RemoteFS({ url: server.url, apiKey });
    raw = api(server.url, apiKey);
  });
  afterAll(async () => {
    const made = await query(
      server.databaseUrl,
      "select database_name as name from bulkhead.tenant where database_name is not null",
    );
    for (const { name } of made)
      await deprovision({ adminUrl: server.databaseUrl, name: String(name) });
    await sql.close();
    await server[Symbol.asyncDispose]();
  });

  /** What has been counted since the clock began, together. */
  const total = async (by: RemoteFS = tenant, id = "tenant-a"): Promise<WireUsageSpan> => {
    const { spans } = await by.tenants.usageOver(id, {
      from: new Date(begin).toISOString(),
      to: new Date(begin + 40 * 24 * hour).toISOString(),
      by: "month",
    });
    return spans.reduce((sum, span) => ({
      ...sum,
      ...Object.fromEntries(
        (
          [
            "requests",
            "reads",
            "lookups",
            "searches",
            "writes",
            "bytesIn",
            "bytesOut",
            "byteHours",
          ] as const
        ).map((name) => [name, sum[name] + span[name]]),
      ),
    }));
  };
  let last: WireUsageSpan | undefined;
  /** By how much the numbers have grown since the last look, what happened in between included. */
  const counted = async (work: () => Promise<unknown>): Promise<Counts> => {
    const before = last ?? (await total());
    await work();
    const after = await total();
    last = after;
    const differences = (
      ["reads", "lookups", "searches", "writes", "bytesIn", "bytesOut"] as const
    ).map((name) => [name, after[name] - before[name]] as const);
    return Object.fromEntries(differences.filter(([, n]) => n !== 0));
  };

  it("each accepted operation counts once, with its bytes, and nothing that was refused", async () => {
    expect(await counted(() => tenant.writeFile("/data/f", "12345"))).toEqual({
      writes: 1,
      bytesIn: 5,
    });
    expect(await counted(() => tenant.writeFile("/data/f", "123"))).toEqual({
      writes: 1,
      bytesIn: 3,
    });
    const chunks = async function* () {
      for (let i = 0; i < 3; i++) yield new Uint8Array(50_000);
    };
    expect(await counted(() => tenant.writeFile("/data/large", chunks()))).toEqual({
      writes: 1,
      bytesIn: 150_000,
    });
    expect(await counted(() => tenant.appendFile("/data/f", "4567"))).toEqual({
      writes: 1,
      bytesIn: 4,
    });
    expect(await counted(() => tenant.readFile("/data/f"))).toEqual({ reads: 1, bytesOut: 7 });
    expect(
      await counted(() => tenant.readFile("/data/large", { range: { start: 10, end: 19 } })),
    ).toEqual({ reads: 1, bytesOut: 10 });
    expect(await counted(() => tenant.readFile("/data/large"))).toEqual({
      reads: 1,
      bytesOut: 150_000,
    });
    for (const change of [
      () => tenant.mkdir("/d"),
      () => tenant.cp("/data/f", "/d/f"),
      () => tenant.rename("/d/f", "/d/g"),
      () => tenant.rm("/d", { recursive: true }),
    ])
      expect(await counted(change)).toMatchObject({ writes: 1 });
    let etag = "";
    expect(
      await counted(async () => {
        etag = (await tenant.stat("/data/f")).etag ?? "";
      }),
    ).toEqual({ lookups: 1 });
    expect(await counted(() => tenant.readdir("/data"))).toEqual({ lookups: 1 });
    expect(await counted(() => raw.send("HEAD", "/v1/files/data/f"))).toEqual({ lookups: 1 });
    // However much a search reads, it is one.
    expect(await counted(() => all(tenant.glob("**")))).toEqual({ searches: 1 });
    expect(await counted(() => all(tenant.grep("4567")))).toEqual({ searches: 1 });

    expect(
      await counted(() =>
        raw.send("GET", "/v1/files/data/f", { headers: { "If-None-Match": `"${etag}"` } }),
      ),
    ).toEqual({ lookups: 1 });
    expect(
      await counted(async () => {
        for (const refused of [
          raw.send("GET", "/v1/files/missing"),
          raw.send("GET", "/v1/stat/missing"),
          raw.send("GET", "/v1/files/workspace/tenant-b/f"),
          raw.send("PUT", "/v1/files/data/f", { body: "x", headers: { "If-None-Match": "*" } }),
          raw.send("POST", "/v1/mkdir", { body: { path: "/data" } }),
          raw.send("POST", "/v1/glob", { body: { pattern: "*", path: "/workspace/tenant-b" } }),
        ])
          expect((await refused).status).toBeGreaterThanOrEqual(400);
      }),
    ).toEqual({});
  });

  it("what a client sends again with its Idempotency-Key counts once", async () => {
    const again = (body: unknown, target: string) => async () => {
      const headers = { "Idempotency-Key": "k-1" };
      const [first, second] = [
        await raw.send("POST", target, { body, headers }),
        await raw.send("POST", target, { body, headers }),
      ];
      expect(second.json).toEqual(first.json);
      expect(first.status).toBeLessThan(300);
    };
    expect(await counted(again("xyz", "/v1/append/data/once"))).toEqual({ writes: 1, bytesIn: 3 });
    const copy = { from: "/data/once", to: "/data/twice" };
    expect(await counted(again(copy, "/v1/copy"))).toMatchObject({ writes: 1 });
    expect(await counted(again({ pattern: "*" }, "/v1/glob"))).toEqual({ searches: 1 });
  });

  it("a long content counts as it goes out: who leaves after a part took that part", async () => {
    await tenant.writeFile("/data/long", new Uint8Array(8 * mib));
    const taken = await counted(async () => {
      const { stream } = await tenant.open("/data/long");
      const reader = stream.getReader();
      await reader.read();
      await reader.cancel();
      // The server has noticed once it answers the next request of a look at its numbers.
      await expect.poll(async () => (await total()).bytesOut).toBeGreaterThan(0);
    });
    expect(taken.reads).toBe(1);
    expect(taken.bytesOut).toBeGreaterThan(0);
    await tenant.rm("/data/long");
  });

  it("hours are those of UTC, and a month ends with its last one", async () => {
    const at = async (ms: number, work: () => Promise<unknown>): Promise<void> => {
      await clock.set(ms);
      await work();
    };
    const file = "/data/boundary";
    const february = Date.UTC(2030, 1, 1);
    await at(february - 1000, () => tenant.writeFile(file, "1"));
    await at(february - 1000, () => tenant.readFile(file));
    await at(february, () => tenant.writeFile(file, "22"));
    await at(february + 1000, () => tenant.readFile(file));
    await clock.set(february + 2 * hour);
    const { spans } = await tenant.tenants.usageOver("tenant-a", {
      from: new Date(february - hour).toISOString(),
      to: new Date(february + hour).toISOString(),
    });
    expect(spans).toMatchObject([
      { from: "2030-01-31T23:00:00.000Z", writes: 1, reads: 1, bytesIn: 1, bytesOut: 1 },
      { from: "2030-02-01T00:00:00.000Z", writes: 1, reads: 1, bytesIn: 2, bytesOut: 2 },
    ]);
  });

  it("stored bytes are counted by how long they were there, to the byte", async () => {
    await tenant.rm("/data", { recursive: true });
    const start = Date.UTC(2030, 1, 3, 5, 30);
    await clock.set(start);
    await tenant.writeFile("/s/a", new Uint8Array(1000));
    await clock.set(start + hour);
    await tenant.writeFile("/s/a", new Uint8Array(4000));
    await clock.set(start + 3 * hour);
    await tenant.rm("/s/a");
    await clock.set(start + 6 * hour);
    const { spans } = await tenant.tenants.usageOver("tenant-a", {
      from: new Date(start).toISOString(),
      to: new Date(start + 5 * hour).toISOString(),
    });
    // Half an hour of 1,000; half of each; 4,000; half an hour of 4,000; nothing. The clock runs on meanwhile.
    const [first = 0, second = 0, third = 0, fourth = 0, last = 0] = spans.map(
      ({ byteHours }) => byteHours,
    );
    const near = (value: number, expected: number): void => {
      expect(Math.abs(value - expected)).toBeLessThanOrEqual(20);
    };
    near(first, 500);
    near(second, 2500);
    near(third, 4000);
    near(fourth, 2000);
    expect(last).toBe(0);
  });

  it("users count with their peak, though one stayed for a moment", async () => {
    await clock.set(Date.UTC(2030, 2, 5, 5));
    for (const id of ["u1", "u2"])
      await platform.users.create("tenant-a", { id, email: `${id}@a.example` });
    await platform.users.delete("tenant-a", "u2");
    await clock.set(Date.UTC(2030, 2, 5, 7));
    const { spans } = await tenant.tenants.usageOver("tenant-a", {
      from: "2030-03-05T04:00:00Z",
      to: "2030-03-05T07:00:00Z",
    });
    expect(spans.map(({ users }) => users)).toEqual([0, 2, 1]);
  });

  it("a tenant sees its own usage, and no number of another", async () => {
    expect(await total(platform, "tenant-b")).toMatchObject({ requests: 0, users: 0 });
    const refused = async (id: string) => {
      const { status, text } = await raw.send("GET", `/v1/tenants/${id}/usage?by=hour`);
      return { status, text: text.replace(/"requestId":"[^"]*"/, "") };
    };
    expect(await refused("tenant-b")).toEqual(await refused("no-such"));
    expect(await refused("tenant-b")).toMatchObject({ status: 404 });
  });
});
