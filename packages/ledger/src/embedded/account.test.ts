import { spawnSync } from "node:child_process";
import { chmod, chown, cp, mkdir, readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { mkdtemp, rm } from "node:fs/promises";
import { type TempDir, tempDir } from "@bulkhead/harness";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Binaries, findBinaries } from "./binaries.ts";
import { makeSocketFolder, socketFolder } from "./socket-folder.ts";
import { type EmbeddedPostgres, startEmbedded } from "./start-embedded.ts";

const root = process.getuid?.() === 0;
const namespaces = spawnSync("unshare", ["--user", "--map-user=65534", "--", "true"]).status === 0;
const servers: EmbeddedPostgres[] = [];
let open: TempDir;

beforeAll(async () => {
  open = await tempDir();
  await chmod(open.path, 0o755);
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await open.remove();
});

async function start(dataDir: string, binaries?: Binaries): Promise<EmbeddedPostgres> {
  const given = binaries === undefined ? {} : { binaries };
  const server = await startEmbedded({ dataDir, durability: "none", ...given });
  servers.push(server);
  return server;
}

async function one(url: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<{ one: number }>("select 1 as one")).rows[0]?.one;
  } finally {
    await client.end();
  }
}

async function uidOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
}

async function mapOf(pid: number): Promise<readonly number[]> {
  return (await readFile(`/proc/${pid}/uid_map`, "utf8")).trim().split(/\s+/).map(Number);
}

describe.skipIf(!root || process.platform !== "linux")("as root", () => {
  let home: string;
  let binaries: Binaries;

  beforeAll(async () => {
    home = await mkdtemp(join(homedir(), "bulkhead-test-"));
    const native = dirname(dirname(findBinaries().postgres));
    await cp(native, join(home, "native"), { recursive: true, verbatimSymlinks: true });
    binaries = {
      postgres: join(home, "native/bin/postgres"),
      initdb: join(home, "native/bin/initdb"),
    };
  });
  afterAll(() => rm(home, { recursive: true, force: true }));

  test("runs as another user where that user reaches everything, through a data folder of ours", async () => {
    const dataDir = join(open.path, "data");
    const server = await start(dataDir);
    const uid = await uidOf(server.pid);
    expect(uid).not.toBe(0);
    expect((await stat(join(dataDir, "postgres"))).uid).toBe(uid);
    // That user passes through the data folder; it is not its own, and nobody else's.
    expect(await stat(dataDir)).toMatchObject({ uid: 0 });
    expect((await stat(dataDir)).mode & 0o777).toBe(0o710);
    expect(await one(server.url)).toBe(1);
    await server.stop();
  });

  test.skipIf(!namespaces)(
    "in a 0700 folder below root's home, where no other user reaches binaries or data, it starts, stops and starts again",
    async () => {
      const dataDir = join(home, "data");
      expect((await stat(home)).mode & 0o777).toBe(0o700);
      const first = await start(dataDir, binaries);
      expect(await uidOf(first.pid)).toBe(0);
      const [inside, outside] = await mapOf(first.pid);
      expect(inside).toBeGreaterThan(0);
      expect(outside).toBe(0);
      expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
      expect((await start(dataDir, binaries)).adopted).toBe(true);
      await first.stop();
      const second = await start(dataDir, binaries);
      expect(second.adopted).toBe(false);
      expect(await one(second.url)).toBe(1);
      await second.stop();
    },
  );

  test.skipIf(!namespaces)("a cluster goes over to the user that can run it now", async () => {
    const dataDir = join(open.path, "moved");
    await mkdir(dataDir);
    const first = await start(dataDir, binaries);
    expect(await uidOf(first.pid)).toBe(0);
    await first.stop();
    const second = await start(dataDir);
    expect(await uidOf(second.pid)).not.toBe(0);
    expect(await one(second.url)).toBe(1);
    await second.stop();
  });

  test("where nothing works it says what to do, and leaves the folder as it was", async () => {
    const path = process.env["PATH"];
    const dataDir = join(home, "refused");
    process.env["PATH"] = "/nonexistent";
    try {
      await expect(start(dataDir, binaries)).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringMatching(/root.*--data-dir \/var\/lib\/bulkhead/),
      });
    } finally {
      process.env["PATH"] = path;
    }
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  });

  test("a socket folder that somebody else made first is refused", async () => {
    const folder = join(open.path, "theirs");
    await mkdir(folder);
    await chown(folder, 12_345, 12_345);
    const account = { uid: 0, gid: 0, change: false };
    await expect(makeSocketFolder(folder, account)).rejects.toThrow(/belongs to somebody else/);
  });
});

test("a socket's path fits, stays the same, and is no other folder's", () => {
  const deep = `/${"very-deep/".repeat(60)}`;
  expect(socketFolder("/a")).toBe(socketFolder("/a"));
  expect(socketFolder("/a")).not.toBe(socketFolder("/b"));
  for (const folder of [socketFolder(deep), socketFolder("/a", deep)]) {
    expect(Buffer.byteLength(`${folder}/.s.PGSQL.5432`)).toBeLessThanOrEqual(103);
  }
});
