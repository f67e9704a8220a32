import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readdir, readlink, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { openSql, type Sql, tempDir, type TempDir, waitFor } from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { api, type Api, makeTenant } from "../support/api.ts";
import { rawRequest } from "../support/raw-request.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { randomFrom } from "./crash-writer.ts";

const exec = promisify(execFile);
const mib = 1024 * 1024;

const ends = new AsyncDisposableStack();
let dir: TempDir;
/** Where content lies that is not in the ledger: a disk of 32 MiB. */
let disk: string;
/** Why there is no such disk; undefined where there is one. */
let noDisk: string | undefined;
let server: TestServer;
let sql: Sql;
let key: string;
let acme: Api;

beforeAll(async () => {
  dir = ends.use(await tempDir());
  disk = join(dir.path, "disk");
  await mkdir(disk);
  noDisk = await exec("mount", ["-t", "tmpfs", "-o", "size=32m", "tmpfs", disk]).then(
    () => undefined,
    () => "mounting a tmpfs needs root and a system that lets it",
  );
  if (noDisk === undefined) ends.defer(async () => void (await exec("umount", [disk])));
  server = ends.use(
    await startServer({
      config: `
placements:
  versioned: { backend: versioned, options: { root: "${disk}" } }
mounts:
  - { path: /workspace/acme/plain, backend: local, options: { root: "${dir.path}/plain" } }
`,
    }),
  );
  sql = await openSql(server.databaseUrl);
  ends.defer(() => sql.close());
  key = await makeTenant(api(server.url, server.platformKey), "acme");
  acme = api(server.url, key);
});
afterAll(() => ends.disposeAsync());

/** The only blob below a folder that has that many bytes. */
const blobOf = async (folder: string, size: number): Promise<string> => {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const { name, parentPath } of found) {
    if (!/^[0-9a-f-]{36}$/.test(name)) continue;
    const path = join(parentPath, name);
    await using file = await open(path, "r");
    if ((await file.stat()).size === size) return path;
  }
  throw new Error(`There is no blob of ${size} bytes in ${folder}.`);
};

const flip = async (path: string, offset: number): Promise<void> => {
  await using file = await open(path, "r+");
  const bytes = Buffer.alloc(1);
  await file.read(bytes, 0, 1, offset);
  bytes[0] = (bytes[0] ?? 0) ^ 16;
  await file.write(bytes, 0, 1, offset);
};

describe("a flipped bit", () => {
  const bearer = (): Record<string, string> => ({ authorization: `Bearer ${key}` });

  it("in storage: refused before the first byte, and within it the connection breaks before the first byte of its frame", async () => {
    const frame = 4 * mib;
    const bytes = new Uint8Array(frame + 1000).fill(7);
    expect((await acme.send("PUT", "/v1/files/flipped", { body: bytes })).status).toBe(201);
    const path = await blobOf(disk, bytes.length);
    await flip(path, frame + 10);
    const cut = await fetch(`${server.url}/v1/files/flipped`, { headers: bearer() });
    expect(cut.headers.get("content-length")).toBe(String(bytes.length));
    await expect(cut.arrayBuffer()).rejects.toThrow();
    const raw = await rawRequest(server.url, "GET", "/v1/files/flipped", bearer());
    expect(raw.body.length).toBeLessThanOrEqual(frame);
    // The other frame is whole, and is sent.
    const part = await acme.send("GET", "/v1/files/flipped", { headers: { range: "bytes=0-99" } });
    expect([part.status, part.text.length]).toEqual([206, 100]);

    await flip(path, 10);
    const first = await acme.send("GET", "/v1/files/flipped");
    expect([first.status, first.json]).toMatchObject([500, { code: "internal", retryable: false }]);
    // It is told, and can be stored again.
    expect((await acme.send("PUT", "/v1/files/flipped", { body: bytes })).status).toBe(200);
    const again = await fetch(`${server.url}/v1/files/flipped`, { headers: bearer() });
    expect((await again.arrayBuffer()).byteLength).toBe(bytes.length);
  });

  it("in a row: refused, whole and in part, with nothing of it in the answer", async () => {
    await acme.send("PUT", "/v1/files/row", { body: "what was stored" });
    await sql.run(
      "update bulkhead.node_version set inline = 'what was storeD' where inline = 'what was stored'",
    );
    for (const headers of [{}, { range: "bytes=0-3" }]) {
      const answer = await acme.send("GET", "/v1/files/row", { headers });
      expect(answer.status).toBe(500);
      expect(answer.json).toMatchObject({ code: "internal", retryable: false });
      expect(answer.text).not.toContain("what");
    }
    expect((await acme.send("GET", "/v1/stat/row")).status).toBe(200);
  });
});

describe("a disk that is full", () => {
  it("is 503, loses nothing, and is served again once it has room", async ({ skip }) => {
    if (noDisk !== undefined) skip(noDisk);
    const kept = new Uint8Array(mib).fill(1);
    expect((await acme.send("PUT", "/v1/files/kept", { body: kept })).status).toBe(201);
    const space = async (of: "avail" | "used"): Promise<number> =>
      Number((await exec("df", [`--output=${of}`, "-B1", disk])).stdout.split("\n")[1]);
    const filler = join(disk, "filler");
    await writeFile(filler, new Uint8Array((await space("avail")) - 3 * mib));
    const before = await space("used");
    const large = new Uint8Array(6 * mib).fill(2);
    for (let i = 0; i < 7; i++) {
      const path = i % 2 === 0 ? "kept" : "new";
      const full = await acme.send("PUT", `/v1/files/${path}`, { body: large });
      expect(full.status, full.text).toBe(503);
      expect(full.json).toMatchObject({ code: "unavailable" });
      expect(full.headers.get("retry-after")).not.toBeNull();
      expect(full.text).toContain("disk is full");
      expect(full.text).not.toContain(dir.path);
    }
    expect(await space("used")).toBe(before);
    // What is there is served, what fits is stored, and what is small lies elsewhere.
    expect((await acme.send("GET", "/v1/files/kept")).text.length).toBe(mib);
    expect((await acme.send("GET", "/v1/files/new")).status).toBe(404);
    const fits = new Uint8Array(mib).fill(3);
    expect((await acme.send("PUT", "/v1/files/fits", { body: fits })).status).toBe(201);
    expect((await acme.send("PUT", "/v1/files/tiny", { body: "tiny" })).status).toBe(201);
    await rm(filler);
    expect((await acme.send("PUT", "/v1/files/new", { body: large })).status).toBe(201);
    expect((await acme.send("GET", "/v1/files/new")).text.length).toBe(6 * mib);
    await exact();
  });
});

/** Nothing is reserved, half done or in nobody's name, and what is counted is there. */
const exact = async (): Promise<void> => {
  await waitFor(
    async () =>
      (
        await sql.run(
          "select from bulkhead.intent union all select from bulkhead.blob where refs = 0 union all select from bulkhead.blob_tombstone",
        )
      ).length === 0,
  );
  const [head] = await sql.run(
    `select h.reserved::int, h.used::int as used, (select coalesce(sum(n.size), 0)::int from bulkhead.node n
       where n.tenant = h.uid and n.version is not null) + (select coalesce(sum(a.size), 0)::int from bulkhead.accounted a
       where a.tenant = h.uid) as found
     from bulkhead.tenant_head h join bulkhead.tenant t on t.uid = h.uid where t.id = 'acme'`,
  );
  expect(head).toEqual({ reserved: 0, used: head?.["found"], found: head?.["found"] });
};

describe("uploads and downloads that are given up", () => {
  const count = Number(process.env["BULKHEAD_TEST_ABORTS"] ?? 50);
  const seed = Number(process.env["BULKHEAD_TEST_SEED"] ?? 4);
  const random = randomFrom(seed);
  const size = 2 * mib;

  const begun = (method: string, path: string): ReturnType<typeof request> => {
    const { hostname, port } = new URL(server.url);
    const sent = request({
      agent: false,
      hostname,
      port,
      method,
      path: `/v1/files${path}`,
      headers: {
        authorization: `Bearer ${key}`,
        ...(method === "PUT" && { "content-length": size }),
      },
    });
    sent.on("error", () => undefined);
    return sent;
  };
  const upload = async (path: string): Promise<void> => {
    const sent = begun("PUT", path);
    const piece = Buffer.alloc(64 * 1024, 5);
    const until = Math.floor(random() * (size / piece.length));
    for (let i = 0; i < until; i++)
      if (!sent.write(piece)) await Promise.race([once(sent, "drain"), sleep(200)]);
    await sleep(random() * 5);
    sent.destroy();
  };
  const download = async (path: string): Promise<void> => {
    const sent = begun("GET", path);
    sent.end();
    const stop = random() * size;
    const [response] = await once(sent, "response");
    let taken = 0;
    for await (const chunk of response) {
      taken += chunk.length;
      if (taken >= stop) break;
    }
    sent.destroy();
  };
  const places = ["", "/plain"] as const;
  const round = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i += 2) {
      const place = places[(i / 2) % 2] ?? "";
      await Promise.all([upload(`${place}/f`), download(`${place}/f`)]);
    }
  };

  const descriptors = async (): Promise<readonly string[]> => {
    const links = (await readdir("/proc/self/fd")).map((fd) =>
      readlink(`/proc/self/fd/${fd}`).catch(() => ""),
    );
    return (await Promise.all(links)).filter((link) => link !== "");
  };

  it(`${count} of them leave no descriptor, lease, staged content, intent or blob behind`, async () => {
    const body = new Uint8Array(size).fill(9);
    for (const place of places)
      expect((await acme.send("PUT", `/v1/files${place}/f`, { body })).status).toBe(201);
    // Storages are open, and connections are.
    await round(8);
    await exact();
    const before = (await descriptors()).length;
    const leases = await sql.run("select from bulkhead.lease where holder is not null");
    await round(count);
    await exact();
    // Files below a storage: none. Sockets: no more than all pools of the server may open beside.
    const below = async (): Promise<readonly string[]> =>
      (await descriptors()).filter((link) => link.includes(dir.path));
    await waitFor(async () => (await below()).length === 0);
    await waitFor(async () => (await descriptors()).length <= before + 20);
    expect(await sql.run("select from bulkhead.lease where holder is not null")).toHaveLength(
      leases.length,
    );
    for (const root of [join(dir.path, "plain"), disk])
      expect(
        (await readdir(root, { recursive: true })).filter((name) =>
          /\.bulkhead\/(?:staging|trash)\//.test(name),
        ),
      ).toEqual([]);
    for (const place of places) {
      const whole = await acme.send("GET", `/v1/files${place}/f`);
      expect([whole.status, whole.text.length]).toEqual([200, size]);
    }
  });
});
