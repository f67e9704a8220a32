// The concept page's row C13 and Flow Nexus' F1: limits are kept to the byte, on every storage, whatever the way to grow.
import { readdir } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { deprovision } from "@bulkhead/backend-postgres";
import { RemoteFS } from "@bulkhead/client";
import {
  openSql,
  type Sql,
  tempDir,
  type TempDir,
  type TestBucket,
  testBucket,
  testS3,
  waitFor,
} from "@bulkhead/harness";
import { quotaEntries } from "@bulkhead/wire";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, api, makeTenant, member, mintKey } from "../support/api.ts";
import { startServer, type TestServer } from "../support/start-server.ts";

const mib = 1024 * 1024;
const ends = new AsyncDisposableStack();
const { servers: stores, reason: noStore } = await testS3();
/** The one has a folder and a bucket in its tree, the other a database of its own. */
const tenants = ["acme", "own"] as const;
type Tenant = (typeof tenants)[number];
const keys: Record<Tenant, string> = { acme: "", own: "" };
let dir: TempDir;
let bucket: TestBucket | undefined;
let server: TestServer;
let platform: Api;
let acme: Api;
let sql: Sql;

const of = (tenant: Tenant): Api => api(server.url, keys[tenant]);

beforeAll(async () => {
  dir = ends.use(await tempDir());
  const [store] = stores;
  bucket = store && (await testBucket(store));
  const mounts = [
    { path: "plain", backend: "local", options: { root: dir.path } },
    ...(bucket === undefined
      ? []
      : [{ path: "bucket", backend: "s3", options: { s3: bucket.options } }]),
  ].map((mount) => ({ ...mount, path: `/workspace/acme/${mount.path}`, durability: "relaxed" }));
  server = ends.use(
    await startServer({
      config: `
placements: { versioned: { backend: versioned }, own: { backend: postgres, plans: [enterprise] } }
backends: { scratch: { backend: memory } }
mounts: ${JSON.stringify(mounts)}`,
    }),
  );
  sql = await openSql(server.databaseUrl);
  ends.defer(() => sql.close());
  platform = api(server.url, server.platformKey);
  keys.acme = await makeTenant(platform, "acme", ["read", "write", "share", "admin"]);
  acme = of("acme");
  const client = new RemoteFS({ url: server.url, apiKey: server.platformKey });
  await client.tenants.create({ id: "own", plan: "enterprise" });
  keys.own = await mintKey(platform, { name: "own", workspacePrefix: "/workspace/own" });
}, 120_000);
afterAll(async () => {
  const adminUrl = server.databaseUrl;
  const made = await sql.run("select database_name as name from bulkhead.tenant");
  for (const { name } of made) if (typeof name === "string") await deprovision({ adminUrl, name });
  await ends.disposeAsync();
});

const head = async (
  tenant: Tenant = "acme",
): Promise<{ used: number; reserved: number; files: number }> => {
  const [row] = await sql.run(
    `select h.used, h.reserved, h.files from bulkhead.tenant_head h
     join bulkhead.tenant t on t.uid = h.uid where t.id = $1`,
    [tenant],
  );
  return {
    used: Number(row?.["used"]),
    reserved: Number(row?.["reserved"]),
    files: Number(row?.["files"]),
  };
};
const limit = async (limits: object, tenant: Tenant = "acme"): Promise<void> => {
  const set = await platform.send("PUT", `/v1/tenants/${tenant}/quota`, { body: limits });
  expect(set.status).toBe(200);
};
const put = async (
  path: string,
  size: number,
  headers = {},
  tenant: Tenant = "acme",
): Promise<number> =>
  (await of(tenant).send("PUT", `/v1/files${path}`, { body: new Uint8Array(size), headers }))
    .status;
const remove = async (path: string, tenant: Tenant = "acme"): Promise<number> =>
  (await of(tenant).send("DELETE", `/v1/files${path}`)).status;

/** Sends without saying how long it is going to be; answers the status, and how much was taken. */
const stream = (
  path: string,
  size: number,
  tenant: Tenant,
): Promise<{ status: number; sent: number }> =>
  new Promise((resolve, reject) => {
    let sent = 0;
    const chunk = Buffer.alloc(64 * 1024, 1);
    const sending = request(
      `${server.url}/v1/files${path}`,
      { method: "PUT", headers: { authorization: `Bearer ${keys[tenant]}` } },
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

type Kind = readonly [name: string, tenant: Tenant, base: string];
const kinds: readonly Kind[] = [
  ["with history", "acme", "/tree"],
  ["in a folder as they are", "acme", "/plain/x"],
  ["in a database of their tenant's own", "own", "/x"],
  ...(noStore === undefined ? ([["in a bucket as they are", "acme", "/bucket/x"]] as const) : []),
];

/** What lies where it may lie until its content is complete, and may not lie after that. */
const begun = async (): Promise<readonly string[]> => [
  ...(await readdir(join(dir.path, ".bulkhead", "staging")).catch(() => [])),
  ...((await bucket?.unfinished()) ?? []),
];

describe.each(kinds)("files %s", (_, tenant, base) => {
  const mine = { head: () => head(tenant), limit: (limits: object) => limit(limits, tenant) };
  it("are as many bytes as there may be, and what does not grow always fits", async () => {
    const before = await mine.head();
    await mine.limit({ bytes: before.used + 50_000, files: null });
    expect(await put(`${base}/first`, 50_001, {}, tenant), "the first one, too long").toBe(507);
    expect(await put(`${base}/a`, 50_000, {}, tenant)).toBe(201);
    expect(await put(`${base}/b`, 1, {}, tenant)).toBe(507);
    expect(await put(`${base}/a`, 50_000, {}, tenant), "the same again, at the limit").toBe(200);
    expect(await put(`${base}/a`, 50_001, {}, tenant)).toBe(507);
    // Lowered below what is used: only growth stops.
    await mine.limit({ bytes: 10 });
    expect(await put(`${base}/a`, 50_000, {}, tenant)).toBe(200);
    expect(await put(`${base}/a`, 40_000, {}, tenant)).toBe(200);
    expect(await put(`${base}/a`, 40_001, {}, tenant)).toBe(507);
    expect(
      (await of(tenant).send("POST", "/v1/move", { body: { from: `${base}/a`, to: `${base}/c` } }))
        .status,
    ).toBe(201);
    const copied = await of(tenant).send("POST", "/v1/copy", {
      body: { from: `${base}/c`, to: `${base}/d` },
    });
    expect(copied.status).toBe(507);
    const appended = await of(tenant).send("POST", `/v1/append${base}/c`, { body: "x" });
    expect(appended.json).toMatchObject({
      code: "quota-exceeded",
      resource: "bytes",
      limit: 10,
      used: before.used + 40_000,
      current: before.used + 40_000,
      requested: 1,
    });
    expect(await remove(`${base}/c`, tenant)).toBe(204);
    expect(await mine.head()).toEqual(before);
    await mine.limit({ bytes: null });
  });

  it("cost nothing where they were refused, and are credited once", async () => {
    const before = await mine.head();
    expect(await put(`${base}/one`, 9000, {}, tenant)).toBe(201);
    const failed = await Promise.all([
      put(`${base}/one`, 100, { "if-match": '"other"' }, tenant),
      put(`${base}/one`, 30_000, { "if-none-match": "*" }, tenant),
    ]);
    expect(failed).toEqual([412, 412]);
    expect(await mine.head()).toMatchObject({ used: before.used + 9000, files: before.files + 1 });
    const gone = await Promise.all(Array.from({ length: 8 }, () => remove(`${base}/one`, tenant)));
    expect(gone.filter((status) => status === 204)).toHaveLength(1);
    expect(await mine.head()).toEqual(before);
  });

  it("of unknown length stop in the middle and leave nothing", async () => {
    const before = await mine.head();
    await mine.limit({ bytes: before.used + 3 * mib });
    const { status, sent } = await stream(`${base}/endless`, 64 * mib, tenant);
    expect(status).toBe(507);
    expect(sent).toBeLessThan(32 * mib);
    await waitFor(async () => (await mine.head()).reserved === 0);
    expect(await mine.head()).toEqual(before);
    expect((await of(tenant).send("GET", `/v1/stat${base}/endless`)).status).toBe(404);
    await waitFor(async () => (await begun()).length === 0);
    expect((await stream(`${base}/fits`, 2 * mib, tenant)).status).toBe(201);
    expect(await mine.head()).toMatchObject({ used: before.used + 2 * mib, reserved: 0 });
    expect(await remove(`${base}/fits`, tenant)).toBe(204);
    await mine.limit({ bytes: null });
  });
});

it.each(kinds)(
  "what a dead writer held is let go of, at the latest when somebody needs it: files %s",
  async (_, tenant, base) => {
    const before = await head(tenant);
    const hold = (lease: string): Promise<unknown> =>
      sql.run(
        `with made as (insert into bulkhead.reservation (id, tenant, bytes, lease)
           select gen_random_uuid(), t.uid, 5000, bulkhead.now() + $1::interval from bulkhead.tenant t where t.id = $2
           returning tenant, bytes)
         update bulkhead.tenant_head h set reserved = h.reserved + m.bytes from made m where h.uid = m.tenant`,
        [lease, tenant],
      );
    const held = `${base}/held`;
    await limit({ bytes: before.used + 5000 }, tenant);
    await hold("1 minute");
    expect(await put(held, 100, {}, tenant), "a living writer's").toBe(507);
    await sql.run("update bulkhead.reservation set lease = bulkhead.now()");
    // By this or by the server's own sweep, whichever comes first.
    await sql.run("select bulkhead.reservations_sweep_v1(10)");
    expect((await head(tenant)).reserved).toBe(0);
    expect(await put(held, 5000, {}, tenant)).toBe(201);
    await limit({ bytes: null }, tenant);
    await remove(held, tenant);
    expect(await head(tenant)).toEqual(before);
  },
);

/** Makes one of them; and takes one away again. */
interface Made {
  readonly make: (n: number) => Promise<{ readonly status: number; readonly json: unknown }>;
  readonly take: () => Promise<unknown>;
}
const shareRoute = "/v1/shares";
const resources: Readonly<Record<"shares" | "mounts", Made>> = {
  shares: {
    make: (n) => acme.send("POST", shareRoute, { body: { path: `/limited/${n}`, link: true } }),
    take: async () => {
      const [share] = await sql.run(
        "select s.id from bulkhead.share s join bulkhead.tenant t on t.uid = s.tenant where t.id = 'acme' and s.revoked_at is null limit 1",
      );
      return acme.send("DELETE", `${shareRoute}/${String(share?.["id"])}`);
    },
  },
  mounts: {
    make: async (n) => {
      // What somebody else applied in between makes a plan a stale one: it is planned again.
      for (let tries = 0; ; tries++) {
        const add = [{ path: `/workspace/acme/mounted/${n}`, backend: "scratch" }];
        const plan = await platform.send("POST", "/v1/mounts/plan", { body: { add } });
        const done = await platform.send("POST", "/v1/mounts/apply", { body: plan.json });
        if ((done.status !== 409 && done.status !== 412) || tries === 30) return done;
      }
    },
    take: async () => {
      const [mount] = await sql.run(
        "select m.id from bulkhead.mount m join bulkhead.tenant t on t.uid = m.tenant where t.id = 'acme' limit 1",
      );
      return platform.send("DELETE", `/v1/mounts/${String(mount?.["id"])}`);
    },
  },
};

it.each(["shares", "mounts"] as const)(
  "%s are as many as there may be, also where several are made at once, and make room when they go",
  { timeout: 60_000 },
  async (resource) => {
    const { make, take } = resources[resource];
    const used = async (): Promise<number> => {
      const quota = await platform.send("GET", "/v1/tenants/acme/quota");
      return quotaEntries.parse(quota.json)[resource]?.used ?? Number.NaN;
    };
    for (let n = 0; n <= 10; n++) await put(`/limited/${n}`, 1);
    const before = await used();
    await limit({ [resource]: before + 3 });
    expect((await make(0)).status).toBeLessThan(300);
    const raced = await Promise.all(Array.from({ length: 8 }, (_, n) => make(n + 1)));
    expect(raced.filter(({ status }) => status < 300)).toHaveLength(2);
    const refused = raced.filter(({ status }) => status === 507);
    expect(refused).toHaveLength(6);
    expect(refused[0]?.json).toMatchObject({
      code: "quota-exceeded",
      resource,
      limit: before + 3,
      used: before + 3,
      requested: 1,
    });
    expect(await used()).toBe(before + 3);
    await take();
    expect(await used()).toBe(before + 2);
    expect((await make(9)).status).toBeLessThan(300);
    expect((await make(10)).status).toBe(507);
    expect(await used()).toBe(before + 3);
    // Lowered below what is there: nothing goes, nothing comes.
    await limit({ [resource]: 0 });
    expect((await make(10)).status).toBe(507);
    expect(await used()).toBe(before + 3);
    if (resource === "mounts") {
      // A bucket that was made with its tenant is none of them, and is made above the limit.
      await sql.run(
        `begin;
         set local role bulkhead_system;
         insert into bulkhead.mount (id, path, tenant, backend, storage, created_by)
           select gen_random_uuid(), '/workspace/acme/made', t.uid, 'scratch', '{"made": true, "bucket": "b"}', 'test'
           from bulkhead.tenant t where t.id = 'acme';
         commit`,
      );
      expect(await used()).toBe(before + 3);
      await sql.run("delete from bulkhead.mount where path = '/workspace/acme/made'");
    }
    await limit({ [resource]: null });
    while ((await used()) > before) await take();
  },
);

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
