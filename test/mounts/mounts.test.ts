// Mounts that are made while the server runs: planned, applied, refused with what they would have done, and what a
// second process of the same ledger makes of them.
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { BulkheadError, RemoteFS } from "@bulkhead/client";
import { query, tempDir, type TempDir, waitFor } from "@bulkhead/harness";
import { serve, type Server } from "@bulkhead/server";
import { run } from "bulkhead";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Api, api, makeTenant, mintKey } from "../support/api.ts";
import { startServer, type TestServer } from "../support/start-server.ts";

let dir: TempDir;
let first: TestServer;
let second: Server;
let platform: Api;
let client: RemoteFS;
let acmeKey: string;
let acme: Api;
let elsewhere: Api;

beforeAll(async () => {
  dir = await tempDir();
  await mkdir(join(dir.path, "shelf/old"), { recursive: true });
  await writeFile(join(dir.path, "shelf/old/letter.txt"), "from before");
  const config = `
region: eu
placements: { standard: { backend: versioned } }
defaultPlacement: standard
backends:
  shelf: { backend: local, options: { root: ${join(dir.path, "shelf")} } }
  open: { backend: local, options: { root: ${join(dir.path, "open")} }, tenants: true }
  far: { backend: local, options: { root: ${join(dir.path, "far")} }, region: { attested: us }, tenants: true }
  kept: { backend: versioned, options: { root: ${join(dir.path, "kept")} }, tenants: true }
  silent: { backend: local, options: { root: ${join(dir.path, "silent")} }, region: us }
`;
  first = await startServer({ config });
  await writeFile(join(dir.path, "second.yaml"), config);
  second = await serve(
    {
      port: 0,
      config: join(dir.path, "second.yaml"),
      dataDir: first.dataDir,
      databaseUrl: first.databaseUrl,
    },
    { out: () => undefined, err: () => undefined },
  );
  platform = api(first.url, first.platformKey);
  client = new RemoteFS({ url: first.url, apiKey: first.platformKey });
  acmeKey = await makeTenant(platform, "acme", ["read", "write", "admin"]);
  acme = api(first.url, acmeKey);
  elsewhere = api(second.url, acmeKey);
  await makeTenant(platform, "beta");
});
afterAll(async () => {
  await second?.close();
  await first?.[Symbol.asyncDispose]();
  await dir?.remove();
});

const cli = async (key: string, stdin: string, ...argv: readonly string[]) => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  stdout.on("data", (chunk: Buffer) => out.push(chunk));
  stderr.on("data", (chunk: Buffer) => err.push(chunk));
  const code = await run(argv, {
    stdin: Readable.from([stdin]),
    stdout,
    stderr,
    isTTY: { stdin: false, stdout: false, stderr: false },
    env: { HOME: "/nonexistent", BULKHEAD_URL: first.url, BULKHEAD_KEY: key },
    cwd: "/",
  });
  await new Promise((resolve) => setImmediate(resolve));
  return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
};

const refused = async (work: Promise<unknown>): Promise<BulkheadError> => {
  const error: unknown = await work.then(
    () => undefined,
    (why: unknown) => why,
  );
  if (!(error instanceof BulkheadError)) throw new Error("It was not refused.", { cause: error });
  return error;
};

const usedBy = async (id: string): Promise<number> => {
  const [row] = await query(
    first.databaseUrl,
    "select used from bulkhead.tenant_head h join bulkhead.tenant t using (uid) where t.id = $1",
    [id],
  );
  return Number(row?.["used"]);
};

const archive = "/workspace/acme/archive";

test("what is planned is done, by its hash, on every process with the next request, and undone", async () => {
  const planned = await client.mounts.plan({
    add: [{ path: archive, backend: "shelf", folder: "old", tenant: "acme" }],
  });
  expect(planned.plan).toMatchObject({
    shadows: [],
    tenants: ["acme"],
    refusals: [],
    residency: [{ path: archive, content: "eu", metadata: "eu", attested: true }],
  });
  expect((await acme.send("GET", "/v1/files/archive/letter.txt")).status).toBe(404);
  const [made] = await client.mounts.apply(planned, { idempotencyKey: "once" });
  expect(made).toMatchObject({ path: archive, origin: "api", tenant: "acme", credentials: false });
  expect(await client.mounts.apply(planned, { idempotencyKey: "once" })).toEqual([made]);
  const read = await elsewhere.send("GET", "/v1/files/archive/letter.txt");
  expect([read.status, read.text]).toEqual([200, "from before"]);

  const [entries] = await query(
    first.databaseUrl,
    "select from bulkhead.audit where action = 'mount.apply' and result = 'SUCCESS'",
  );
  expect(entries).toBeDefined();
  await waitFor(async () => (await usedBy("acme")) === "from before".length);

  // What it holds may go, the mount point and what is above it stay.
  expect((await elsewhere.send("DELETE", `/v1/files${archive}`)).status).toBe(409);
  const above = "/v1/files/workspace/acme?recursive=true";
  expect((await elsewhere.send("DELETE", above)).status).toBe(403);
  const moved = { from: archive, to: "/workspace/acme/gone" };
  expect((await elsewhere.send("POST", "/v1/move", { body: moved })).status).toBe(403);
  const listed = [];
  for await (const mount of client.mounts.list({ tenant: "acme" }, { pageSize: 1 }))
    listed.push(mount);
  expect(listed).toEqual([made]);
  const holder = new RemoteFS({ url: second.url, apiKey: first.platformKey });
  const state = await holder.mounts.get(made?.id ?? "");
  expect(state).toMatchObject({ state: "serving", verified: false });

  await client.mounts.delete(made?.id ?? "");
  expect((await elsewhere.send("GET", "/v1/files/archive/letter.txt")).status).toBe(404);
  expect(await readdir(join(dir.path, "shelf/old"))).toContain("letter.txt");
  expect(await usedBy("acme")).toBe(0);
});

test("a stale hash, a mount that hides something, a shared storage, another's ground: refused with what would be", async () => {
  const input = { path: "/workspace/acme/notes", backend: "shelf", folder: "notes" };
  const stale = await client.mounts.plan({ add: [input] });
  await acme.send("PUT", "/v1/files/notes/today.txt", { body: "mine" });
  const overtaken = await refused(client.mounts.apply(stale));
  expect([overtaken.status, overtaken.code]).toEqual([409, "conflict"]);
  expect(overtaken.fields.effects).toContain(
    "The directory /workspace/acme/notes would be hidden.",
  );

  const hiding = await client.mounts.plan({ add: [input] });
  expect(hiding.plan.shadows).toEqual([{ path: "/workspace/acme/notes", kind: "directory" }]);
  const shadowing = await refused(client.mounts.apply(hiding));
  expect([shadowing.status, shadowing.code]).toEqual([409, "conflict"]);
  expect(shadowing.fields.effects?.join("\n")).toMatch(/would hide the directory/);
  const below = await client.mounts.plan({
    add: [{ ...input, path: "/workspace/acme/notes/today.txt/deep" }],
  });
  expect(below.plan.shadows).toEqual([{ path: "/workspace/acme/notes/today.txt", kind: "file" }]);
  expect((await acme.send("GET", "/v1/files/notes/today.txt")).text).toBe("mine");
  // Said on purpose it is done.
  const meant = await client.mounts.add({ ...input, shadow: true });
  expect((await acme.send("GET", "/v1/files/notes/today.txt")).status).toBe(404);
  await client.mounts.delete(meant.id);
  expect((await acme.send("GET", "/v1/files/notes/today.txt")).text).toBe("mine");

  const one = await client.mounts.add({ path: "/workspace/acme/a", backend: "shelf", folder: "x" });
  for (const folder of ["x", "x/y"]) {
    const nested = await client.mounts.plan({
      add: [{ path: "/workspace/beta/b", backend: "shelf", folder }],
    });
    const error = await refused(client.mounts.apply(nested));
    expect(error.status).toBe(409);
    expect(error.fields.effects?.join("\n")).toMatch(/shares or nests the root of another/);
  }
  await client.mounts.delete(one.id);

  for (const wrong of [
    { path: "/workspace/beta", backend: "shelf", folder: "z" },
    { path: "/workspace/beta/b", tenant: "acme", backend: "shelf", folder: "z" },
    { path: "/workspace/nobody/b", backend: "shelf", folder: "z" },
    { path: "/workspace", backend: "shelf", folder: "z" },
  ]) {
    const { plan, hash } = await client.mounts.plan({ add: [wrong] });
    const error = await refused(client.mounts.apply({ plan, hash }));
    expect(error.status).toBe(409);
    expect(error.fields.effects).toContain(`${wrong.path}: ${plan.refusals[0]?.detail}`);
  }
  expect((await readdir(join(dir.path, "shelf"))).sort()).toEqual(["notes", "old"]);
});

test("a tenant's admin mounts on its own ground, by a template for tenants and nothing else", async () => {
  const own = new RemoteFS({ url: first.url, apiKey: acmeKey });
  const there = await refused(
    own.mounts.plan({ add: [{ path: "/workspace/beta/x", backend: "open" }] }),
  );
  const nowhere = await refused(
    own.mounts.plan({ add: [{ path: "/workspace/none/x", backend: "open" }] }),
  );
  expect([there.code, there.message]).toEqual([nowhere.code, nowhere.message]);
  expect(there.code).toBe("outside-workspace");
  const hidden = await refused(own.mounts.plan({ add: [{ path: "/x", backend: "shelf" }] }));
  expect(hidden.message).toBe("There is no backend 'shelf' to mount.");
  for (const more of [{ folder: "old" }, { bucket: "theirs" }, { shadow: true }, { priority: 1 }])
    expect(
      (await refused(own.mounts.plan({ add: [{ path: "/x", backend: "open", ...more }] }))).code,
    ).toBe("forbidden");
  const plain = await mintKey(platform, { name: "plain", workspacePrefix: "/workspace/acme" });
  const scope = await api(first.url, plain).send("GET", "/v1/mounts");
  expect([scope.status, scope.json]).toMatchObject([403, { code: "scope-required" }]);

  const made = await own.mounts.add({ path: "/x", backend: "open" });
  expect(made).toMatchObject({ path: "/workspace/acme/x", tenant: "acme", backend: "open" });
  await own.writeFile("/x/here.txt", "here");
  const full = await refused(own.mounts.delete(made.id));
  expect([full.status, full.code]).toEqual([409, "not-empty"]);
  const foreign = await client.mounts.add({ path: "/workspace/beta/x", backend: "open" });
  for (const id of [foreign.id, "1"]) {
    const error = await refused(own.mounts.delete(id));
    expect([error.code, error.message]).toEqual(["not-found", "There is no such mount."]);
  }
  await own.rm("/x/here.txt");
  await own.mounts.delete(made.id);
  await client.mounts.delete(foreign.id);
});

test("a region outside a tenant's is refused, and one that nobody confirms does not open and passes nothing on", async () => {
  await platform.send("POST", "/v1/tenants", { body: { id: "euro", allowedRegions: ["eu"] } });
  const away = await client.mounts.plan({ add: [{ path: "/workspace/euro/far", backend: "far" }] });
  expect(away.plan.refusals).toMatchObject([{ code: "residency" }]);
  const error = await refused(client.mounts.apply(away));
  expect([error.status, error.code]).toEqual([403, "residency"]);

  const made = await client.mounts.add({ path: "/workspace/acme/silent", backend: "silent" });
  for (const size of [1, 16 * 1024]) {
    const put = await acme.send("PUT", "/v1/files/silent/x", { body: "x".repeat(size) });
    expect([put.status, put.json]).toMatchObject([503, { code: "unavailable" }]);
  }
  expect(await client.mounts.get(made.id)).toMatchObject({ state: "unavailable", verified: false });
});

test("the command line plans, applies, lists and unmounts", async () => {
  const plan = await cli(
    first.platformKey,
    "",
    "mount",
    "plan",
    "/workspace/acme/cli",
    "--backend",
    "open",
  );
  expect(plan.out).toMatch(/^mount \/workspace\/acme\/cli on open\n[\s\S]*hash [0-9a-f]{64}\n$/);
  const json = await cli(
    first.platformKey,
    "",
    "mount",
    "plan",
    "/workspace/acme/cli",
    "--backend",
    "open",
    "--json",
  );
  const applied = await cli(first.platformKey, json.out, "mount", "apply", "-");
  expect([applied.code, applied.out]).toMatchObject([
    0,
    expect.stringMatching(/path +\/workspace\/acme\/cli/),
  ]);
  const again = await cli(first.platformKey, json.out, "mount", "apply", "-");
  expect([again.code, again.err]).toMatchObject([
    11,
    expect.stringMatching(/The mount \/workspace\/acme\/cli would be hidden/),
  ]);
  expect((await cli(acmeKey, "", "mount", "ls")).out).toMatch(/\/workspace\/acme\/cli +open/);
  expect((await cli(acmeKey, "", "mount", "get", "/workspace/acme/cli")).out).toMatch(
    /state +serving/,
  );
  expect((await cli(acmeKey, "", "mount", "rm", "/workspace/acme/cli")).code).toBe(0);
  expect((await cli(acmeKey, "", "mount", "get", "/workspace/acme/cli")).code).toBe(3);
});

test("a versioned tree is mounted, with its history, served by every process, and goes whole when it is unmounted", async () => {
  const at = "/workspace/keeper/kept";
  const key = await makeTenant(platform, "keeper", ["read", "write", "admin"]);
  const admin = new RemoteFS({ url: first.url, apiKey: key });
  const made = await admin.mounts.add({ path: at, backend: "kept" });
  const [long, longer] = ["a".repeat(100_000), "b".repeat(120_000)];
  await admin.writeFile("/kept/d/long.txt", long);
  // The other process needs no lease to write the very same file.
  const over = await api(second.url, key).send("PUT", "/v1/files/kept/d/long.txt", {
    body: longer,
  });
  expect(over.status).toBe(200);
  await admin.writeFile("/kept/d/short.txt", "short");
  expect(await usedBy("keeper")).toBe(longer.length + 5);
  const versions = [];
  for await (const one of admin.versions("/kept/d/long.txt")) versions.push(one);
  expect(versions.map(({ size }) => size)).toEqual([longer.length, long.length]);
  const oldest = versions.at(-1)?.version ?? "";
  await admin.restore("/kept/d/long.txt", oldest);
  expect(await admin.readFile("/kept/d/long.txt", "utf8")).toBe(long);

  // What is granted there follows a renaming in its own commit, and what changed is told by its place in the tree.
  const grant = { subject: "user:ann", relation: "viewer", object: `file:${at}/d` };
  expect((await platform.send("POST", "/v1/relations", { body: grant })).status).toBe(201);
  await admin.rename("/kept/d", "/kept/e");
  const tuples = await platform.send("GET", "/v1/relations?tenant=keeper");
  expect([tuples.text.includes(`${at}/e`), tuples.text.includes(`${at}/d`)]).toEqual([true, false]);
  const changes = await api(first.url, key).send("GET", "/v1/changes");
  expect(changes.text).toContain("/kept/e");
  const audit = await client.quota.audit("keeper");
  expect(audit).toMatchObject({ drift: { bytes: 0, files: 0, versionBytes: 0 } });

  expect((await refused(admin.mounts.delete(made.id))).code).toBe("not-empty");
  await admin.rm("/kept/e", { recursive: true });
  await admin.mounts.delete(made.id);
  const state = () =>
    query(first.databaseUrl, "select state from bulkhead.job where kind = 'mount.retire'");
  await waitFor(async () => (await state())[0]?.["state"] === "done", { timeout: 20_000 });
  expect(await usedBy("keeper")).toBe(0);
  const files = await readdir(join(dir.path, "kept"), { recursive: true, withFileTypes: true });
  expect(files.filter((entry) => entry.isFile())).toEqual([]);
  const left = await query(
    first.databaseUrl,
    `select (select count(*)::int from bulkhead.tree where mount like 'api:%') as trees,
       (select count(*)::int from bulkhead.blob where content like 'api:%') as blobs,
       (select version_bytes::int from bulkhead.tenant_head h join bulkhead.tenant t using (uid) where t.id = 'keeper') as past`,
  );
  expect(left).toEqual([{ trees: 0, blobs: 0, past: 0 }]);
}, 60_000);

test("a tenant's end empties the mounts that have a place of their own, and leaves what was brought", async () => {
  await makeTenant(platform, "gone");
  const own = await client.mounts.add({ path: "/workspace/gone/own", backend: "open" });
  await client.writeFile("/workspace/gone/own/mine.txt", "mine");
  await client.mounts.add({ path: "/workspace/gone/old", backend: "shelf", folder: "old" });
  await client.mounts.add({ path: "/workspace/gone/kept", backend: "kept", folder: "gone" });
  await client.writeFile("/workspace/gone/kept/long.txt", "k".repeat(50_000));
  expect(await client.readFile("/workspace/gone/old/letter.txt", "utf8")).toBe("from before");
  const { job } = await client.tenants.delete("gone", { confirm: "gone" });
  const { state, result } = await client.jobs.wait(job);
  expect([state, result]).toMatchObject([
    "done",
    {
      removed: expect.arrayContaining([
        expect.objectContaining({ where: "/workspace/gone/own", files: 1 }),
      ]),
      kept: expect.arrayContaining([
        expect.objectContaining({ where: "/workspace/gone/old", kept: expect.any(String) }),
      ]),
    },
  ]);
  const left = await readdir(join(dir.path, "open"), { recursive: true });
  expect(left.filter((name) => name.endsWith("mine.txt"))).toEqual([]);
  const kept = await readdir(join(dir.path, "kept"), { recursive: true, withFileTypes: true });
  expect(kept.filter((entry) => entry.isFile())).toEqual([]);
  const trees = "select from bulkhead.tree where mount like 'api:%'";
  expect(await query(first.databaseUrl, trees)).toEqual([]);
  expect(await readdir(join(dir.path, "shelf/old"))).toContain("letter.txt");
  expect((await refused(client.mounts.get(own.id))).code).toBe("not-found");
}, 150_000);
