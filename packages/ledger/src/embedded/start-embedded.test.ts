import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type RunningBulkhead, type TempDir, runSource, tempDir, waitFor } from "@bulkhead/harness";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findBinaries } from "./binaries.ts";
import { processStart } from "./process-start.ts";
import { socketFolder } from "./socket-folder.ts";
import { type EmbeddedOptions, type EmbeddedPostgres, startEmbedded } from "./start-embedded.ts";

let dir: TempDir;
let dataDir: string;
const servers: EmbeddedPostgres[] = [];
const children: RunningBulkhead[] = [];

beforeAll(async () => {
  dir = await tempDir();
  dataDir = join(dir.path, "data");
});
afterAll(async () => {
  await Promise.all(children.map((child) => child.kill()));
  await Promise.all(servers.map((server) => server.stop()));
  await dir.remove();
});

async function start(options: Partial<EmbeddedOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbedded({ dataDir, durability: "none", ...options });
  servers.push(server);
  return server;
}

async function query(url: string, ...statements: readonly string[]): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    let rows: readonly unknown[] = [];
    for (const sql of statements) rows = (await client.query<Record<string, unknown>>(sql)).rows;
    return rows;
  } finally {
    await client.end();
  }
}

/** Starts a real process that runs `body` with `startEmbedded`, `Client` and `dataDir` at hand. */
async function child(name: string, body: string, folder = dataDir): Promise<RunningBulkhead> {
  const file = join(dir.path, `${name}.ts`);
  const embedded = JSON.stringify(new URL("./start-embedded.ts", import.meta.url).href);
  const pg = JSON.stringify(import.meta.resolve("pg"));
  await writeFile(
    file,
    `const { startEmbedded } = await import(${embedded});
     const { Client } = await import(${pg});
     const dataDir = process.argv[2];
     ${body}`,
  );
  const running = runSource(file, [folder]);
  children.push(running);
  return running;
}

// In order, on one cluster, because making one takes longer than all the rest.
describe("one data folder", () => {
  test("starts as it was told, stops, and keeps what was written", async () => {
    const server = await start();
    expect(server.adopted).toBe(false);
    const [settings] = await query(
      server.url,
      "create table kept (n int)",
      "insert into kept values (1)",
      `select current_database() as db, current_user as "user", current_setting('listen_addresses') as tcp,
              current_setting('fsync') as fsync, encoding, datlocprovider as provider, datlocale as locale,
              current_setting('data_directory') as folder
         from pg_database where datname = 'bulkhead'`,
    );
    expect(settings).toEqual({
      db: "bulkhead",
      user: "bulkhead",
      tcp: "",
      fsync: "off",
      encoding: 6,
      provider: "b",
      locale: "C.UTF-8",
      folder: join(dataDir, "postgres"),
    });
    expect(await readFile(join(dataDir, "postgres.log"), "utf8")).toMatch(/ready to accept/);
    await Promise.all([server.stop(), server.stop()]);
    expect(await processStart(server.pid)).toBeUndefined();
    expect(await readdir(join(dataDir, "postgres"))).not.toContain("postmaster.pid");

    const durable = await start({ durability: "full" });
    expect(durable.adopted).toBe(false);
    expect(await query(durable.url, "select n from kept")).toEqual([{ n: 1 }]);
    for (const setting of ["fsync", "full_page_writes", "synchronous_commit"]) {
      expect(await query(durable.url, `show ${setting}`)).toEqual([{ [setting]: "on" }]);
    }
    await durable.stop();
  });

  test("a server whose starter was killed is adopted, and that starter's connections end first", async () => {
    const killed = await child(
      "killed",
      `const server = await startEmbedded({ dataDir, durability: "none" });
       const client = new Client({ connectionString: server.url });
       await client.connect();
       await client.query("begin; insert into kept values (2)");
       console.log("pid " + server.pid);
       await client.query("select pg_sleep(600)");`,
    );
    const line = await waitFor(() => killed.stdout.find((said) => said.startsWith("pid ")));
    await killed.kill("SIGKILL");
    const server = await start();
    expect(server).toMatchObject({ adopted: true, pid: Number(line.slice(4)) });
    const others = `select query from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid()`;
    expect(await query(server.url, others)).toEqual([]);
    expect(await query(server.url, "select n from kept")).toEqual([{ n: 1 }]);
  });

  test("one that runs with other settings is not adopted but started anew", async () => {
    const relaxed = await start();
    expect(relaxed.adopted).toBe(true);
    const durable = await start({ durability: "full" });
    expect(durable.adopted).toBe(false);
    expect(await processStart(relaxed.pid)).toBeUndefined();
    expect(await query(durable.url, "show fsync")).toEqual([{ fsync: "on" }]);
    await durable.stop();
  });

  test("recovers after the postmaster was killed, while its orphans may still be there", async () => {
    const before = await start({ durability: "full" });
    const busy = new Client({ connectionString: before.url });
    busy.on("error", () => {});
    await busy.connect();
    await busy.query("insert into kept values (3)");
    // A loop without a wait in it does not notice that its postmaster is gone.
    const spinning = busy
      .query("do $$ begin for i in 1..2000000000 loop end loop; end $$")
      .catch(() => {});
    await waitFor(async () => {
      const seen = await query(
        before.url,
        "select 1 from pg_stat_activity where query like 'do %'",
      );
      return seen.length === 1;
    });
    process.kill(before.pid, "SIGKILL");
    const after = await start({ durability: "full" });
    expect(after.adopted).toBe(false);
    expect(after.pid).not.toBe(before.pid);
    expect(await query(after.url, "select n from kept order by n")).toEqual([{ n: 1 }, { n: 3 }]);
    await after.stop();
    await spinning;
  });

  test("a pid in postmaster.pid that is a stranger's by now is neither adopted nor signalled", async () => {
    const stranger = await child("stranger", "setInterval(() => {}, 1000);");
    const file = join(dataDir, "postgres", "postmaster.pid");
    const lines = [
      stranger.pid,
      join(dataDir, "postgres"),
      1_600_000_000,
      5432,
      "/tmp",
      "",
      "",
      "ready   ",
      "",
    ];
    await writeFile(file, lines.join("\n"));
    const server = await start();
    expect(server.adopted).toBe(false);
    await server.stop();
    expect(await processStart(stranger.pid)).toBeDefined();
  });

  test("a killed postmaster that nobody has collected yet is waited for", async () => {
    // The shell's child ends when another program has taken the shell's place, which never asks after it.
    const shell = spawn("/bin/sh", ["-c", "sleep 0.3 & echo $!; exec sleep 5"]);
    const [said]: readonly unknown[] = await once(shell.stdout, "data");
    const pid = Number(String(said));
    await waitFor(async () => (await processStart(pid)) === undefined);
    expect(() => process.kill(pid, 0)).not.toThrow();
    const cluster = join(dataDir, "postgres");
    const lines = [pid, cluster, 1_600_000_000, 5432, "/tmp", "", "", "ready   ", ""];
    await writeFile(join(cluster, "postmaster.pid"), lines.join("\n"));
    const server = await start();
    expect(server.adopted).toBe(false);
    await server.stop();
  });

  test("a start that is given up leaves no server", async () => {
    await expect(start({ signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    const giveUp = new AbortController();
    setTimeout(() => giveUp.abort(), 60);
    const started = await start({ signal: giveUp.signal }).catch(() => undefined);
    await started?.stop();
    expect(await readdir(join(dataDir, "postgres"))).not.toContain("postmaster.pid");
  });

  test("a server that cannot start says why", async () => {
    await expect(start({ maxConnections: 0 })).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/max_connections.*postgres\.log/),
    });
    expect(existsSync(socketFolder(dataDir))).toBe(false);
  });

  test("a folder of another major version is refused before it is touched", async () => {
    const file = join(dataDir, "postgres", "PG_VERSION");
    const version = await readFile(file, "utf8");
    await writeFile(file, "15\n");
    await expect(start()).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(/PostgreSQL 15 .* PostgreSQL \d+: .*pg_dump.*--database-url/),
    });
    await writeFile(file, version);
  });
});

test("an initdb that was interrupted is no cluster, and the next start makes one; however long the path", async () => {
  const long = join(dir.path, "long".repeat(50), "data");
  const killed = await child("interrupted", "await startEmbedded({ dataDir });", long);
  await waitFor(async () => {
    const staged = (await readdir(long)).find((name) => name.startsWith("postgres.unfinished-"));
    return staged !== undefined && (await readdir(join(long, staged))).includes("PG_VERSION");
  });
  await killed.kill("SIGKILL");
  expect(await readdir(long)).not.toContain("postgres");
  const server = await start({ dataDir: long });
  expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
  await server.stop();
  expect((await readdir(long)).filter((name) => name.startsWith("postgres.unf"))).toEqual([]);
});

test("making a cluster can be given up, and leaves nothing behind", async () => {
  const folder = join(dir.path, "given-up");
  const giveUp = new AbortController();
  const starting = start({ dataDir: folder, signal: giveUp.signal });
  const outcome = starting.catch((error: unknown) => error);
  await waitFor(async () =>
    (await readdir(folder)).some((name) => name.startsWith("postgres.unf")),
  );
  giveUp.abort();
  expect(await outcome).toMatchObject({ name: "AbortError" });
  expect(await readdir(folder)).toEqual([]);
});

test("a folder that holds something else is left alone", async () => {
  const folder = join(dir.path, "other");
  await mkdir(join(folder, "postgres", "photos"), { recursive: true });
  await expect(start({ dataDir: folder })).rejects.toThrow(
    /not empty and holds no PostgreSQL data/,
  );
  expect(await readdir(join(folder, "postgres"))).toEqual(["photos"]);
});

test("a platform without binaries is told what to do", () => {
  expect(() => findBinaries("sunos-sparc")).toThrow(
    /no embedded PostgreSQL for sunos-sparc.*--database-url/,
  );
});
