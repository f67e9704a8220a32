import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { bulkhead, type RunningBulkhead, tempDir, type TempDir, waitFor } from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connection } from "./connection.ts";
import { endPostgres, isAlive, postmasterOf } from "./end-postgres.ts";
import { halfUpload } from "./half-upload.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** Without what the surroundings of the tests may have set. */
const clean: Readonly<Record<string, undefined>> = {
  BULKHEAD_PLATFORM_KEY: undefined,
  BULKHEAD_MASTER_KEY: undefined,
  BULKHEAD_DATA_DIR: undefined,
  BULKHEAD_DATABASE_URL: undefined,
  BULKHEAD_CONFIG: undefined,
  BULKHEAD_PORT: undefined,
  BULKHEAD_HOST: undefined,
};

describe("a server that is started as a newcomer would", () => {
  let dir: TempDir;
  let dataDir: string;
  let platformKey: string;
  const started: RunningBulkhead[] = [];
  beforeAll(async () => {
    dir = await tempDir();
    dataDir = join(dir.path, "data");
  });
  afterAll(async () => {
    await Promise.all(started.map((server) => server.stop()));
    await endPostgres(dataDir);
    await dir.remove();
  });

  const serve = (
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): RunningBulkhead => {
    const server = bulkhead(["serve", "--port", "0", "--data-dir", dataDir, ...args], {
      cwd: dir.path,
      env: { ...clean, ...env },
    });
    started.push(server);
    return server;
  };

  it(
    "npm start serves; SIGTERM to npm drains, ends with 0, and takes PostgreSQL along",
    { timeout: 120_000 },
    async () => {
      const npm = spawn("npm", ["start", "--", "--port", "0", "--data-dir", dataDir], {
        cwd: repository,
        env: { ...process.env, ...clean },
        stdio: ["ignore", "pipe", "pipe"],
      });
      const lines: string[] = [];
      for (const stream of [npm.stdout, npm.stderr])
        createInterface({ input: stream }).on("line", (line) => lines.push(line));
      const ended = once(npm, "close");
      try {
        const url = await waitFor(
          () =>
            npm.exitCode === null
              ? /^listening on (http:\/\/127\.0\.0\.1:\d+)$/m.exec(lines.join("\n"))?.[1]
              : "ended",
          { timeout: 90_000 },
        );
        if (url === "ended") throw new Error(lines.join("\n"));
        const shown = lines.filter((line) => line.startsWith("platform key: "));
        expect(shown).toHaveLength(1);
        platformKey = (await readFile(join(dataDir, "platform-key"), "utf8")).trim();
        expect(shown[0]).toContain(platformKey);
        for (const name of ["platform-key", "master-key"])
          expect((await stat(join(dataDir, name))).mode & 0o777).toBe(0o600);

        const over = connection(url, platformKey);
        const health = await over.must(200, "GET", "/health");
        expect(JSON.parse(health.text)).toMatchObject({ status: "ok", mode: "multi-tenant" });
        await over.must(200, "GET", "/readyz");
        await over.must(201, "POST", "/v1/tenants", { body: { id: "acme" } });
        const postmaster = (await postmasterOf(dataDir)) ?? 0;

        const upload = halfUpload(url, platformKey, "/v1/files/workspace/acme/large", false);
        const staging = join(dataDir, "content");
        await waitFor(() => existsSync(staging));
        npm.kill("SIGTERM");
        // No new connection is taken, and what had begun gets its answer.
        await waitFor(() =>
          connection(url)
            .send("GET", "/livez")
            .then(
              () => false,
              () => true,
            ),
        );
        expect(await upload.finish()).toMatchObject({ status: 201 });
        await ended;
        expect([npm.exitCode, npm.signalCode]).toEqual([0, null]);
        expect(isAlive(postmaster)).toBe(false);
        expect(existsSync(join(dataDir, "postgres/postmaster.pid"))).toBe(false);
      } finally {
        npm.kill("SIGKILL");
      }
    },
  );

  it(
    "again after kill -9: PostgreSQL is adopted, all is there, no second platform key; a second server is refused",
    { timeout: 90_000 },
    async () => {
      const first = serve();
      const before = connection(await first.url(), platformKey);
      const read = await before.must(200, "GET", "/v1/files/workspace/acme/large");
      expect(read.text).toHaveLength(2 * 1024 * 1024);
      await before.must(201, "PUT", "/v1/files/workspace/acme/small", { body: "small" });
      const postmaster = (await postmasterOf(dataDir)) ?? 0;

      const second = serve();
      expect((await second.exited).code).not.toBe(0);
      expect(second.stderr.join("\n")).toContain(`pid ${first.pid}`);
      await before.must(200, "GET", "/readyz");

      await first.kill("SIGKILL");
      expect(isAlive(postmaster)).toBe(true);
      const again = serve();
      const after = connection(await again.url(), platformKey);
      expect(await postmasterOf(dataDir)).toBe(postmaster);
      const small = await after.must(200, "GET", "/v1/files/workspace/acme/small");
      expect(small.text).toBe("small");
      expect([...again.stdout, ...again.stderr].join("\n")).not.toMatch(/platform key|bhk_/);
      expect((await readFile(join(dataDir, "platform-key"), "utf8")).trim()).toBe(platformKey);
      expect(await again.stop()).toEqual({ code: 0, signal: null });
      await waitFor(() => !isAlive(postmaster));
    },
  );

  /** A start that has to fail: what it said, in a line; nothing of it is left running. */
  const refused = async (
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<string> => {
    const running = serve(args, env);
    const { code, signal } = await running.exited;
    expect([code, signal]).not.toEqual([0, null]);
    expect(signal).toBeNull();
    expect(running.stdout).toEqual([]);
    const said = running.stderr.join("\n");
    // A sentence for a person, no stack of calls.
    expect(said).not.toMatch(/^\s+at /m);
    expect(existsSync(join(dataDir, "postgres/postmaster.pid"))).toBe(false);
    return said;
  };

  it("a weak platform key and another master key are refused", { timeout: 60_000 }, async () => {
    const weak = await refused([], { BULKHEAD_PLATFORM_KEY: "p".repeat(31) });
    expect(weak).toMatch(/BULKHEAD_PLATFORM_KEY.*32/);
    expect(weak).not.toContain("ppp");
    const other = await refused([], { BULKHEAD_MASTER_KEY: "m".repeat(40) });
    expect(other).toMatch(/another master key.*BULKHEAD_MASTER_KEY/);
    expect(other).not.toContain("mmm");
    expect(await refused([], { BULKHEAD_MASTER_KEY: "m".repeat(31) })).toMatch(/32 characters/);
  });

  it(
    "an unknown key of the configuration is refused, with its place",
    { timeout: 60_000 },
    async () => {
      const config = join(dir.path, "bulkhead.yaml");
      await writeFile(
        config,
        "mounts:\n  - path: /archive\n    backend: memory\n    readonly: true\n",
      );
      expect(await refused(["--config", config])).toMatch(/mounts\.0.*readonly/s);
      await writeFile(config, "prot: 2026\n");
      expect(await refused(["--config", config])).toMatch(/prot/);
      expect(await refused(["--config", join(dir.path, "none.yaml")])).toMatch(
        /none\.yaml: there is no such file$/,
      );
    },
  );

  it("a port in use is said in a sentence", { timeout: 60_000 }, async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const said = await refused(["--port", String(port)]);
    expect(said).toBe(
      `bulkhead: Port ${port} of 127.0.0.1 is in use by another program: stop that one, or give another --port.`,
    );
    taken.close();
  });
});

it.skipIf(process.getuid?.() !== 0)(
  "as root, from a 0700 folder below root's home: it serves, or says in a sentence what to do [only as root]",
  { timeout: 60_000 },
  async () => {
    const home = await mkdtemp(join(homedir(), "bulkhead-test-"));
    const running = bulkhead(["serve", "--port", "0"], { cwd: home, env: clean });
    try {
      const url = await running.url().catch(() => undefined);
      if (url === undefined) {
        expect((await running.exited).code).not.toBe(0);
        expect(running.stderr.join("\n")).toMatch(/does not run as root.*--data-dir/s);
        expect(running.stderr.join("\n")).not.toMatch(/^\s+at /m);
        return;
      }
      const key = (await readFile(join(home, "data/platform-key"), "utf8")).trim();
      const over = connection(url, key);
      await over.must(201, "POST", "/v1/tenants", { body: { id: "acme" } });
      await over.must(201, "PUT", "/v1/files/workspace/acme/a", { body: "a" });
      expect((await over.must(200, "GET", "/v1/files/workspace/acme/a")).text).toBe("a");
    } finally {
      await running.stop();
      await endPostgres(join(home, "data"));
      await rm(home, { recursive: true, force: true });
    }
  },
);
