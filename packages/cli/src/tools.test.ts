import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Finding } from "@bulkhead/contract";
import {
  bulkhead,
  freePort,
  openSql,
  type RunningBulkhead,
  type TempDir,
  tempDir,
  type TestDatabase,
  testBucket,
  testDatabase,
  testS3,
  testServer,
  waitFor,
} from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { BenchRow } from "./bench/run-row.ts";
import { type Outcome, runCli, type RunOptions } from "./test/session.ts";

const run = promisify(execFile);
/** With a server, a database and a store of their own, on a machine that does more. */
const long = { timeout: 60_000 } as const;
const platformKey = "platform-key-of-the-tests-0123456789";
let folder: TempDir;
let database: TestDatabase;
let server: RunningBulkhead;
let url: string;

const at = (...names: string[]): string => join(folder.path, ...names);
const cli = (argv: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  runCli(argv, {
    cwd: folder.path,
    ...options,
    env: {
      BULKHEAD_URL: url,
      BULKHEAD_KEY: platformKey,
      XDG_STATE_HOME: at("state"),
      ...options.env,
    },
  });
const done = async (argv: readonly string[], options: RunOptions = {}): Promise<string> => {
  const { code, out, err } = await cli(argv, options);
  expect(code, err).toBe(0);
  return out;
};

beforeAll(async () => {
  [folder, database] = await Promise.all([tempDir(), testDatabase()]);
  const config = { backends: { shelf: { backend: "local", options: { root: at("shelves") } } } };
  await writeFile(at("server.yaml"), JSON.stringify(config));
  const place = ["--data-dir", at("data"), "--database-url", database.url];
  const flags = ["--port", "0", "--config", at("server.yaml"), ...place];
  server = bulkhead(["serve", ...flags], { env: { BULKHEAD_PLATFORM_KEY: platformKey } });
  url = await server.url();
  await done(["tenant", "create", "acme"]);
}, 60_000);
afterAll(async () => {
  await server?.stop();
  await database?.close();
  await folder?.remove();
});

/** Does something beside a request, once, before or after it. */
const meddling = (
  is: (method: string, path: string) => boolean,
  act: (send: () => Promise<Response>) => Promise<Response>,
): typeof fetch => {
  let left = 1;
  return (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const send = (): Promise<Response> => fetch(input, init);
    if (left === 0 || !is(init?.method ?? "GET", pathname)) return send();
    left -= 1;
    return act(send);
  };
};

/** Lists what a run sends. */
const watching =
  (sent: string[]): typeof fetch =>
  (input, init) => {
    const { pathname } = new URL(input instanceof Request ? input.url : input);
    const range = new Headers(init?.headers).get("Range");
    sent.push(`${init?.method ?? "GET"} ${pathname}${range === null ? "" : ` ${range}`}`);
    return fetch(input, init);
  };

const local = async (name: string): Promise<Readonly<Record<string, string>>> => {
  const files = await readdir(at(name), { recursive: true, withFileTypes: true });
  const content = files
    .filter((entry) => entry.isFile())
    .map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(at(name).length + 1), await readFile(path, "latin1")] as const;
    });
  return Object.fromEntries(await Promise.all(content));
};
const fill = async (name: string, files: Readonly<Record<string, string>>): Promise<void> => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(at(name), path, ".."), { recursive: true });
    await writeFile(join(at(name), path), text, "latin1");
  }
};
const report = async (argv: readonly string[], options: RunOptions = {}): Promise<unknown> =>
  JSON.parse(await done([...argv, "--json"], options));

describe("sync", () => {
  const files = { one: "1", "a/two": "22", "a/b/three": "333", "ünï/x y": "" };

  test(
    "brings over what differs and nothing else, both ways, with and without a memory",
    long,
    async () => {
      const [up, there] = [["sync", "up", "from", "/workspace/acme/s"], "/workspace/acme/s"];
      await fill("from", files);
      await mkdir(at("from/empty"));
      await symlink("/etc/passwd", at("from/link"));
      const planned = await done([...up, "--dry-run", "--json"]);
      expect(planned.trim().split("\n")).toHaveLength(5);
      expect((await cli(["ls", there])).code).toBe(3);

      expect(await report(up)).toMatchObject({ files: 4, same: 0, failed: 0, skipped: 1 });
      const sent: string[] = [];
      expect(await report(up, { fetch: watching(sent) })).toMatchObject({ files: 0, same: 4 });
      // By size, time and ETag alone: no content travels.
      expect(sent.filter((line) => line.includes("/v1/files/"))).toEqual([]);
      await rm(at("state"), { recursive: true });
      expect(await report(up)).toMatchObject({ files: 0, same: 4 });
      await fill("from", { one: "!" });
      expect(await report(up)).toMatchObject({ files: 1, same: 3 });
      expect(await done(["cat", `${there}/one`])).toBe("!");

      const down = ["sync", "down", there, "to"];
      expect(await report(down)).toMatchObject({ files: 4, failed: 0 });
      expect(await local("to")).toEqual({ ...files, one: "!" });
      expect(await readdir(at("to"))).toContain("empty");
      expect(await report(down)).toMatchObject({ files: 0, same: 4 });
      await done(["put", "-", `${there}/a/two`], { stdin: "zz" });
      await done(["rm", `${there}/one`]);
      await fill("to", { "mine/own": "x" });
      expect(await report(down)).toMatchObject({ files: 1, removed: 0 });
      expect(await local("to")).toMatchObject({ "a/two": "zz", one: "!", "mine/own": "x" });
      expect(await report([...down, "--delete"])).toMatchObject({ files: 0, removed: 2 });
      expect((await readdir(at("to"))).toSorted()).toEqual(["a", "empty", "ünï"]);
    },
  );

  test(
    "overwrites nothing that changed meanwhile, and follows no link out of the folder",
    long,
    async () => {
      const there = "/workspace/acme/c";
      await fill("c", { doc: "mine" });
      await done(["sync", "up", "c", there]);
      await fill("c", { doc: "mine, again" });
      const isPut = (method: string): boolean => method === "PUT";
      const theirs = meddling(isPut, async (send) => {
        await done(["put", "-", `${there}/doc`], { stdin: "theirs" });
        return send();
      });
      const lost = await cli(["sync", "up", "c", there], { fetch: theirs });
      expect(lost.code, lost.err).toBe(11);
      expect(await done(["cat", `${there}/doc`])).toBe("theirs");

      // An answer that got lost is no conflict.
      await fill("c", { fresh: "new" });
      const broken = meddling(isPut, async (send) => {
        await (await send()).text();
        throw new TypeError("fetch failed");
      });
      await fill("c", { doc: "theirs" });
      expect(await report(["sync", "up", "c", there], { fetch: broken })).toMatchObject({
        files: 1,
        same: 1,
      });

      await done(["sync", "down", there, "d"]);
      await done(["put", "-", `${there}/doc`], { stdin: "theirs, again" });
      const isRead = (method: string, path: string): boolean =>
        method === "GET" && path.endsWith("/doc");
      const edited = meddling(isRead, async (send) => {
        await fill("d", { doc: "edited here" });
        return send();
      });
      const kept = await cli(["sync", "down", there, "d"], { fetch: edited });
      expect({ code: kept.code, doc: (await local("d"))["doc"] }, kept.err).toEqual({
        code: 11,
        doc: "edited here",
      });

      await mkdir(at("outside"));
      await mkdir(at("e"));
      await symlink(at("outside"), at("e/a"));
      await symlink(at("outside/doc"), at("e/doc"));
      await done(["put", "-", `${there}/a/deep`], { stdin: "x" });
      const linked = await cli(["sync", "down", there, "e", "--delete", "--force"]);
      expect(linked.code).toBe(11);
      expect(linked.err).toContain("links are not followed");
      expect(await readdir(at("outside"))).toEqual([]);
      expect((await readdir(at("e"))).toSorted()).toEqual(["a", "doc", "fresh"]);
    },
  );

  test(
    "goes on with a download where it broke off, which nobody saw before it was whole",
    long,
    async () => {
      const there = "/workspace/acme/l";
      const large = randomBytes(4_000_000).toString("latin1");
      await fill("l", { large });
      await done(["sync", "up", "l", there]);
      const isContent = (method: string, path: string): boolean =>
        method === "GET" && path.startsWith("/v1/files/");
      const abort = new AbortController();
      const cut = meddling(isContent, async (send) => {
        const answer = await send();
        let seen = 0;
        const some = new TransformStream<Uint8Array, Uint8Array>({
          transform: (chunk, controller) => {
            seen += chunk.length;
            if (seen < 2_000_000) controller.enqueue(chunk);
            else abort.abort();
          },
        });
        return new Response(answer.body?.pipeThrough(some), { headers: answer.headers });
      });
      const ended = await cli(["sync", "down", there, "m"], { fetch: cut, signal: abort.signal });
      expect(ended.code).toBe(130);
      expect(await readdir(at("m"))).toEqual([expect.stringMatching(/^\.bulkhead-.*\.part$/)]);

      const sent: string[] = [];
      await done(["sync", "down", there, "m"], { fetch: watching(sent) });
      expect(sent.at(-1)).toMatch(/^GET \/v1\/files\/.*\/large bytes=[1-9]\d+-$/);
      expect(await local("m")).toEqual({ large });
    },
  );

  test(
    "brakes before it removes much, and removes nothing where something failed",
    long,
    async () => {
      const there = "/workspace/acme/r";
      const many = Object.fromEntries(Array.from({ length: 14 }, (_, i) => [`f${i}`, "x"]));
      await fill("r", many);
      const up = ["sync", "up", "r", there, "--delete"];
      await done(up);
      for (const name of Object.keys(many).slice(3)) await rm(at("r", name));
      const left = async (): Promise<number> =>
        (await done(["ls", there])).trim().split("\n").length;
      const braked = await cli(up);
      expect(braked.code).toBe(2);
      expect(braked.err).toContain("11 of 14 files would go");
      expect(braked.err).toContain("--force");
      expect((await cli(up, { tty: true, stdin: "n\n" })).code).toBe(2);
      expect(await left()).toBe(14);
      await fill("r", { f3: "x" });
      expect(await report(up)).toMatchObject({ removed: 10, files: 0 });
      for (const name of Object.keys(many).slice(0, 4)) await rm(at("r", name));
      const emptied = await cli(up);
      expect(emptied.err).toContain("the source has no files, and all 4 here would go");
      expect(await left()).toBe(4);

      await fill("r", { f0: "y", f1: "x" });
      await done(["rm", `${there}/f0`]);
      await done(["mkdir", `${there}/f0`]);
      const failed = await cli([...up, "--force"]);
      expect(failed.code, failed.err).toBe(11);
      expect(failed.err).toContain("Nothing was removed");
      expect(await left()).toBe(4);
      await done(["rm", `${there}/f0`]);
      expect(await report([...up, "--force"])).toMatchObject({ removed: 2, files: 1 });
      expect(await left()).toBe(2);
    },
  );
});

describe("bench", () => {
  test("measures within its bounds, and leaves nothing, also where it is ended", long, async () => {
    const sent: string[] = [];
    const flags = ["--requests", "12", "--concurrency", "4", "--size", "2M"];
    const told = await report(["bench", "/workspace/acme", ...flags], { fetch: watching(sent) });
    const { rows }: { rows: readonly BenchRow[] } = JSON.parse(JSON.stringify(told));
    expect(rows.map(({ name }) => name)).toEqual([
      "round trip",
      "write 4 KiB",
      "read 4 KiB",
      "stat",
      "list 200",
      "upload 2 MiB",
      "download 2 MiB",
    ]);
    for (const { requests, perSecond, p50, p95, p99, max, errors } of rows) {
      expect(requests).toBeGreaterThan(0);
      expect(perSecond).toBeGreaterThan(0);
      const times = [0, p50, p95, p99, max].map(Number);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(errors).toEqual({});
    }
    expect(rows[1]).toMatchObject({ requests: 12 });
    // Nothing is touched but its own directory.
    expect(
      sent.filter((line) => /^(?:PUT|DELETE) /.test(line) && !line.includes("/bulkhead-bench-")),
    ).toEqual([]);
    const left = async (): Promise<string> => done(["find", "/workspace/acme", "bulkhead-bench*"]);
    expect(await left()).toBe("");

    const abort = new AbortController();
    const isRead = (method: string, path: string): boolean =>
      method === "GET" && path.endsWith("/r/0");
    const ended = await cli(["bench", "/workspace/acme", ...flags], {
      signal: abort.signal,
      fetch: meddling(isRead, (send) => {
        abort.abort();
        return send();
      }),
    });
    expect(ended.code, ended.err).toBe(130);
    expect(await left()).toBe("");
    expect((await cli(["bench", "--concurrency", "65"])).code).toBe(2);
    expect((await cli(["bench", "/workspace/beta/none"])).code).toBe(3);
  });
});

describe("config", () => {
  const config = async (
    text: string,
    argv: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Outcome> => {
    await writeFile(at("b.yaml"), text);
    return runCli(["config", ...argv], {
      cwd: folder.path,
      env: { BULKHEAD_CONFIG: "b.yaml", ...env },
    });
  };

  test("every fault is named with its line, its place and what would do", long, async () => {
    const faulty = `prot: 1
placements:
  a:
    backend: tape
  b:
    backend: local
    options: { rot: x }
mounts:
  - path: /x
    backend: local
    colour: red
`;
    const { code, out, err } = await config(faulty, ["validate"]);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    const lines = err.split("\n");
    for (const [line, what] of [
      [1, "prot: there is no such setting; did you mean 'port'?"],
      [4, "placements.a.backend: "],
      [7, "placements.b.options.rot: there is no such setting; did you mean 'root'?"],
      [11, "mounts.0.colour: there is no such setting; here are: backend, durability, "],
    ] as const)
      expect(lines.some((said) => said.includes(`b.yaml:${line}: ${what}`))).toBe(true);

    const faults: readonly (readonly [string, string])[] = [
      ["host: a\nport: [1\n", "b.yaml:3: "],
      ["host: a\nregion: ${NOWHERE}\n", "b.yaml:2: region: ${NOWHERE}: the variable is not set"],
      ["# a\ndefaultPlacement: gold\n", "b.yaml:2: defaultPlacement: there is no placement 'gold'"],
      ["mounts:\n  - path: /x\n    backend: local\n", "b.yaml:2: mounts.0: /x is local and needs"],
      ["\ndefaultPlan: gold\n", "b.yaml:2: defaultPlan: there is no plan 'gold'; there are: free,"],
      ["tls: { cert: /none, key: /none }\n", "tls.key: /none cannot be read (ENOENT)"],
    ];
    for (const [text, said] of faults)
      expect((await config(text, ["validate"])).err, text).toContain(said);

    const json = await config(faulty, ["validate", "--json"]);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.err)).toMatchObject({ error: { code: "local" } });
    const good = await config("port: 1\n", ["validate"]);
    expect(good).toMatchObject({ code: 0, err: "" });
    expect(good.out).toContain("b.yaml is valid.");
  });

  test("what is in effect says where it is from, and no secret of it", long, async () => {
    const text = `port: 1
databaseUrl: postgres://me:sec-1@db/x?sslpassword=sec-2
placements:
  own:
    backend: postgres
    options: { adminUrl: "postgresql://root:sec-3/@:4@db/y" }
    provisioning: { sql: ["create role x password 'sec-4'"] }
  sql:
    backend: s3
    options:
      s3: { bucket: files, accessKeyId: "\${ID:-me}", secretAccessKey: "\${SECRET}", sessionToken: sec-5 }
traces: { endpoint: "http://u:sec-6@spans/?api_key=sec-7" }
defaultPlacement: own
`;
    const env = {
      SECRET: "sec-8",
      BULKHEAD_HOST: "0.0.0.0",
      BULKHEAD_PLATFORM_KEY: "sec-9".repeat(9),
    };
    for (const flags of [[], ["--json"]]) {
      const { code, out, err } = await config(text, ["print", "--port", "0", ...flags], env);
      expect(code, err).toBe(0);
      expect(out + err).not.toContain("sec-");
    }
    const { out } = await config(text, ["print", "--port", "0", "--json"], env);
    const settings: readonly {
      readonly setting: string;
      readonly value: unknown;
      readonly from: string;
    }[] = JSON.parse(out).settings;
    const at = (name: string): readonly unknown[] | undefined => {
      const found = settings.find(({ setting }) => setting === name);
      return found && [found.value, found.from.replace(/^.*\//, "")];
    };
    expect(at("port")).toEqual([0, "--port"]);
    expect(at("host")).toEqual(["0.0.0.0", "BULKHEAD_HOST"]);
    expect(at("databaseUrl")).toEqual(["postgres://me:***@db/x?sslpassword=***", "b.yaml:2"]);
    expect(at("placements.own.options.adminUrl")).toEqual([
      "postgresql://root:***@db/y",
      "b.yaml:6",
    ]);
    expect(at("placements.sql.options.s3.accessKeyId")).toEqual(["me", "b.yaml:11 ${ID}"]);
    expect(at("placements.sql.options.s3.secretAccessKey")).toEqual(["***", "b.yaml:11 ${SECRET}"]);
    expect(at("placements.sql.backend")).toEqual(["s3", "b.yaml:9"]);
    expect(at("shutdownGraceSeconds")).toEqual([30, "default"]);
  });
});

describe("doctor", () => {
  type Found = Finding & { readonly next?: string };
  /** What was found, of the checks that are not as they should be, in a line each. */
  const found = async (
    argv: readonly string[],
    options: RunOptions = {},
  ): Promise<{ readonly code: number; readonly all: readonly Found[]; readonly bad: string }> => {
    const { code, out, err } = await cli(["doctor", ...argv, "--json"], options);
    const { findings, healthy }: { findings: readonly Found[]; healthy: boolean } = JSON.parse(out);
    const bad = findings.filter(({ state }) => state === "failed" || state === "warning");
    const failed = findings.some(({ state }) => state === "failed");
    expect({ healthy, code }, out).toEqual({ healthy: !failed, code: failed ? 1 : 0 });
    for (const { state, next } of bad)
      if (state === "failed") expect(next, JSON.stringify(bad)).toMatch(/\w/);
    expect(out + err).not.toContain("p4ssw0rd");
    const told = bad.map(({ check, state, detail }) => `${state} ${check}: ${detail}`);
    return { code, all: findings, bad: told.join("\n") };
  };
  const here = (): readonly string[] => ["--data-dir", at("data"), "--database-url", database.url];
  const elsewhere = (change: (url: URL) => void): readonly string[] => {
    const changed = new URL(database.url);
    change(changed);
    return ["--data-dir", at("data"), "--database-url", changed.href];
  };

  test("finds nothing where all is well", long, async () => {
    const { all, bad } = await found(here());
    expect(bad).toBe("");
    expect(all.map(({ check }) => check)).toEqual(
      expect.arrayContaining(["server", "key", "clock", "disk", "database", "master key"]),
    );
    const text = await cli(["doctor", ...here()], { tty: true });
    expect(text.out).toContain("\u001b[32m");
    const plain = await cli(["doctor"], { tty: true, env: { NO_COLOR: "1" } });
    expect(plain.out).not.toContain("\u001b[3");
    expect(plain.out).toContain("No server of this machine was named.");
  });

  test("names a wrong key, and an address where no server is", long, async () => {
    expect((await found(["--key", "bhk_wrong"])).bad).toMatch(
      /^failed key: .*does not know the key/,
    );
    const nobody = await found(["--url", `http://127.0.0.1:${await freePort()}`]);
    expect(nobody.bad).toMatch(/^failed server: .* cannot be reached: nothing listens there\.$/);
    const unkeyed = await found([], { env: { BULKHEAD_KEY: "" } });
    expect(unkeyed.all).toContainEqual(
      expect.objectContaining({ check: "key", state: "skipped", next: expect.any(String) }),
    );
  });

  test("names why a database cannot be reached", long, async () => {
    const refused = await found([
      "--data-dir",
      at("data"),
      "--database-url",
      "postgres://me:p4ssw0rd@127.0.0.1:1/x",
    ]);
    expect(refused.bad).toMatch(
      /^failed database: .*127\.0\.0\.1:1\/x cannot be .*: nothing listens/,
    );
    const missing = await found(elsewhere((url) => (url.pathname = "/no_such_database")));
    expect(missing.bad).toMatch(/failed database: .*there is no such database/);
    const fresh = await testDatabase();
    try {
      const other = await found(["--data-dir", at("data"), "--database-url", fresh.url]);
      expect(other.all).toContainEqual(
        expect.objectContaining({ detail: expect.stringContaining("without a ledger yet") }),
      );
    } finally {
      await fresh.close();
    }

    const admin = await openSql(await testServer());
    const name = new URL(database.url).pathname.slice(1);
    try {
      await admin.run(`alter database "${name}" allow_connections false`);
      await admin.run(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`,
      );
      const { bad } = await found(here());
      expect(bad).toContain("failed database: The server does not reach its database");
      expect(bad).toContain("it takes no connections now");
    } finally {
      await admin.run(`alter database "${name}" allow_connections true`);
      await admin.close();
    }
  });

  test("names a clock that is wrong, the server's and the database's", long, async () => {
    const late: typeof fetch = async (input, init) => {
      const answer = await fetch(input, init);
      const headers = new Headers(answer.headers);
      headers.set("Date", new Date(Date.now() - 90_000).toUTCString());
      return new Response(answer.body, { status: answer.status, headers });
    };
    expect((await found([], { fetch: late })).bad).toMatch(
      /^failed clock: The server's clock is (?:89|9[01]) s behind this machine's\.$/,
    );
    const sql = await openSql(database.url);
    const now = await sql.run("select pg_get_functiondef('bulkhead.now()'::regprocedure) as made");
    const made = String(now[0]?.["made"]);
    try {
      await sql.run(made.replace("clock_timestamp()", "(clock_timestamp() + interval '40 s')"));
      expect((await found(here())).bad).toMatch(
        /^failed clock: The database's clock is 40\.\d s ahead of this machine's\.$/,
      );
    } finally {
      await sql.run(made);
      await sql.close();
    }
  });

  test("names a full disk, and a folder that is not the recorded one", long, async ({ skip }) => {
    const disk = at("disk");
    await mkdir(disk);
    const mounted = await run("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]).then(
      () => true,
      () => false,
    );
    skip(!mounted, "mounting a tmpfs needs root and a system that lets it");
    try {
      await writeFile(join(disk, "filler"), Buffer.alloc(1_000_000));
      await expect(writeFile(join(disk, "more"), Buffer.alloc(200_000))).rejects.toThrow("ENOSPC");
      const { bad } = await found(["--data-dir", disk, "--database-url", database.url]);
      expect(bad).toContain(`failed disk: The disk of ${disk} is full`);
      expect(bad).toContain("failed master key: There is no master key in the data folder");
      expect(bad).toContain("failed marker: The folder");
      expect((await readdir(disk)).toSorted()).toEqual(["filler", "more"]);
    } finally {
      await run("umount", [disk]);
    }
  });

  test(
    "names mounts in the wrong region, and counts keys that are no path",
    long,
    async ({ skip }) => {
      await mkdir(at("shelf"));
      const config = at("regions.yaml");
      const flags = [...here(), "--config", config];
      await writeFile(
        config,
        `mounts: [{ path: /x, backend: local, region: mars, options: { root: ${at("shelf")} } }]\n`,
      );
      expect((await found(flags)).bad).toBe(
        "failed region: The mount /x has to be in 'mars', and its storage does not say where it is: it answers 503.",
      );
      await writeFile(config, "mounts: [{ path: /x }]\n");
      expect((await found(flags)).bad).toMatch(
        /failed configuration: .*\n.*regions\.yaml:1: mounts\.0/,
      );

      const { servers, reason } = await testS3();
      const [store] = servers;
      skip(store === undefined, reason);
      if (store === undefined) return;
      const { raw, bucket, options } = await testBucket(store);
      await raw.putObject(bucket, "seen.txt", Buffer.from("x"));
      await raw.putObject(bucket, "control\u0085", Buffer.from("x"));
      const { region: _, ...access } = options;
      const spec = { path: "/y", backend: "s3", region: "mars", options: { s3: access } };
      await writeFile(config, JSON.stringify({ mounts: [spec] }));
      const { bad } = await found(flags);
      expect(bad).toMatch(/failed region: The mount \/y has to be in 'mars', and its storage/);
      expect(bad).toContain("has 1 keys that are no legal path");
      expect(bad).not.toContain(access.secretAccessKey);
      const wrong = {
        ...spec,
        region: undefined,
        options: { s3: { ...access, bucket: "no-such-one" } },
      };
      await writeFile(config, JSON.stringify({ mounts: [wrong] }));
      expect((await found(flags)).bad).toMatch(
        /^failed bucket: The bucket no-such-one of the mount \/y/,
      );
    },
  );

  test(
    "names a mount made while the server ran whose storage is not where it has to be",
    long,
    async () => {
      const mount = ["/moved", "--backend", "shelf", "--region", "mars"];
      await writeFile(at("plan.json"), await done(["mount", "plan", ...mount, "--json"]));
      await done(["mount", "apply", "plan.json"]);
      expect((await found([])).bad).toBe(
        "failed mount: The storage of the mount /moved does not answer, or is not in 'mars', where it has to be.",
      );
    },
  );

  // The last one: the server is gone then.
  test("names what a write that was killed left", long, async () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(300_000)),
    });
    const sent = fetch(`${url}/v1/files/half`, {
      method: "PUT",
      body,
      duplex: "half",
      headers: { Authorization: `Bearer ${platformKey}` },
    }).catch(() => undefined);
    const staging = at("data/platform/.bulkhead/staging");
    await waitFor(async () => (await readdir(staging)).length === 1);
    await server.kill();
    await sent;
    const { all } = await found(here());
    const left = all.find(({ check }) => check === "staging");
    expect(left).toMatchObject({
      state: "warning",
      next: expect.stringContaining("Start the server"),
    });
    expect(left?.detail).toMatch(
      /^Interrupted writes left 1 hidden .*platform\/\.bulkhead\/staging\//,
    );
  });
});
