// The concept page's row C13 and Flow Nexus' F1: limits are kept to the byte, on every storage, whatever the way to grow.
import { readdir } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { openSql, type Sql, tempDir, type TempDir, waitFor } from "@bulkhead/harness";
import { quotaEntries } from "@bulkhead/wire";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, api, makeTenant, member, mintKey } from "../support/api.ts";
import { startServer, type TestServer } from "../support/start-server.ts";

const mib = 1024 * 1024;
const ends = new AsyncDisposableStack();
let dir: TempDir;
let server: TestServer;
let platform: Api;
let acme: Api;
let key: string;
let sql: Sql;

beforeAll(async () => {
  dir = ends.use(await tempDir());
  server = ends.use(
    await startServer({
      config: `mounts: [{ path: /workspace/acme/plain, backend: local, durability: relaxed, options: { root: "${dir.path}" } }]`,
    }),
  );
  sql = await openSql(server.databaseUrl);
  ends.defer(() => sql.close());
  platform = api(server.url, server.platformKey);
  key = await makeTenant(platform, "acme", ["read", "write", "share", "admin"]);
  acme = api(server.url, key);
});
afterAll(() => ends.disposeAsync());

const head = async (): Promise<{ used: number; reserved: number; files: number }> => {
  const [row] = await sql.run(
    `select h.used, h.reserved, h.files from bulkhead.tenant_head h
     join bulkhead.tenant t on t.uid = h.uid where t.id = 'acme'`,
  );
  return {
    used: Number(row?.["used"]),
    reserved: Number(row?.["reserved"]),
    files: Number(row?.["files"]),
  };
};
const limit = async (limits: object): Promise<void> => {
  const set = await platform.send("PUT", "/v1/tenants/acme/quota", { body: limits });
  expect(set.status).toBe(200);
};
const put = async (path: string, size: number, headers = {}): Promise<number> =>
  (await acme.send("PUT", `/v1/files${path}`, { body: new Uint8Array(size), headers })).status;
const remove = async (path: string): Promise<number> =>
  (await acme.send("DELETE", `/v1/files${path}`)).status;

/** Sends without saying how long it is going to be; answers the status, and how much was taken. */
const stream = (path: string, size: number): Promise<{ status: number; sent: number }> =>
  new Promise((resolve, reject) => {
    let sent = 0;
    const chunk = Buffer.alloc(64 * 1024, 1);
    const sending = request(
      `${server.url}/v1/files${path}`,
      { method: "PUT", headers: { authorization: `Bearer ${key}` } },
      (response) => {
        response.resume();
        resolve({ status: response.statusCode ?? 0, sent });
        sending.destroy();
      },
    );
    sending.on("error", reject);
    const more = (): void => {
      while (sent < size) {
        sent += chunk.length;
        if (!sending.write(chunk)) return void sending.once("drain", more);
      }
      sending.end();
    };
    more();
  });

describe.each([
  ["with history", "/tree"],
  ["in a folder as they are", "/plain/x"],
])("files %s", (_, base) => {
  it("are as many bytes as there may be, and what does not grow always fits", async () => {
    const before = await head();
    await limit({ bytes: before.used + 50_000, files: null });
    expect(await put(`${base}/first`, 50_001), "the first one, too long").toBe(507);
    expect(await put(`${base}/a`, 50_000)).toBe(201);
    expect(await put(`${base}/b`, 1)).toBe(507);
    expect(await put(`${base}/a`, 50_000), "the same again, at the limit").toBe(200);
    expect(await put(`${base}/a`, 50_001)).toBe(507);
    // Lowered below what is used: only growth stops.
    await limit({ bytes: 10 });
    expect(await put(`${base}/a`, 50_000)).toBe(200);
    expect(await put(`${base}/a`, 40_000)).toBe(200);
    expect(await put(`${base}/a`, 40_001)).toBe(507);
    expect(
      (await acme.send("POST", "/v1/move", { body: { from: `${base}/a`, to: `${base}/c` } }))
        .status,
    ).toBe(201);
    const copied = await acme.send("POST", "/v1/copy", {
      body: { from: `${base}/c`, to: `${base}/d` },
    });
    expect(copied.status).toBe(507);
    const appended = await acme.send("POST", `/v1/append${base}/c`, { body: "x" });
    expect(appended.json).toMatchObject({
      code: "quota-exceeded",
      resource: "bytes",
      limit: 10,
      used: before.used + 40_000,
      current: before.used + 40_000,
      requested: 1,
    });
    expect(await remove(`${base}/c`)).toBe(204);
    expect(await head()).toEqual(before);
    await limit({ bytes: null });
  });

  it("cost nothing where they were refused, and are credited once", async () => {
    const before = await head();
    expect(await put(`${base}/one`, 9000)).toBe(201);
    const failed = await Promise.all([
      put(`${base}/one`, 100, { "if-match": '"other"' }),
      put(`${base}/one`, 30_000, { "if-none-match": "*" }),
    ]);
    expect(failed).toEqual([412, 412]);
    expect(await head()).toMatchObject({ used: before.used + 9000, files: before.files + 1 });
    const gone = await Promise.all(Array.from({ length: 8 }, () => remove(`${base}/one`)));
    expect(gone.filter((status) => status === 204)).toHaveLength(1);
    expect(await head()).toEqual(before);
  });

  it("of unknown length stop in the middle and leave nothing", async () => {
    const before = await head();
    await limit({ bytes: before.used + 3 * mib });
    const { status, sent } = await stream(`${base}/endless`, 64 * mib);
    expect(status).toBe(507);
    expect(sent).toBeLessThan(32 * mib);
    await waitFor(async () => (await head()).reserved === 0);
    expect(await head()).toEqual(before);
    expect((await acme.send("GET", `/v1/stat${base}/endless`)).status).toBe(404);
    expect(await readdir(join(dir.path, ".bulkhead", "staging")).catch(() => [])).toEqual([]);
    expect((await stream(`${base}/fits`, 2 * mib)).status).toBe(201);
    expect(await head()).toMatchObject({ used: before.used + 2 * mib, reserved: 0 });
    expect(await remove(`${base}/fits`)).toBe(204);
    await limit({ bytes: null });
  });
});

it("lets go of what a dead writer held, at the latest when somebody needs it", async () => {
  const before = await head();
  const hold = (lease: string): Promise<unknown> =>
    sql.run(
      `with made as (insert into bulkhead.reservation (id, tenant, bytes, lease)
         select gen_random_uuid(), t.uid, 5000, bulkhead.now() + $1::interval from bulkhead.tenant t where t.id = 'acme'
         returning tenant, bytes)
       update bulkhead.tenant_head h set reserved = h.reserved + m.bytes from made m where h.uid = m.tenant`,
      [lease],
    );
  await limit({ bytes: before.used + 5000 });
  await hold("1 minute");
  expect(await put("/plain/held", 100), "a living writer's").toBe(507);
  await sql.run("update bulkhead.reservation set lease = bulkhead.now()");
  expect(await sql.run("select bulkhead.reservations_sweep_v1(10) as n")).toEqual([{ n: "5000" }]);
  expect(await put("/plain/held", 5000)).toBe(201);
  await limit({ bytes: null });
  await remove("/plain/held");
  expect(await head()).toEqual(before);
});

it("prunes the oldest versions, and refuses no live write for them", async () => {
  const before = await head();
  await limit({ bytes: before.used + 60_000, versionBytes: 50_000 });
  for (let i = 0; i < 6; i++) expect(await put("/history", 20_000)).toBe(i === 0 ? 201 : 200);
  const kept = async (): Promise<number> => {
    const [row] = await sql.run(
      "select h.version_bytes as n from bulkhead.tenant_head h join bulkhead.tenant t on t.uid = h.uid where t.id = 'acme'",
    );
    return Number(row?.["n"]);
  };
  // What the server's own pass does every ten seconds.
  await sql.run(
    `select bulkhead.versions_prune_v1(o.tenant, o.tree, 1e14, 2000000000, 1000)
     from jsonb_to_recordset(bulkhead.versions_over_v1(20)) as o (tenant uuid, tree uuid)`,
  );
  expect(await kept()).toBeLessThanOrEqual(50_000);
  expect(await kept()).toBeGreaterThan(0);
  const versions = await acme.send("GET", "/v1/versions/history");
  expect(versions.text).toContain('"current":true');
  await limit({ bytes: null, versionBytes: null });
  await remove("/history");
});

it("explains the sum to the tenant, and nothing of it to a guest, who is told that there is no room", async () => {
  expect(await put("/shared/f", 1000)).toBe(201);
  const { used } = await head();
  await limit({ bytes: used + 100 });
  const explain = { operation: "write", path: "/shared/g", size: 101 };
  const own = await acme.send("POST", "/v1/explain", { body: explain });
  expect(own.json).toMatchObject({ decision: "denied", code: "quota-exceeded" });
  expect(own.text).toContain(`"limit":${used + 100}`);
  expect(await put("/shared/g", 101)).toBe(507);
  const fits = await acme.send("POST", "/v1/explain", { body: { ...explain, size: 100 } });
  expect(fits.json).toMatchObject({ decision: "allowed" });

  const guest = api(server.url, await makeTenant(platform, "guest"));
  const body = { path: "/workspace/acme/shared", tenant: "guest", permission: "can_write" };
  const shared = await acme.send("POST", "/v1/shares", { body });
  expect(shared.status).toBe(201);
  const target = member(shared, "target");
  const refused = await guest.send("PUT", `/v1/files${target}/g`, { body: new Uint8Array(101) });
  expect(refused.status).toBe(507);
  for (const name of ["limit", "used", "current", "requested"])
    expect(refused.json).not.toHaveProperty(name);
  const told = await guest.send("POST", "/v1/explain", {
    body: { operation: "write", path: `${target}/g`, size: 101 },
  });
  expect(told.json).toMatchObject({ decision: "denied", code: "quota-exceeded" });
  expect(told.text).not.toContain(String(used));
  await limit({ bytes: null });
});

it("lets no tenant change its plan, limits or usage, in particular not by a file", async () => {
  await limit({ bytes: 10_000_000, sandboxes: 1 });
  const before = await platform.send("GET", "/v1/tenants/acme/quota");
  const metadata = JSON.stringify({ plan: "enterprise", limits: { bytes: null }, usage: {} });
  expect((await acme.send("PUT", "/v1/files/.tenant.json", { body: metadata })).status).toBe(201);
  const tries = [
    ["PUT", "/v1/tenants/acme/quota", { bytes: null }],
    ["PATCH", "/v1/tenants/acme", { limits: { bytes: null } }],
    ["POST", "/v1/tenants/acme/upgrade", { plan: "enterprise" }],
    ["POST", "/v1/tenants/acme/upgrade", { plan: "enterprise", preview: true }],
    ["POST", "/v1/tenants/acme/quota/sandboxes/increment", {}],
    ["POST", "/v1/tenants/acme/quota/sandboxes/decrement", {}],
    ["POST", "/v1/tenants/acme/quota/audit", {}],
  ] as const;
  for (const [method, target, body] of tries)
    expect((await acme.send(method, target, { body })).status, target).toBe(403);
  // Nor somebody of another tenant, who is not told that there is one.
  const other = api(
    server.url,
    await mintKey(platform, { name: "o", workspacePrefix: "/workspace/guest", scopes: ["admin"] }),
  );
  for (const target of ["/v1/tenants/acme/quota", "/v1/tenants/acme/usage"]) {
    const answers = [
      await other.send("GET", target),
      await other.send("GET", target.replace("acme", "none")),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 404]);
  }
  const after = await platform.send("GET", "/v1/tenants/acme/quota");
  const limits = ({ json }: typeof after): unknown =>
    Object.entries(quotaEntries.parse(json)).map(([name, entry]) => [name, entry.limit]);
  expect(limits(after)).toEqual(limits(before));
  expect(await remove("/.tenant.json")).toBe(204);
});
