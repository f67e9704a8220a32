// Uploads in parts (tus 1.0) over the wire, on each kind of storage: exact to the byte after whatever broke off, held to
// quota, key and tenant, and one write in the end.
import { createHash } from "node:crypto";
import { readdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { RemoteFS } from "@bulkhead/client";
import { bulkhead, query, tempDir, testBucket, testS3, waitFor } from "@bulkhead/harness";
import { encodeUploadMetadata } from "@bulkhead/wire";
import * as tus from "tus-js-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { servers as serversOf } from "../processes/two-servers.ts";
import { type Answer, api, type Api, makeTenant, member } from "../support/api.ts";
import { placements } from "../support/placements.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import { contentAt } from "./transfers.ts";

const mib = 1024 * 1024;
const version = { "tus-resumable": "1.0.0" };
const partType = { ...version, "content-type": "application/offset+octet-stream" };

const content = (size: number): Buffer =>
  Buffer.concat([contentAt(0, Math.min(size, mib)), contentAt(mib, Math.max(0, size - mib))]);

const begin = (by: Api, path: string, size: number, headers: Record<string, string> = {}) =>
  by.send("POST", "/v1/uploads", {
    headers: {
      ...version,
      "upload-length": String(size),
      "upload-metadata": encodeUploadMetadata({ path, filetype: "video/mp4" }),
      ...headers,
    },
  });

const placeOf = (answer: Answer): string => {
  expect([answer.status, answer.text]).toEqual([201, ""]);
  return answer.headers.get("location") ?? "";
};

const offsetOf = async (by: Api, at: string): Promise<number> => {
  const { status, headers } = await by.send("HEAD", at);
  expect(status).toBe(200);
  return Number(headers.get("upload-offset"));
};

const part = (by: Api, at: string, offset: number, body: Uint8Array, more = {}) =>
  by.send("PATCH", at, {
    body,
    headers: { ...partType, "upload-offset": String(offset), ...more },
  });

/** A part that says it is longer than what it sends; `cut` ends the connection, and the answer is the status if any. */
const brokenPart = (
  server: Pick<TestServer, "url">,
  key: string,
  at: string,
  sent: Buffer,
  announced: number,
) => {
  const { hostname, port } = new URL(server.url);
  const going = request({
    agent: false,
    hostname,
    port,
    method: "PATCH",
    path: at,
    headers: {
      ...partType,
      authorization: `Bearer ${key}`,
      "upload-offset": "0",
      "content-length": announced,
    },
  });
  const { promise: ended, resolve } = Promise.withResolvers<number | undefined>();
  going
    .on("error", () => resolve(undefined))
    .on("response", (response) => {
      response.resume();
      resolve(response.statusCode);
    });
  going.write(sent);
  return { cut: () => going.destroy(), ended };
};

const { servers: buckets, reason: noBucket } = await testS3();

describe("uploads in parts", { timeout: 90_000 }, () => {
  let server: TestServer;
  let platform: Api;
  let key: string;
  let acme: Api;
  let uid: string;

  beforeAll(async () => {
    const [store] = buckets;
    const bucket = store && (await testBucket(store));
    const s3 =
      store && bucket
        ? JSON.stringify({
            endpoint: store.endpoint,
            region: "us-east-1",
            bucket: bucket.bucket,
            accessKeyId: store.accessKeyId,
            secretAccessKey: store.secretAccessKey,
            forcePathStyle: true,
          })
        : undefined;
    const config = `mounts:
  - { path: /workspace/acme/plain, tenant: acme, backend: local, options: { root: ./plain } }
${s3 === undefined ? "" : `  - { path: /workspace/acme/bucket, tenant: acme, backend: s3, options: { s3: ${s3} } }\n`}`;
    server = await startServer({ config });
    platform = api(server.url, server.platformKey);
    key = await makeTenant(platform, "acme");
    acme = api(server.url, key);
    const [row] = await query(
      server.databaseUrl,
      "select uid from bulkhead.tenant where id = 'acme'",
    );
    uid = String(row?.["uid"]);
  }, 120_000);
  afterAll(() => server[Symbol.asyncDispose]());

  const reserved = async (): Promise<number> => {
    const [row] = await query(
      server.databaseUrl,
      `select reserved::int as n from bulkhead.tenant_head where uid = '${uid}'`,
    );
    return Number(row?.["n"]);
  };
  const limit = (bytes: number | null) =>
    platform.send("PATCH", "/v1/tenants/acme", { body: { limits: { bytes } } });

  /** Begins, breaks off in the middle, goes on: one write that nobody sees before its end. */
  const goesOn = async (by: Api, bearer: string, on: TestServer, folder: string): Promise<void> => {
    const size = mib + 12_345;
    const bytes = content(size);
    const path = `${folder}/made/for/it.bin`;
    const digest = createHash("sha256").update(bytes).digest("base64");
    const at = placeOf(
      await begin(by, path, size, { "if-none-match": "*", "repr-digest": `sha-256=:${digest}:` }),
    );
    const broken = brokenPart(on, bearer, at, bytes.subarray(0, 700_000), size);
    // One writer at a time.
    await waitFor(
      async () =>
        (await query(on.databaseUrl, "select 1 from bulkhead.upload where writer is not null"))
          .length > 0,
    );
    expect((await part(by, at, 0, bytes)).status).toBe(409);
    // What has arrived by then counts, to the byte.
    await new Promise((resolve) => setTimeout(resolve, 100));
    broken.cut();
    const offset = await waitFor(async () => (await offsetOf(by, at)) || undefined);
    expect(offset).toBeLessThanOrEqual(700_000);
    expect((await by.send("GET", `/v1/files${path}`)).status).toBe(404);
    expect((await part(by, at, offset + 1, bytes.subarray(offset + 1))).status).toBe(409);
    await waitFor(async () => {
      const done = await part(by, at, offset, bytes.subarray(offset));
      expect([done.status, done.text]).toEqual([204, ""]);
      return true;
    });
    const read = await fetch(`${on.url}/v1/files${path}`, {
      headers: { authorization: `Bearer ${bearer}` },
    });
    expect(Buffer.compare(Buffer.from(await read.arrayBuffer()), bytes)).toBe(0);
    expect(await offsetOf(by, at)).toBe(size);
    // The condition held for its commit, and holds for another.
    expect((await begin(by, path, 1, { "if-none-match": "*" })).status).toBe(412);
  };

  it.each([
    ["versioned", ""],
    ["plain local", "/plain"],
  ])("go on where they broke off: %s", (_, folder) => goesOn(acme, key, server, folder));

  it.skipIf(noBucket !== undefined)("go on where they broke off: a bucket", () =>
    goesOn(acme, key, server, "/bucket"),
  );

  it("go on where they broke off: a tenant's own database", async () => {
    await using own = await startServer({ config: placements["a tenant's own database"] });
    const admin = api(own.url, own.platformKey);
    const made = await admin.send("POST", "/v1/tenants", { body: { id: "own" } });
    expect([201, 202]).toContain(made.status);
    await waitFor(
      async () =>
        member(await admin.send("GET", "/v1/tenants/own"), "status") === "active" || undefined,
      { timeout: 40_000 },
    );
    const body = { name: "k", workspacePrefix: "/workspace/own" };
    const bearer = member(await admin.send("POST", "/v1/keys", { body }), "key");
    await goesOn(api(own.url, bearer), bearer, own, "");
  });

  it("hold room as they grow, and give it back", async () => {
    await using _ = { [Symbol.asyncDispose]: async () => void (await limit(null)) };
    await limit(16 * mib);
    expect((await begin(acme, "/too-long", 17 * mib)).status).toBe(507);
    expect(await reserved()).toBe(0);
    const at = placeOf(await begin(acme, "/held", 4 * mib));
    expect(await reserved()).toBe(0);
    expect((await part(acme, at, 0, content(mib))).status).toBe(204);
    expect(await reserved()).toBeGreaterThanOrEqual(mib);
    expect(await reserved()).toBeLessThanOrEqual(4 * mib);
    // What it holds is nobody else's, also while nobody sends.
    await query(server.databaseUrl, "select bulkhead.reservations_sweep_v1(100)");
    expect((await acme.send("PUT", "/v1/files/other", { body: content(1.5 * mib) })).status).toBe(
      201,
    );
    expect((await acme.send("DELETE", at, { headers: version })).status).toBe(204);
    expect(await reserved()).toBe(0);
    expect((await acme.send("HEAD", at)).status).toBe(404);

    const late = placeOf(await begin(acme, "/late", 2 * mib));
    expect((await part(acme, late, 0, content(mib))).status).toBe(204);
    await query(server.databaseUrl, "update bulkhead.upload set expires_at = bulkhead.now()");
    expect((await acme.send("HEAD", late)).status).toBe(404);
    expect((await part(acme, late, mib, content(mib))).status).toBe(404);
    await query(server.databaseUrl, "select bulkhead.uploads_lapse_v1(100)");
    expect(await reserved()).toBe(0);
  });

  it("are the key's that began them, and nobody else's", async () => {
    const at = placeOf(await begin(acme, "/mine", 10));
    const otherTenant = api(server.url, await makeTenant(platform, "beta"));
    const body = { name: "k2", workspacePrefix: "/workspace/acme" };
    const sameTenant = api(
      server.url,
      member(await platform.send("POST", "/v1/keys", { body }), "key"),
    );
    const nobody = "/v1/uploads/00000000-0000-4000-8000-000000000000";
    for (const other of [otherTenant, sameTenant, platform])
      for (const ask of [
        (to: string) => other.send("GET", to),
        (to: string) => part(other, to, 0, content(10)),
        (to: string) => other.send("DELETE", to, { headers: version }),
      ]) {
        const [mine, none] = [await ask(at), await ask(nobody)];
        expect([mine.status, mine.headers.get("content-type")]).toEqual([
          404,
          "application/problem+json",
        ]);
        const plain = ({ text }: Answer) => text.replace(/"requestId":"[^"]*"/, "");
        expect(plain(mine)).toBe(plain(none));
      }
    expect((await begin(otherTenant, "/workspace/acme/theirs", 10)).status).toBe(403);
    expect(await offsetOf(acme, at)).toBe(0);
  });

  it("end with the access of their key", async () => {
    const mint = async (name: string) => {
      const body = { name, workspacePrefix: "/workspace/acme" };
      const minted = await platform.send("POST", "/v1/keys", { body });
      return { id: member(minted, "id"), key: member(minted, "key") };
    };
    const [revoked, narrowed] = [await mint("revoked"), await mint("narrowed")];
    const going = async ({ key: bearer }: { key: string }, path: string) => {
      const at = placeOf(await begin(api(server.url, bearer), path, 3 * mib));
      return { at, ...brokenPart(server, bearer, at, content(mib), 3 * mib) };
    };
    const first = await going(revoked, "/revoked");
    const second = await going(narrowed, "/narrowed");
    await platform.send("DELETE", `/v1/keys/${revoked.id}`);
    await platform.send("PATCH", `/v1/keys/${narrowed.id}`, { body: { scopes: ["read"] } });
    // While they still send: within a second, and nothing of it counts.
    expect(await first.ended).toBe(401);
    expect(await second.ended).toBe(403);
    expect((await part(api(server.url, narrowed.key), second.at, 0, content(mib))).status).toBe(
      403,
    );

    const at = placeOf(await begin(acme, "/suspended", mib));
    await platform.send("POST", "/v1/tenants/acme/suspend", { body: {} });
    for (const answer of [await acme.send("GET", at), await part(acme, at, 0, content(mib))])
      expect(answer.status).toBe(403);
    await platform.send("POST", "/v1/tenants/acme/reactivate", { body: {} });
    expect((await part(acme, at, 0, content(mib))).status).toBe(204);
  });

  it("are what was announced, or nothing", async () => {
    const bytes = content(5000);
    const digest = (of: Uint8Array): string => createHash("sha256").update(of).digest("base64");
    const parts = placeOf(await begin(acme, "/parts", 5000));
    const wrong = await part(acme, parts, 0, bytes.subarray(0, 100), {
      "upload-checksum": `sha256 ${digest(bytes)}`,
    });
    expect([wrong.status, wrong.headers.get("content-type")]).toEqual([
      460,
      "application/problem+json",
    ]);
    expect(await offsetOf(acme, parts)).toBe(0);
    expect(
      (await part(acme, parts, 0, bytes, { "upload-checksum": `sha256 ${digest(bytes)}` })).status,
    ).toBe(204);

    const whole = placeOf(
      await begin(acme, "/whole", 5000, {
        "repr-digest": `sha-256=:${digest(bytes.subarray(1))}:`,
      }),
    );
    expect((await part(acme, whole, 0, bytes)).status).toBe(400);
    expect((await acme.send("GET", "/v1/files/whole")).status).toBe(404);
    expect((await acme.send("HEAD", whole)).status).toBe(404);

    const long = placeOf(await begin(acme, "/long", 10));
    expect((await part(acme, long, 0, bytes)).status).toBe(400);
    expect(await offsetOf(acme, long)).toBe(0);

    // The condition is judged with the last part.
    const stat = await acme.send("PUT", "/v1/files/changed", { body: "one" });
    const etag = stat.headers.get("etag") ?? "";
    const stale = placeOf(await begin(acme, "/changed", 10, { "if-match": etag }));
    await acme.send("PUT", "/v1/files/changed", { body: "two" });
    expect((await part(acme, stale, 0, content(10))).status).toBe(412);
    expect((await acme.send("GET", "/v1/files/changed")).text).toBe("two");

    expect(placeOf(await begin(acme, "/empty", 0))).toContain("/v1/uploads/");
    expect((await acme.send("GET", "/v1/files/empty")).headers.get("content-length")).toBe("0");
  });

  it("are what a client of tus sends", async () => {
    const bytes = content(1.5 * mib);
    await new Promise<void>((resolve, reject) => {
      let refused = false;
      const upload = new tus.Upload(bytes, {
        endpoint: `${server.url}/v1/uploads`,
        headers: { authorization: `Bearer ${key}` },
        metadata: { path: "/by-a-client", filetype: "image/png" },
        chunkSize: 400_000,
        retryDelays: [0, 100],
        onChunkComplete: (_size, accepted) => {
          if (accepted < 800_000 || refused) return;
          refused = true;
          // As after a pause of any length: all it has left is the URL.
          void upload.abort().then(() => upload.start());
        },
        onSuccess: () => resolve(),
        onError: reject,
      });
      upload.start();
    });
    const stored = await fetch(`${server.url}/v1/files/by-a-client`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(Buffer.compare(Buffer.from(await stored.arrayBuffer()), bytes)).toBe(0);
    expect(stored.headers.get("content-type")).toBe("image/png");
  });

  it.each(["", "/plain"])(
    "are written once, though their last answer was lost: %s",
    async (folder) => {
      const bytes = content(mib + 77);
      const path = `${folder}/once`;
      const at = placeOf(await begin(acme, path, bytes.length, { "if-none-match": "*" }));
      const done = await part(acme, at, 0, bytes);
      expect([done.status, done.text]).toEqual([204, ""]);
      // As its server left it that died between commit and answer.
      const id = at.split("/").at(-1) ?? "";
      await writeFile(join(server.dataDir, "uploads", id), bytes);
      await query(
        server.databaseUrl,
        `update bulkhead.upload set done = false, stored = size - 1 where id = '${id}'`,
      );
      expect(await offsetOf(acme, at)).toBe(bytes.length - 1);
      const again = await part(acme, at, bytes.length - 1, bytes.subarray(-1));
      expect([again.status, again.headers.get("upload-offset")]).toEqual([204, `${bytes.length}`]);
      const stat = await acme.send("HEAD", `/v1/files${path}`);
      expect(stat.headers.get("etag")).toBe(done.headers.get("etag"));
      expect(await readdir(join(server.dataDir, "uploads"))).not.toContain(id);
    },
  );

  it("are sent by the client, whatever breaks off", async () => {
    let sent = 0;
    const flaky: typeof fetch = async (input, init) => {
      if (init?.method !== "PATCH") return fetch(input, init);
      sent += 1;
      // The request is lost, or its answer is.
      if (sent % 3 === 1) throw new TypeError("fetch failed");
      const response = await fetch(input, init);
      if (sent % 3 === 0) return response;
      await response.body?.cancel();
      throw new TypeError("fetch failed");
    };
    const fs = new RemoteFS({ url: server.url, apiKey: key, fetch: flaky });
    const bytes = content(900_000);
    let upload = "";
    const stat = await fs.uploadFile("/client", bytes, {
      partBytes: 300_000,
      contentType: "text/plain",
      flag: "wx",
      onUpload: (id) => (upload = id),
    });
    expect([stat.size, stat.contentType]).toEqual([900_000, "text/plain"]);
    expect(Buffer.compare(Buffer.from(await fs.readFile("/client")), bytes)).toBe(0);
    await expect(fs.uploadFile("/client", bytes, { flag: "wx" })).rejects.toMatchObject({
      code: "precondition-failed",
    });
    // Gone on with, it is found to be done.
    expect((await fs.uploadFile("/client", bytes, { upload })).etag).toBe(stat.etag);
  });

  it("outlive the server that took them, to the byte that it had counted", async () => {
    await using all = await serversOf("versioned");
    const first = await all.start();
    const admin = api(first.url, all.platformKey);
    const bearer = await makeTenant(admin, "acme");
    const size = 18 * mib;
    const bytes = Buffer.concat(Array.from({ length: 18 }, (_, i) => contentAt(i * mib, mib)));
    const at = placeOf(await begin(api(first.url, bearer), "/film", size));
    const going = brokenPart(first, bearer, at, bytes.subarray(0, 17 * mib), size);
    const counted = async (): Promise<number> =>
      Number(
        (await query(all.databaseUrl, "select stored::int as n from bulkhead.upload"))[0]?.["n"],
      );
    await waitFor(async () => (await counted()) > 0, { timeout: 30_000 });
    await first.process.kill();
    await going.ended;
    const second = await all.start();
    const owner = api(second.url, bearer);
    const offset = await offsetOf(owner, at);
    expect(offset).toBe(await counted());
    expect(offset).toBeGreaterThanOrEqual(16 * mib);
    expect((await part(owner, at, offset, bytes.subarray(offset))).status).toBe(409);
    // Nobody appends any more; that is known when its lease is over.
    await query(all.databaseUrl, "update bulkhead.upload set writer_until = bulkhead.now()");
    const folder = await tempDir();
    const file = join(folder.path, "film");
    await writeFile(file, bytes);
    const fs = new RemoteFS({ url: second.url, apiKey: bearer });
    await fs.uploadFile("/film", bytes, { upload: at.split("/").at(-1) ?? "" });
    expect(Buffer.compare(Buffer.from(await fs.readFile("/film")), bytes)).toBe(0);
    // On the command line, the second call goes on with what the first had begun.
    const env = {
      BULKHEAD_URL: second.url,
      BULKHEAD_KEY: bearer,
      HOME: folder.path,
      XDG_STATE_HOME: undefined,
    };
    const put = () => bulkhead(["put", "--resume", file, "/again"], { env });
    const interrupted = put();
    const notes = join(folder.path, ".local/state/bulkhead/uploads");
    await waitFor(async () => (await readdir(notes)).length > 0, { timeout: 30_000 });
    await interrupted.kill();
    await query(all.databaseUrl, "update bulkhead.upload set writer_until = bulkhead.now()");
    const whole = put();
    expect([await whole.exited, whole.stderr.join()]).toEqual([{ code: 0, signal: null }, ""]);
    expect((await fs.stat("/again")).size).toBe(size);
    expect(
      await query(
        all.databaseUrl,
        "select 1 from bulkhead.upload where path = '/workspace/acme/again'",
      ),
    ).toHaveLength(1);
    await folder.remove();
  });
});
