// Rows N7 and N10 (both Nexus SaaS tutorials), C13 (the concept page), F1 (limits) and F6 (Flow Nexus), by every way.
//
// Changes against the published text: limits are the server's to keep, not a file's; bytes are bytes, not gigabytes in
// floating point; nothing is checked before it is done, because the commit itself says no.
import { PassThrough, Readable } from "node:stream";
import { openSql, waitFor } from "@bulkhead/harness";
import { run } from "bulkhead";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { api } from "../support/api.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { fronts } from "./actors/ways.ts";
import { meet, secretOf, type World } from "./actors/world.ts";

const gb = 1024 ** 3;
let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    config: `
plans:
  tiny: { limits: { users: 5, files: 3, bytes: 1000, sandboxes: 2 }, features: [basic_sharing] }
  billed: { limits: { users: 1, bytes: 10 }, overage: bill, overagePrices: { userMinor: 1000, gbMinor: 50 }, baseMinor: 9900 }
featureGates: { groups: [advanced_sharing] }
`,
  });
});
afterAll(() => server[Symbol.asyncDispose]());

describe.each(fronts)("by $way", (front) => {
  const { way } = front;
  const full = front.refusal("quota", "quota-exceeded");
  let world: World;
  let tenants = 0;
  beforeAll(async () => {
    world = await meet(front, server);
  });
  const fresh = (): string => `${way}-${++tenants}`;

  it("N10: plans are data: what a tenant may, and what it may at once after an upgrade", async () => {
    const { platform } = world;
    const id = fresh();
    expect(await platform.makeTenant(id, { plan: "free", trialDays: 14 })).toMatchObject({
      plan: "free",
      status: "trial",
      limits: { users: 5, bytes: 10 * gb, files: 1000 },
      features: ["basic_storage", "basic_sharing"],
    });
    expect(await platform.previewUpgrade(id, "pro")).toMatchObject({
      preview: true,
      from: "free",
      to: "pro",
      limits: { before: { users: 5 }, after: { users: 50, bytes: 500 * gb, files: 50_000 } },
      features: { gained: ["advanced_storage", "advanced_sharing", "api_access"] },
      baseMinor: { before: 0, after: 9900 },
      currency: "USD",
      exceeded: [],
      endsTrial: true,
    });
    expect((await platform.getTenant(id)).plan).toBe("free");
    expect(await platform.upgradeTenant(id, "pro")).toMatchObject({
      plan: "pro",
      status: "active",
      trialEndsAt: null,
      mrrMinor: 9900,
      limits: { users: 50, bytes: 500 * gb, files: 50_000 },
    });
    expect((await platform.upgradeTenant(id, "enterprise")).limits).toEqual({
      users: null,
      bytes: null,
      files: null,
    });
    await expect(platform.upgradeTenant(id, "platinum")).rejects.toMatchObject(
      front.refusal("invalid", "invalid-request"),
    );
    // An upgrade is no way out of a suspension.
    await platform.suspend(id);
    expect(await platform.upgradeTenant(id, "free")).toMatchObject({ status: "suspended" });
  });

  it("N7, C13: users, files and bytes end where the plan says, and are reported with what is scarce", async () => {
    const { platform } = world;
    const id = fresh();
    await platform.makeTenant(id, { plan: "tiny" });
    const minted = await platform.mintKey({
      name: id,
      workspacePrefix: `/workspace/${id}`,
      scopes: ["read", "write", "admin"],
    });
    const tenant = world.as(secretOf(minted));
    for (const n of [1, 2, 3, 4, 5])
      await tenant.makeUser(id, { id: `u${n}`, email: `u${n}@acme.com`, role: "member" });
    const sixth = tenant.makeUser(id, { id: "u6", email: "u6@acme.com", role: "member" });
    await expect(sixth).rejects.toMatchObject(full);
    // Somebody known by a relation alone is a user as well.
    const named = { subject: "user:u7", relation: "viewer", object: `file:/workspace/${id}` };
    await expect(platform.grant(named)).rejects.toMatchObject(full);
    await tenant.write("/a.txt", "x".repeat(850));
    await expect(tenant.write("/b.txt", "x".repeat(151))).rejects.toMatchObject(full);
    await expect(tenant.append("/a.txt", "x".repeat(151))).rejects.toMatchObject(full);
    await tenant.write("/b.txt", "x".repeat(100));
    await tenant.write("/c.txt", "");
    await expect(tenant.write("/d.txt", "")).rejects.toMatchObject(full);
    await expect(tenant.copy("/c.txt", "/d.txt")).rejects.toMatchObject(full);
    const report = await tenant.usage(id);
    expect(report).toMatchObject({
      plan: "tiny",
      usage: { users: 5, bytes: 950, files: 3, keys: 1 },
      limits: { users: 5, files: 3, bytes: 1000, sandboxes: 2 },
      utilization: { users: 100, files: 100, bytes: 95, sandboxes: 0 },
    });
    expect(report.warnings).toEqual([
      "Storage at 95% of limit",
      "Files at 100% of limit",
      "Users at 100% of limit",
    ]);
    // Exactly 80 % is none.
    await platform.setQuota(id, { bytes: 1000, files: 10, users: 10 });
    await tenant.write("/b.txt", "");
    await tenant.write("/a.txt", "x".repeat(800));
    expect((await tenant.usage(id)).warnings).toEqual([]);
    const entries = await platform.setQuota(id, { keys: 1 }, { bytes: 500 });
    expect(entries).toMatchObject({
      bytes: { limit: 1000, soft: 500, used: 800 },
      keys: { limit: 1, used: 1 },
    });
    expect((await tenant.usage(id)).warnings).toEqual([
      "Storage above the soft limit of 500",
      "Keys at 100% of limit",
    ]);
    const more = { name: "second", workspacePrefix: `/workspace/${id}` };
    await expect(platform.mintKey(more)).rejects.toMatchObject(full);
    await expect(tenant.makeGroup(id, "team")).rejects.toMatchObject(
      front.refusal("denied", "plan-limit"),
    );
    await platform.upgradeTenant(id, "pro");
    await tenant.makeGroup(id, "team");
    await expect(tenant.setQuota(id, { bytes: 10 })).rejects.toMatchObject(
      front.refusal("denied", "forbidden"),
    );
  });

  it("N7: what a plan bills beyond its limits is stored, and told with the limits", async () => {
    const { platform } = world;
    const id = fresh();
    await platform.makeTenant(id, { plan: "billed" });
    await platform.write(`/workspace/${id}/f`, "more than ten bytes");
    const { usage, limits, utilization } = await platform.usage(id);
    expect({
      usage: usage["bytes"],
      limit: limits["bytes"],
      percent: utilization["bytes"],
    }).toEqual({
      usage: 19,
      limit: 10,
      percent: 190,
    });
  });

  it("F1, F6: counters of any name are checked, raised and lowered, and never race", async () => {
    const { platform } = world;
    const id = fresh();
    await platform.makeTenant(id, { plan: "tiny" });
    expect(await platform.count("check", id, "nothing")).toEqual({
      allowed: false,
      reason: "Quota not configured",
      current: 0,
      limit: null,
      remaining: null,
    });
    expect(await platform.count("check", id, "sandboxes", 2)).toEqual({
      allowed: true,
      current: 0,
      limit: 2,
      remaining: 2,
    });
    const all = await Promise.all(
      [1, 2, 3, 4, 5].map(() => platform.count("increment", id, "sandboxes")),
    );
    expect(all.filter(({ allowed }) => allowed)).toHaveLength(2);
    expect(await platform.count("increment", id, "sandboxes")).toEqual({
      allowed: false,
      reason: "Quota exceeded for sandboxes",
      current: 2,
      limit: 2,
      remaining: 0,
    });
    expect(await platform.count("decrement", id, "sandboxes")).toMatchObject({ current: 1 });
    await expect(platform.count("decrement", id, "sandboxes", 2)).rejects.toMatchObject(
      front.refusal("conflict", "conflict"),
    );
    await expect(platform.count("increment", id, "bytes")).rejects.toMatchObject(
      front.refusal("invalid", "invalid-request"),
    );
    expect(await platform.getQuota(id)).toMatchObject({ sandboxes: { limit: 2, used: 1 } });
  });
});

it("an increment that is sent twice under one Idempotency-Key is one", async () => {
  const platform = api(server.url, server.platformKey);
  await platform.send("POST", "/v1/tenants", { body: { id: "twice", plan: "tiny" } });
  const again = (): ReturnType<typeof platform.send> =>
    platform.send("POST", "/v1/tenants/twice/quota/sandboxes/increment", {
      body: {},
      headers: { "idempotency-key": "one" },
    });
  const [first, second] = [await again(), await again()];
  expect(first.json).toMatchObject({ allowed: true, current: 1, remaining: 1 });
  expect(second.json).toEqual(first.json);
});

it("what is nearly used up is an event, once", async () => {
  const platform = api(server.url, server.platformKey);
  await platform.send("POST", "/v1/tenants", { body: { id: "warned", plan: "tiny" } });
  const put = (size: number): Promise<unknown> =>
    platform.send("PUT", "/v1/files/workspace/warned/f", { body: "x".repeat(size) });
  await put(801);
  const sql = await openSql(server.databaseUrl);
  const told = async (): Promise<readonly unknown[]> => {
    // As the server's own pass does every ten seconds; one of the two looks at a time.
    await waitFor(async () => {
      await sql.run("select bulkhead.quota_watch_v1(500)");
      const [row] = await sql.run(
        `select w.seq = h.seq as seen from bulkhead.quota_watch w join bulkhead.tenant_head h on h.uid = w.tenant
         join bulkhead.tenant t on t.uid = w.tenant where t.id = 'warned'`,
      );
      return row?.["seen"] === true;
    });
    const rows = await sql.run(
      `select c.payload->>'resource' as resource from bulkhead.change c join bulkhead.tenant t on t.uid = c.tenant
       where t.id = 'warned' and c.kind = 'quota.warning'`,
    );
    return rows.map((row) => row["resource"]);
  };
  expect(await told()).toEqual(["bytes"]);
  await put(900);
  expect(await told()).toEqual(["bytes"]);
  await put(100);
  expect(await told()).toEqual(["bytes"]);
  await put(900);
  expect(await told()).toEqual(["bytes", "bytes"]);
  await sql.close();
});

it("the audit finds nothing where nothing drifts, says by how much where something does, and fails", async () => {
  const platform = api(server.url, server.platformKey);
  await platform.send("POST", "/v1/tenants", { body: { id: "drifting" } });
  await platform.send("PUT", "/v1/files/workspace/drifting/f", { body: "12345" });
  await platform.send("PUT", "/v1/files/workspace/drifting/f", { body: "123" });
  const audit = async (): Promise<readonly [number, unknown]> => {
    const [out, err] = [new PassThrough(), new PassThrough()];
    const told: Buffer[] = [];
    out.on("data", (chunk: Buffer) => told.push(chunk));
    err.resume();
    const code = await run(["--json", "quota", "audit", "drifting"], {
      stdin: Readable.from([]),
      stdout: out,
      stderr: err,
      isTTY: { stdin: false, stdout: false, stderr: false },
      env: { HOME: "/nonexistent", BULKHEAD_URL: server.url, BULKHEAD_KEY: server.platformKey },
      cwd: "/",
    });
    await new Promise((resolve) => setImmediate(resolve));
    return [code, JSON.parse(Buffer.concat(told).toString())];
  };
  const found = { bytes: 3, files: 1, versionBytes: 5 };
  const none = { bytes: 0, files: 0, versionBytes: 0 };
  expect(await audit()).toEqual([
    0,
    { tenant: "drifting", counted: found, found, drift: none, storages: [] },
  ]);
  const sql = await openSql(server.databaseUrl);
  const head = `update bulkhead.tenant_head h set used = h.used + $1 from bulkhead.tenant t
    where t.uid = h.uid and t.id = 'drifting'`;
  await sql.run(head, [7]);
  expect(await audit()).toEqual([
    1,
    expect.objectContaining({ found, drift: { ...none, bytes: 7 } }),
  ]);
  await sql.run(head, [-7]);
  await sql.close();
});

it("what found no room is no failure of the server's: its log says nothing of it", () => {
  expect(server.lines.filter((line) => line.includes("request-failed"))).toEqual([]);
});
