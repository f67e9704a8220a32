import { mkdir, readdir, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TempDir, type TestDatabase, tempDir, testDatabase } from "@bulkhead/harness";
import { migrate } from "@bulkhead/ledger";
import { serve, type Server } from "@bulkhead/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Api, api, makeTenant, member } from "../support/api.ts";

// What docs/guide/mounts.md says of storages that are read-only, elsewhere or not there.

const platformKey = "platform-key-of-the-test-of-mounts-0123456789";
const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

let dir: TempDir;
let database: TestDatabase;
let server: Server | undefined;
let platform: Api;
let acme: Api;
const lines: string[] = [];

const start = async (): Promise<void> => {
  server = await serve(
    {
      port: 0,
      config: join(dir.path, "bulkhead.yaml"),
      databaseUrl: database.url,
      platformKey,
      env: {},
    },
    { out: () => undefined, err: (line) => lines.push(line) },
  );
  platform = api(server.url, platformKey);
};
const stop = async (): Promise<void> => {
  const running = server;
  server = undefined;
  await running?.close();
};

beforeAll(async () => {
  dir = await tempDir();
  database = await testDatabase({ migrate });
  await mkdir(join(dir.path, "archive"));
  await writeFile(join(dir.path, "archive/old.txt"), "from before");
  await writeFile(
    join(dir.path, "bulkhead.yaml"),
    `
dataDir: ./data
placements:
  standard: { backend: local, options: { root: ./tenants } }
defaultPlacement: standard
mounts:
  - { path: /workspace/acme/archive, tenant: acme, backend: local, options: { root: ./archive }, readOnly: true }
  - { path: /workspace/acme/far, backend: local, options: { root: ./far }, region: eu-west-1 }
`,
  );
  await start();
  acme = api(server?.url ?? "", await makeTenant(platform, "acme"));
});

afterAll(async () => {
  await stop();
  await database?.close();
  await dir?.remove();
});

const files = "/v1/files/workspace/acme";

test("a read-only mount is read and not changed", async () => {
  expect((await acme.send("GET", `${files}/archive/old.txt`)).text).toBe("from before");
  expect((await acme.send("PUT", `${files}/archive/new.txt`, { body: "x" })).status).toBe(403);
  expect((await acme.send("DELETE", `${files}/archive/old.txt`)).status).toBe(403);
  expect((await readdir(join(dir.path, "archive"))).sort()).toEqual([".bulkhead", "old.txt"]);
});

test("a storage that cannot say where it is does not serve a region", async () => {
  const answer = await acme.send("PUT", `${files}/far/x`, { body: "x" });
  expect(answer.status).toBe(503);
  expect(answer.json).toMatchObject({ code: "unavailable", retryable: true });
  // The operator reads why, under the id that the caller was told.
  const line = lines.find((one) => one.includes(member(answer, "requestId")));
  expect(JSON.parse(line ?? "{}")).toMatchObject({
    event: "request-failed",
    method: "PUT",
    route: "/v1/files",
    status: 503,
    reason: expect.stringContaining("attest it in the configuration"),
  });
});

test("a tenant's folder that is gone, or empty, is 503; nothing is made, and it serves once it is back", async () => {
  const made = await acme.send("PUT", `${files}/kept.txt`, { body: "kept" });
  expect(made.status).toBe(201);
  await stop();
  const [uid = ""] = await readdir(join(dir.path, "tenants"));
  const [name = ""] = await readdir(join(dir.path, "tenants", uid));
  const folder = join(dir.path, "tenants", uid, name);
  await rename(folder, `${folder}-away`);

  await start();
  const again = (method: string, target: string, body?: string) =>
    fetch(`${server?.url}${target}`, {
      method,
      headers: { authorization: `Bearer ${platformKey}` },
      ...(body !== undefined && { body }),
    });
  expect((await again("GET", `${files}/kept.txt`)).status).toBe(503);
  expect((await again("PUT", `${files}/new.txt`, "lost")).status).toBe(503);
  expect(await exists(folder)).toBe(false);
  expect(await exists(join(dir.path, "data/platform/workspace/acme"))).toBe(false);

  await mkdir(folder);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  expect((await again("PUT", `${files}/new.txt`, "lost")).status).toBe(503);
  expect(await readdir(folder)).toEqual([]);

  await rename(folder, `${folder}-empty`);
  await rename(`${folder}-away`, folder);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const back = await again("GET", `${files}/kept.txt`);
  expect([back.status, await back.text()]).toEqual([200, "kept"]);
});
