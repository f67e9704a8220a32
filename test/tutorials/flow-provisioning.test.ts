// Flow Nexus platform, row F2: a tenant gets a database of its own, made by the server with the platform's SQL in it, and
// buckets that are mounted in its tree.
//
// Changes against the published text: its name is quoted, hashed and cut by us; nobody is told a password; what fails is
// undone as a whole.
import { randomBytes } from "node:crypto";
import { PassThrough, Readable } from "node:stream";
import { deprovision } from "@bulkhead/backend-postgres";
import { BulkheadError, RemoteFS } from "@bulkhead/client";
import { query, testBucket, testS3, waitFor } from "@bulkhead/harness";
import { run } from "bulkhead";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Api, api, member } from "../support/api.ts";
import { startServer, type TestServer } from "../support/start-server.ts";

const config = `
defaultPlacement: own
tenantConnections: 8
placements:
  own:
    backend: postgres
    options: { schema: files }
    provisioning:
      sql:
        - create table settings (name text primary key, value text) -- of the platform
        - insert into settings values ('welcome', 'hello')
`;

let server: TestServer;
let platform: Api;
let client: RemoteFS;

beforeAll(async () => {
  server = await startServer({ config });
  platform = api(server.url, server.platformKey);
  client = new RemoteFS({ url: server.url, apiKey: server.platformKey });
});
afterAll(async () => {
  const made = await query(server.databaseUrl, "select database_name as name from bulkhead.tenant");
  const adminUrl = server.databaseUrl;
  for (const { name } of made) await deprovision({ adminUrl, name: String(name) });
  await server[Symbol.asyncDispose]();
});

const cli = async (...argv: readonly string[]): Promise<string> => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const told: Buffer[] = [];
  stdout.on("data", (chunk: Buffer) => told.push(chunk));
  stderr.on("data", (chunk: Buffer) => told.push(chunk));
  const code = await run(argv, {
    stdin: Readable.from([]),
    stdout,
    stderr,
    isTTY: { stdin: false, stdout: false, stderr: false },
    env: { HOME: "/nonexistent", BULKHEAD_URL: server.url, BULKHEAD_KEY: server.platformKey },
    cwd: "/",
  });
  await new Promise((resolve) => setImmediate(resolve));
  const text = Buffer.concat(told).toString();
  if (code !== 0) throw new Error(text);
  return text;
};

const databases = (name: string): Promise<readonly unknown[]> =>
  query(server.databaseUrl, "select from pg_database where datname = $1", [name]);

describe("a tenant with a database of its own", () => {
  it("is accepted over HTTP, answers 503 until its database is there, and serves then", async () => {
    const headers = { "idempotency-key": "acme-1" };
    const body = { id: "acme", name: "Acme" };
    const accepted = await platform.send("POST", "/v1/tenants", { body, headers });
    expect(accepted).toMatchObject({ status: 202, json: { tenant: { status: "provisioning" } } });
    const job = member(accepted, "job");
    expect(accepted.headers.get("location")).toBe(`/v1/jobs/${job}`);
    const again = await platform.send("POST", "/v1/tenants", { body, headers });
    expect([again.status, member(again, "job")]).toEqual([202, job]);

    const minted = await platform.send("POST", "/v1/keys", {
      body: { name: "k", workspacePrefix: "/workspace/acme" },
    });
    const acme = api(server.url, member(minted, "key"));
    let early = 0;
    for (;;) {
      const put = await acme.send("PUT", "/v1/files/hello.txt", { body: "hello" });
      if (put.status !== 503) break;
      early += 1;
      expect(put.json).toMatchObject({ code: "unavailable" });
      expect(put.headers.get("retry-after")).toBe("5");
    }
    expect(early).toBeGreaterThan(0);
    expect((await acme.send("GET", "/v1/files/hello.txt")).text).toBe("hello");
    const done = await client.jobs.wait(job);
    expect(done).toMatchObject({ state: "done", tenant: "acme", kind: "tenant.provision" });

    const tenant = await client.tenants.get("acme");
    expect(tenant).toMatchObject({ status: "active" });
    const name = tenant.databaseName ?? "";
    expect(name).toMatch(/^bulkhead_acme_[0-9a-f]{32}$/);
    const url = new URL(server.databaseUrl);
    url.pathname = `/${name}`;
    expect(await query(url.href, "select value from settings")).toEqual([{ value: "hello" }]);
    expect(await query(url.href, "select name from files.node where blob is not null")).toEqual([
      { name: "hello.txt" },
    ]);
  });

  it("is waited for by the client and by the command line, unless they are told not to", async () => {
    expect(await client.tenants.create({ id: "beta" })).toMatchObject({
      id: "beta",
      status: "active",
    });
    const jobs: string[] = [];
    const hasty = await client.tenants.create(
      { id: "gamma" },
      { wait: false, onJob: (job) => jobs.push(job) },
    );
    expect(hasty.status).toBe("provisioning");
    expect(await client.jobs.wait(jobs[0] ?? "")).toMatchObject({ state: "done" });
    expect(await cli("tenant", "create", "delta")).toMatch(/made by job [\s\S]*active/);
    const noted = await cli("tenant", "create", "epsilon", "--no-wait");
    const job = /bulkhead job wait (\S+)/.exec(noted)?.[1] ?? "";
    expect(noted).toMatch(/provisioning/);
    expect(await cli("job", "wait", job)).toMatch(/done/);
    expect(await cli("tenant", "get", "epsilon")).toMatch(/databaseName\s+bulkhead_epsilon_/);
  });

  it("is undone as a whole if a step fails, says why, and leaves the name free", async () => {
    await using broken = await startServer({
      config: config.replace("'welcome', 'hello'", "'welcome'), ('welcome'"),
    });
    const other = new RemoteFS({ url: broken.url, apiKey: broken.platformKey });
    const failing = other.tenants.create({ id: "acme" });
    await expect(failing).rejects.toThrow(/refused the configured provisioning SQL/);
    await expect(failing).rejects.toBeInstanceOf(BulkheadError);
    await expect(other.tenants.get("acme")).rejects.toMatchObject({ code: "not-found" });
    const [row] = await query(
      broken.databaseUrl,
      "select database_name as name from bulkhead.tenant",
    );
    expect(await databases(String(row?.["name"]))).toEqual([]);
    const jobs: string[] = [];
    const second = await other.tenants.create(
      { id: "acme" },
      { wait: false, onJob: (job) => jobs.push(job) },
    );
    expect(second.databaseName).not.toBe(row?.["name"]);
    await expect(other.mkdir("/workspace/by-mkdir")).rejects.toThrow(/provisioning SQL/);
    expect(await other.jobs.wait(jobs[0] ?? "")).toMatchObject({ state: "dead" });
    expect(
      await query(broken.databaseUrl, "select from bulkhead.tenant where status <> 'deleted'"),
    ).toEqual([]);
  });

  it("is gone with its tenant, and the certificate names it", async () => {
    const { databaseName } = await client.tenants.get("beta");
    expect(await databases(databaseName ?? "")).toHaveLength(1);
    const { job } = await client.tenants.delete("beta", { confirm: "beta" });
    const { result } = await client.jobs.wait(job);
    expect(result).toMatchObject({
      removed: expect.arrayContaining([
        { what: "database", name: databaseName, role: databaseName },
      ]),
    });
    expect(await databases(databaseName ?? "")).toEqual([]);
  });
});

const s3 = await testS3();

describe.skipIf(s3.reason !== undefined)(
  `a tenant with buckets of its own ${s3.reason ?? ""}`,
  () => {
    it("has them made and mounted, with its meters and alerts, and they go with it", async () => {
      const [found] = s3.servers;
      if (found === undefined) throw new Error("There is no S3 server.");
      const { raw, options } = await testBucket(found);
      const { bucket: _, ...access } = options;
      await using buckets = await startServer({
        config: `
defaultPlacement: standard
backends:
  store: { backend: s3, options: { s3: ${JSON.stringify(access)} } }
placements:
  standard: { backend: versioned, provisioning: { buckets: { backend: store } } }
`,
      });
      const root = new RemoteFS({ url: buckets.url, apiKey: buckets.platformKey });
      const sub = `acme-${randomBytes(4).toString("hex")}`;
      const names = ["assets", "backups", "uploads"];
      const made = names.map((name) => `${sub}-${name}`);
      const ours = async (): Promise<readonly string[]> =>
        (await raw.listBuckets()).map(({ name }) => name).filter((name) => name.startsWith(sub));

      const jobs: string[] = [];
      const tenant = await root.tenants.create(
        { id: "acme", subdomain: sub, limits: { bytes: 1000 } },
        { onJob: (job) => jobs.push(job) },
      );
      expect(tenant).toMatchObject({ status: "active" });
      expect(await root.jobs.wait(jobs[0] ?? "")).toMatchObject({ result: { buckets: made } });
      expect(await ours()).toEqual(made);
      const events = (kind: string) =>
        query(
          buckets.databaseUrl,
          `select o.payload from bulkhead.outbox o join bulkhead.tenant t on t.uid = o.tenant
         where t.id = 'acme' and o.kind = $1`,
          [kind],
        );
      expect(await events("tenant.provisioned")).toMatchObject([
        { payload: { id: "acme", buckets: made } },
      ]);

      const { key } = await root.keys.create({ name: "k", workspacePrefix: "/workspace/acme" });
      const acme = new RemoteFS({ url: buckets.url, apiKey: key ?? "" });
      expect((await acme.readdir("/")).toSorted()).toEqual(names);
      await acme.writeFile("/uploads/in/photo.jpg", "x".repeat(700));
      await acme.writeFile("/notes.txt", "n".repeat(150));
      const object = await raw.statObject(`${sub}-uploads`, "in/photo.jpg");
      expect(object.size).toBe(700);
      // Metered and limited as one tenant, wherever it lies; the alert is told once it is above 80 %.
      expect((await root.tenants.usage("acme")).usage).toMatchObject({ bytes: 850, files: 2 });
      await waitFor(async () => (await events("quota.warning")).length === 1, { timeout: 20_000 });
      await expect(acme.writeFile("/assets/logo.svg", "l".repeat(200))).rejects.toMatchObject({
        code: "quota-exceeded",
      });
      expect(await acme.readdir("/assets")).toEqual([]);

      // A bucket goes with its tenant, and no other way.
      const items = [];
      for await (const mount of root.mounts.list({ tenant: "acme" })) items.push(mount);
      expect(items.map(({ path }) => path)).toEqual(names.map((name) => `/workspace/acme/${name}`));
      await expect(root.mounts.delete(items[0]?.id ?? "")).rejects.toThrow(/made with its tenant/);
      const { job } = await root.tenants.delete("acme", { confirm: "acme" });
      const { result } = await root.jobs.wait(job);
      for (const name of made)
        expect(result).toMatchObject({
          removed: expect.arrayContaining([expect.objectContaining({ what: "bucket", name })]),
        });
      expect(await ours()).toEqual([]);

      // One that is there already is nobody's to take: then there is no tenant either, and no other bucket.
      await raw.makeBucket(`${sub}-backups`);
      const again = root.tenants.create({ id: "acme", subdomain: sub });
      await expect(again).rejects.toThrow(new RegExp(`${sub}-backups' that is not this tenant's`));
      await expect(root.tenants.get("acme")).rejects.toMatchObject({ code: "not-found" });
      expect(await ours()).toEqual([`${sub}-backups`]);
      await raw.removeBucket(`${sub}-backups`);
    }, 60_000);
  },
);
