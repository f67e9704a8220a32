// Both Nexus SaaS tutorials, row N1: the server is started and asked how it is.
//
// Changes against the published text: the command is `bulkhead`, the port a free one, and the address of the database that
// of the tests; the fixed pause after the start is the line that says it listens. What `curl` shows there as an example has
// another version in it.
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { RemoteNexusFS } from "@bulkhead/client";
import { bulkhead, freePort, query, tempDir, testDatabase } from "@bulkhead/harness";
import { describe, expect, it } from "vitest";

const platformKey = "platform-key-of-the-tutorials-0123456789";
/** What the shell that runs the tests may have set is not meant for these. */
const clean = {
  BULKHEAD_HOST: undefined,
  BULKHEAD_PORT: undefined,
  BULKHEAD_DATA_DIR: undefined,
  BULKHEAD_DATABASE_URL: undefined,
  BULKHEAD_CONFIG: undefined,
  BULKHEAD_PLATFORM_KEY: undefined,
  BULKHEAD_MASTER_KEY: undefined,
  BULKHEAD_URL: undefined,
  BULKHEAD_KEY: undefined,
};

/** Runs one command as a process of its own, to its end. */
const sh = async (
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly out: string }> => {
  const command = bulkhead(argv, { env: { ...clean, ...env } });
  const { code } = await command.exited;
  return { code, out: command.stdout.join("\n") };
};

const healthOf = async (url: string): Promise<unknown> => {
  const response = await fetch(`${url}/health`);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toMatch(/^application\/json/);
  return response.json();
};

describe("serve, as a process", () => {
  it.each(["flags", "environment"])(
    "on the database it is given by %s",
    async (by) => {
      await using folder = await tempDir();
      const database = await testDatabase();
      try {
        const [port, dataDir] = [String(await freePort()), join(folder.path, "tenants")];
        const databaseUrl = database.url.replace(/^postgres:/, "postgresql:");
        const address = ["--host", "127.0.0.1", "--port", port];
        const flags = [...address, "--data-dir", dataDir, "--database-url", databaseUrl];
        const variables = {
          BULKHEAD_HOST: "127.0.0.1",
          BULKHEAD_PORT: port,
          BULKHEAD_DATA_DIR: dataDir,
          BULKHEAD_DATABASE_URL: databaseUrl,
        };
        await using server = bulkhead(["serve", ...(by === "flags" ? flags : [])], {
          env: {
            ...clean,
            ...(by === "environment" && variables),
            // A flag counts more than its variable.
            ...(by === "flags" && { BULKHEAD_PORT: "1", BULKHEAD_HOST: "192.0.2.1" }),
            BULKHEAD_PLATFORM_KEY: platformKey,
          },
        });
        const url = await server.url();
        expect(url).toBe(`http://127.0.0.1:${port}`);

        const version = (await sh(["--version"])).out;
        expect(version).toMatch(/^\d+\.\d+\.\d+/);
        const health = { status: "ok", version, mode: "multi-tenant" };
        expect(await healthOf(url)).toEqual(health);
        expect(await new RemoteNexusFS({ url, apiKey: "any" }).health()).toEqual(health);

        // It is that database and that folder.
        const as = (key: string) => ({ BULKHEAD_URL: url, BULKHEAD_KEY: key });
        expect((await sh(["tenant", "create", "tenant-a"], as(platformKey))).code).toBe(0);
        const tenants = await query(database.url, "select id from bulkhead.tenant");
        expect(tenants).toContainEqual({ id: "tenant-a" });
        expect((await stat(dataDir)).isDirectory()).toBe(true);
        await expect(stat(join(dataDir, "postgres"))).rejects.toMatchObject({ code: "ENOENT" });

        // The two tenants of the concept page, each command a process.
        expect((await sh(["tenant", "create", "tenant-b"], as(platformKey))).code).toBe(0);
        const mint = async (id: string): Promise<string> => {
          const argv = ["key", "create", "-q", "--name", id, "--prefix", `/workspace/${id}`];
          return (await sh(argv, as(platformKey))).out.trim();
        };
        const [a, b] = [await mint("tenant-a"), await mint("tenant-b")];
        const own = await sh(["mkdir", "-p", "/data/reports"], as(a));
        expect(own.code).toBe(0);
        const absolute = "/workspace/tenant-a/data";
        expect(await sh(["ls", absolute], as(platformKey))).toEqual({ code: 0, out: "reports/" });
        expect(await sh(["ls", absolute], as(b))).toEqual({ code: 10, out: "" });
        expect((await server.stop()).code).toBe(0);
      } finally {
        await database.close();
      }
    },
    60_000,
  );

  it("without a database's address: on the embedded one, with a platform key of its own", async () => {
    await using folder = await tempDir();
    const dataDir = join(folder.path, "data");
    const start = () =>
      bulkhead(["serve"], { env: { ...clean, BULKHEAD_DATA_DIR: dataDir, BULKHEAD_PORT: "0" } });
    await using first = start();
    const url = await first.url();
    expect(await healthOf(url)).toEqual({
      status: "ok",
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      mode: "multi-tenant",
    });
    expect((await stat(join(dataDir, "postgres"))).isDirectory()).toBe(true);
    const printed = first.stdout.flatMap((line) => /platform key: (\S+)/.exec(line)?.[1] ?? []);
    const [key = ""] = printed;
    expect(printed).toHaveLength(1);
    expect((await stat(join(dataDir, "platform-key"))).mode & 0o777).toBe(0o600);
    const platform = new RemoteNexusFS({ url, apiKey: key });
    await platform.mkdir("/tenants/acme");
    await platform.writeFile("/tenants/acme/kept.txt", "kept");
    expect([...first.stdout, ...first.stderr].filter((line) => line.includes(key))).toHaveLength(1);
    expect((await first.stop()).code).toBe(0);

    await using second = start();
    const again = new RemoteNexusFS({ url: await second.url(), apiKey: key });
    expect(await again.readFile("/tenants/acme/kept.txt", "utf8")).toBe("kept");
    expect([...second.stdout, ...second.stderr].join("\n")).not.toContain(key);
  }, 90_000);
});
