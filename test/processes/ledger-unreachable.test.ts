import { randomBytes } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { bulkhead, type RunningBulkhead, tempDir, type TempDir, waitFor } from "@bulkhead/harness";
import { startEmbedded } from "@bulkhead/ledger";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Connection, connection, type SendOptions } from "./connection.ts";
import { endPostgres, postmasterOf } from "./end-postgres.ts";
import { halfUpload } from "./half-upload.ts";
import { staged } from "./staged.ts";

/** Two seconds are promised; the rest is for a machine that does something else as well. */
const patience = 3000;

const requests: readonly (readonly [string, string, SendOptions?])[] = [
  ["GET", "/v1/whoami"],
  ["GET", "/v1/files/a"],
  ["HEAD", "/v1/files/a"],
  ["PUT", "/v1/files/a", { body: "never" }],
  ["PUT", "/v1/files/b", { body: "never" }],
  ["DELETE", "/v1/files/a"],
  ["POST", "/v1/append/a", { body: "never" }],
  ["GET", "/v1/stat/a"],
  ["GET", "/v1/list/"],
  ["POST", "/v1/mkdir", { body: { path: "/d" } }],
  ["POST", "/v1/copy", { body: { from: "/a", to: "/b" } }],
  ["POST", "/v1/move", { body: { from: "/a", to: "/b" } }],
  ["POST", "/v1/glob", { body: { pattern: "**", path: "/" } }],
  ["POST", "/v1/grep", { body: { pattern: "a", path: "/" } }],
  ["GET", "/v1/keys"],
  ["POST", "/v1/keys", { body: { name: "never" } }],
  ["GET", "/v1/tenants/acme"],
  ["PATCH", "/v1/tenants/acme", { body: { name: "never" } }],
  ["GET", "/v1/audit"],
  ["GET", "/v1/jobs/00000000-0000-4000-8000-000000000000"],
];

describe("the ledger cannot be reached", () => {
  let dir: TempDir;
  let dataDir: string;
  let server: RunningBulkhead;
  let url: string;
  let platformKey: string;
  let key: string;
  let over: Connection;
  beforeAll(async () => {
    dir = await tempDir();
    dataDir = join(dir.path, "data");
    platformKey = randomBytes(24).toString("hex");
    const env = { BULKHEAD_PLATFORM_KEY: platformKey };
    // Staged content and intents are what is looked at: plain storage has both.
    const config = join(dir.path, "bulkhead.yaml");
    await writeFile(config, "defaultPlacement: local\n");
    const argv = ["serve", "--port", "0", "--config", config, "--data-dir", dataDir];
    server = bulkhead(argv, { cwd: dir.path, env });
    url = await server.url();
    const platform = connection(url, platformKey);
    await platform.must(201, "POST", "/v1/tenants", { body: { id: "acme" } });
    const scopes = ["read", "write", "admin"];
    const body = { name: "k", workspacePrefix: "/workspace/acme", scopes };
    key = (await platform.must(201, "POST", "/v1/keys", { body })).member("key");
    platform.close();
    over = connection(url, key);
    await over.must(201, "PUT", "/v1/files/a", { body: "kept" });
  });
  afterAll(async () => {
    await server.stop();
    await endPostgres(dataDir);
    await dir.remove();
  });

  const postmaster = async (): Promise<number> => (await postmasterOf(dataDir)) ?? 0;

  /** That process and its children. */
  const family = async (parent: number): Promise<readonly number[]> => {
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
    const stats = await Promise.all(
      pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")),
    );
    const children = pids.filter((_, i) => {
      const fields = stats[i]?.slice(stats[i].lastIndexOf(")") + 2).split(" ");
      return Number(fields?.[1]) === parent;
    });
    return [parent, ...children.map(Number)];
  };

  const refusesEverything = async (): Promise<void> => {
    const answers = await Promise.all(
      requests.map(async ([method, target, options]) => {
        const own = connection(url, key);
        const reply = await own.send(method, target, options);
        const ms = performance.now() - reply.sentAt;
        own.close();
        return { method, target, reply, ms };
      }),
    );
    for (const { method, target, reply, ms } of answers) {
      const where = `${method} ${target}: ${reply.status} ${reply.text} after ${ms} ms`;
      expect(reply.status, where).toBe(503);
      expect(ms, where).toBeLessThan(patience);
      if (method === "HEAD") continue;
      expect(reply.type, where).toBe("application/problem+json");
      expect(JSON.parse(reply.text), where).toMatchObject({ code: "unavailable", retryable: true });
      expect(reply.text).not.toMatch(/postgres|socket|ECONN|\/tmp|bulkhead-/i);
    }
    await over.must(200, "GET", "/livez");
    const ready = await connection(url).must(503, "GET", "/readyz");
    expect(performance.now() - ready.sentAt).toBeLessThan(patience);
    expect(ready.text).toContain("database");
  };

  const isBack = async (): Promise<void> => {
    await waitFor(
      async () => (await connection(url, key).send("GET", "/v1/files/a")).status === 200,
    );
    expect((await over.must(200, "GET", "/v1/files/a")).text).toBe("kept");
    await waitFor(async () => (await connection(url).send("GET", "/readyz")).status === 200);
    const list = await over.must(200, "GET", "/v1/list/");
    expect(JSON.parse(list.text)).toMatchObject({ entries: [{ name: "a" }] });
    await over.must(201, "PUT", "/v1/files/again", { body: "again" });
    await over.must(204, "DELETE", "/v1/files/again");
    await waitFor(async () => (await staged(dataDir)).length === 0);
  };

  it("ended: all is refused in time, and comes back by itself", { timeout: 60_000 }, async () => {
    const upload = halfUpload(url, key, "/v1/files/a", false);
    await waitFor(async () => (await staged(dataDir)).length === 1);
    const pid = await postmaster();
    process.kill(pid, "SIGINT");
    await waitFor(async () => (await family(pid)).length === 1);
    await refusesEverything();
    expect(await upload.finish()).toMatchObject({ status: 503 });
    await startEmbedded({ dataDir });
    await isBack();
  });

  it("silent: all is refused in time, and comes back by itself", { timeout: 60_000 }, async () => {
    const frozen = await family(await postmaster());
    for (const pid of frozen) process.kill(pid, "SIGSTOP");
    try {
      await refusesEverything();
      // And again, when every connection has been given up.
      await refusesEverything();
    } finally {
      for (const pid of frozen) process.kill(pid, "SIGCONT");
    }
    await isBack();
  });
});
