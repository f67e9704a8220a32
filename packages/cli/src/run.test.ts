import { createHash, randomBytes } from "node:crypto";
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { errorCodes } from "@bulkhead/contract";
import {
  bulkhead,
  type RunningBulkhead,
  type TempDir,
  tempDir,
  type TestDatabase,
  testDatabase,
} from "@bulkhead/harness";
import { errorStatuses } from "@bulkhead/wire";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exitCodes } from "./index.ts";
import { type Outcome, runCli, type RunOptions } from "./test/session.ts";

const platformKey = "platform-key-of-the-tests-0123456789";
let folder: TempDir;
let database: TestDatabase;
let server: RunningBulkhead;
let url: string;
let key: string;
let here: string;

beforeAll(async () => {
  [folder, database] = await Promise.all([tempDir(), testDatabase()]);
  server = bulkhead(
    [
      "serve",
      "--port",
      "0",
      "--data-dir",
      join(folder.path, "data"),
      "--database-url",
      database.url,
    ],
    { env: { BULKHEAD_PLATFORM_KEY: platformKey } },
  );
  url = await server.url();
  here = join(folder.path, "here");
  await mkdir(here);
  for (const id of ["acme", "beta"]) await admin("tenant", "create", id);
  key = (
    await admin("key", "create", "--name", "k", "--prefix", "/workspace/acme", "-q")
  ).out.trim();
});
afterAll(async () => {
  await server.stop();
  await database.close();
  await folder.remove();
});

const as = (secret: string, argv: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  runCli(argv, {
    cwd: here,
    ...options,
    env: { BULKHEAD_URL: url, BULKHEAD_KEY: secret, ...options.env },
  });
const admin = (...argv: string[]): Promise<Outcome> => as(platformKey, argv);
const cli = (...argv: string[]): Promise<Outcome> => as(key, argv);
const put = (path: string, text: string): Promise<Outcome> =>
  as(key, ["put", "-", path], { stdin: text });
type Json = Readonly<Record<string, unknown>>;
const json = (text: string): Json => {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) throw new Error(`No object: ${text}`);
  return { ...value };
};
const lines = (outcome: Outcome): Json[] =>
  outcome.out
    .split("\n")
    .filter((line) => line !== "")
    .map(json);

describe("files", () => {
  it("put, cat, ls, stat, append, cp, mv, rm, mkdir", async () => {
    expect(await put("/f/a.txt", "one\n")).toMatchObject({ code: 0, out: "", err: "" });
    expect((await as(key, ["append", "-", "/f/a.txt"], { stdin: "two\n" })).code).toBe(0);
    expect((await cli("cat", "/f/a.txt", "/f/a.txt")).out).toBe("one\ntwo\none\ntwo\n");
    expect((await cli("cat", "--range", "4-6", "/f/a.txt")).out).toBe("two");
    expect((await cli("cat", "--range=-4", "/f/a.txt")).out).toBe("two\n");
    expect((await cli("mkdir", "/f/d")).code).toBe(0);
    expect((await cli("mkdir", "-p", "/f/d", "/f/e/f")).code).toBe(0);
    expect((await cli("cp", "/f/a.txt", "/f/d/")).code).toBe(0);
    expect((await cli("mv", "/f/d/a.txt", "/f/e/b.txt")).code).toBe(0);
    expect((await cli("ls", "/f")).out).toBe("a.txt\nd/\ne/\n");
    expect((await cli("ls", "-R", "/f/")).out).toBe("a.txt\nd/\ne/\ne/b.txt\ne/f/\n");
    expect((await cli("ls", "-l", "/f")).out).toMatch(
      /^8 {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}a\.txt\n- {2}\S+ \S+ {2}d\/\n- {2}\S+ \S+ {2}e\/\n$/,
    );
    expect((await cli("ls", "/f/a.txt")).out).toBe("/f/a.txt\n");
    expect((await cli("stat", "/f/a.txt")).out).toMatch(
      /^path +\/f\/a\.txt\nkind +file\nsize +8 bytes\n/,
    );
    expect(JSON.parse((await cli("stat", "--json", "/f/a.txt")).out)).toMatchObject({ size: 8 });
    expect(lines(await cli("ls", "--json", "/f"))).toMatchObject([
      { name: "a.txt", kind: "file" },
      { name: "d", kind: "directory" },
      { name: "e", kind: "directory" },
    ]);
    expect((await cli("tree", "/f")).out).toBe(
      "/f\n├── a.txt\n├── d/\n└── e/\n    ├── b.txt\n    └── f/\n",
    );
    expect((await cli("tree", "-d", "1", "/f")).out).toBe("/f\n├── a.txt\n├── d/\n└── e/\n");
    expect((await cli("du", "/f")).out).toBe(" 0  /f/e/f\n 8  /f/e\n 0  /f/d\n16  /f\n");
    expect((await cli("du", "-sh", "/f")).out).toBe("16B  /f\n");
    expect((await cli("find", "/f", "**/*.txt")).out).toBe("/f/a.txt\n/f/e/b.txt\n");
    expect((await cli("grep", "TW", "/f", "-i", "--include", "**/b*")).out).toBe(
      "/f/e/b.txt:2: two\n",
    );
    expect(await cli("find", "/f", "--limit", "1")).toMatchObject({ code: 0 });
    expect((await cli("rm", "/f/a.txt", "/f/e/b.txt")).code).toBe(0);
    expect((await cli("rm", "-r", "-y", "/f")).code).toBe(0);
    expect((await cli("ls", "/f")).code).toBe(3);
    expect((await cli("rm", "-f", "/f")).code).toBe(0);
  });

  it("round-trips odd names and bytes", async () => {
    const bytes = randomBytes(700_001);
    const names = [
      "a b",
      "a?b#c",
      "%41",
      "%2e%2e",
      ";",
      "é",
      "\u{1f980}",
      "-dash",
      "a:b",
      "x".repeat(240),
    ];
    for (const name of names) {
      await writeFile(join(here, name), bytes);
      expect((await cli("put", "--", name, "/odd/")).code).toBe(0);
      expect((await cli("cat", `/odd/${name}`)).stdout.equals(bytes)).toBe(true);
      expect((await cli("get", `/odd/${name}`, "back")).code).toBe(0);
      expect((await readFile(join(here, "back"))).equals(bytes)).toBe(true);
    }
    const listed = lines(await cli("ls", "/odd", "--json")).map(({ name }) => String(name));
    expect(listed.toSorted()).toEqual(names.toSorted());
    expect((await cli("rm", "-rf", "/odd")).code).toBe(0);
  });

  it("transfers directories", async () => {
    const tree = join(here, "tree");
    await mkdir(join(tree, "sub", "empty"), { recursive: true });
    const files = ["a", "sub/b", "sub/c"];
    for (const name of files) await writeFile(join(tree, name), name.repeat(1000));
    await symlink("/etc/passwd", join(tree, "link"));
    const sent = await cli("put", "-r", "tree", "/up/");
    expect([sent.code, sent.err]).toEqual([
      0,
      `skipped ${join(tree, "link")}: neither a file nor a directory\n`,
    ]);
    expect((await cli("ls", "-R", "/up")).out).toBe(
      "tree/\ntree/a\ntree/sub/\ntree/sub/b\ntree/sub/c\ntree/sub/empty/\n",
    );
    expect((await cli("get", "-r", "/up/tree", "down")).code).toBe(0);
    for (const name of files)
      expect(await readFile(join(here, "down", name), "utf8")).toBe(name.repeat(1000));
    expect((await readdir(join(here, "down"), { recursive: true })).toSorted()).toEqual([
      "a",
      "sub",
      "sub/b",
      "sub/c",
      "sub/empty",
    ]);
    expect((await cli("put", "a", "b", "/up")).code).toBe(2);
    expect((await cli("put", "tree", "/up/x")).err).toContain("-r");
    expect((await cli("get", "-r", "/up/none", "nowhere")).code).toBe(3);
    await expect(stat(join(here, "nowhere"))).rejects.toThrow("ENOENT");
  });

  it("leaves nothing half-written here", async () => {
    const dir = join(here, "half");
    await mkdir(dir);
    await writeFile(join(dir, "x"), "old");
    const body = "x".repeat(100);
    const digest = createHash("sha256").update("other").digest("base64");
    const answering = (content: string, headers: Record<string, string>) => async () =>
      new Response(content, { headers });
    for (const [content, headers] of [
      [body, { "Content-Length": "101" }],
      [body, { "Repr-Digest": `sha-256=:${digest}:` }],
    ] as const) {
      const got = await as(key, ["get", "/x", "half/x"], { fetch: answering(content, headers) });
      expect(got.code).toBeGreaterThan(0);
      expect(await readdir(dir)).toEqual(["x"]);
      expect(await readFile(join(dir, "x"), "utf8")).toBe("old");
    }
    const good = createHash("sha256").update(body).digest("base64");
    const ok = answering(body, { "Repr-Digest": `sha-256=:${good}:` });
    expect((await as(key, ["get", "/x", "half/"], { fetch: ok })).code).toBe(0);
    expect(await readFile(join(dir, "x"), "utf8")).toBe(body);
  });

  it("keeps the old content when an upload is interrupted", async () => {
    await put("/abort", "old");
    const gone = new AbortController();
    async function* slow(): AsyncGenerator<Buffer> {
      for (let sent = 0; ; sent++) {
        if (sent === 3) gone.abort();
        yield randomBytes(65_536);
      }
    }
    const stopped = await as(key, ["put", "-", "/abort"], {
      stdin: Readable.from(slow()),
      signal: gone.signal,
    });
    expect([stopped.code, stopped.err]).toEqual([130, "bulkhead: interrupted\n"]);
    expect((await cli("cat", "/abort")).out).toBe("old");
  });

  it("hears that a file shrank while it was read", async () => {
    const file = join(here, "shrinks");
    await writeFile(file, randomBytes(4_000_000));
    let cut = false;
    const cutting: typeof fetch = async (input, init) => {
      if (!cut) await truncate(file, 10);
      cut = true;
      return fetch(input, init);
    };
    const sent = await as(key, ["put", "shrinks", "/shrinks"], { fetch: cutting });
    expect(sent.code).toBe(1);
    expect(sent.err).toContain("changed while it was read");
    expect((await cli("stat", "/shrinks")).code).toBe(3);
  });

  it("writes on conditions, with a type and metadata", async () => {
    await writeFile(join(here, "m"), "m");
    expect((await cli("put", "-n", "m", "/m")).code).toBe(0);
    expect((await cli("put", "-n", "m", "/m")).code).toBe(11);
    const etag = String(json((await cli("stat", "/m", "--json")).out)["etag"]);
    expect((await cli("put", "--if-match", etag, "m", "/m")).code).toBe(0);
    await put("/m", "more");
    expect((await cli("put", "--if-match", etag, "m", "/m")).code).toBe(11);
    const sent: Headers[] = [];
    const spying: typeof fetch = async (input, init) => {
      sent.push(new Headers(init?.headers));
      return fetch(input, init);
    };
    const flags = ["--meta", "a=1", "--meta", "B c=x=y", "--content-type", "x/y"];
    await as(key, ["put", ...flags, "m", "/m"], { fetch: spying });
    expect(Object.fromEntries(sent[0] ?? [])).toMatchObject({
      "bulkhead-meta-a": "1",
      "bulkhead-meta-%42%20c": "x=y",
      "content-type": "x/y",
      "content-length": "1",
    });
  });
});

describe("exit codes", () => {
  it("stand for every error that a server can answer", async () => {
    const expected = new Map<string, number>();
    for (const code of errorCodes) {
      const { status } = errorStatuses[code];
      const problem = {
        type: "x",
        title: "x",
        status,
        detail: "So it is.",
        code,
        requestId: "r1",
        retryable: false,
      };
      const fetch = async (): Promise<Response> =>
        new Response(JSON.stringify(problem), {
          status,
          headers: { "Content-Type": "application/problem+json" },
        });
      const got = await as(key, ["stat", "/x"], { fetch });
      expected.set(code, got.code);
      expect([code, got.code]).toEqual([code, exitCodes[code]]);
      expect(got.err).toMatch(new RegExp(`^bulkhead: /x: .* \\(${code}\\)\\n  So it is\\.`));
      expect(got.out).toBe("");
    }
    expect(new Set(expected.values())).toEqual(new Set([1, 2, 3, 5, 10, 11, 12]));
    for (const [code, exit] of [
      ["invalid-request", 2],
      ["not-found", 3],
      ["unavailable", 5],
      ["outside-workspace", 10],
      ["unauthenticated", 10],
      ["already-exists", 11],
      ["precondition-failed", 11],
      ["quota-exceeded", 12],
      ["rate-limited", 12],
      ["internal", 1],
    ] as const)
      expect([code, expected.get(code)]).toEqual([code, exit]);
  });

  it("happen for real", async () => {
    await put("/e/x", "x");
    expect((await cli("cat", "/e/x")).code).toBe(0);
    expect((await cli("cat", "/e/none")).code).toBe(3);
    expect((await cli("cat", "/workspace/beta/x")).code).toBe(10);
    expect((await as(`${key}x`, ["ls"])).code).toBe(10);
    expect((await cli("mkdir", "/e")).code).toBe(11);
    expect((await cli("cat", "/e/../x")).code).toBe(2);
    expect((await cli("cat", "e/x")).code).toBe(2);
    expect((await cli("rm", "/e")).code).toBe(11);
    expect((await cli("put", "no-such-file", "/e/y")).code).toBe(1);
    expect((await cli("frobnicate")).code).toBe(2);
    expect((await cli("ls", "--frob")).code).toBe(2);
    expect((await cli()).code).toBe(2);
    expect((await cli("--version")).out).toBe("0.1.0\n");
    expect((await cli("ls", "--help")).code).toBe(0);
    const nowhere = await runCli(["ls", "--url", "http://127.0.0.1:1", "--key", "k"]);
    expect(nowhere.code).toBe(5);
    expect((await runCli(["ls"])).code).toBe(2);
    // The first failure decides, and the others are tried all the same.
    const several = await cli("cat", "/e/none", "/e/x", "/workspace/beta/x");
    expect([several.code, several.out, several.err.split("\n").length]).toEqual([3, "x", 5]);
  });

  it("come with a line that says why, in JSON too", async () => {
    expect((await cli("cat", "/e/none")).err).toBe(
      "bulkhead: /e/none: not found (not-found)\n  There is nothing at this path.\n",
    );
    const record = json((await cli("cat", "/e/none", "--json")).err);
    expect(record["error"]).toMatchObject({ code: "not-found", status: 404, subject: "/e/none" });
    expect((await cli("put", "no-such-file", "/e/y")).err).toBe(
      "bulkhead: no-such-file: no such file or directory (ENOENT)\n",
    );
  });
});

describe("questions", () => {
  it("exit 2 without a terminal, naming the flag", async () => {
    await put("/q/x", "x");
    const removal = await cli("rm", "-r", "/q");
    expect([removal.code, removal.err]).toEqual([2, expect.stringContaining("--force")]);
    const end = await admin("tenant", "delete", "beta");
    expect([end.code, end.err]).toEqual([2, expect.stringContaining("--confirm beta")]);
    expect((await cli("cat", "/q/x")).out).toBe("x");
  });

  it("are asked on a terminal, on stderr, and believed", async () => {
    const asked = (stdin: string): Promise<Outcome> =>
      as(key, ["rm", "-r", "/q"], { stdin, tty: true });
    for (const answer of ["n\n", "\n", ""]) {
      const no = await asked(answer);
      expect([no.code, no.out]).toEqual([0, ""]);
      expect(no.err).toContain("Remove /q and everything below it?");
      expect((await cli("cat", "/q/x")).out).toBe("x");
    }
    expect((await asked("yes\n")).code).toBe(0);
    expect((await cli("cat", "/q/x")).code).toBe(3);
    await admin("tenant", "create", "brief");
    const other = await as(platformKey, ["tenant", "delete", "brief"], {
      stdin: "bref\n",
      tty: true,
    });
    expect(other.code).toBe(2);
    expect((await admin("tenant", "get", "brief")).code).toBe(0);
    const end = await as(platformKey, ["tenant", "delete", "brief", "--wait"], {
      stdin: "brief\n",
      tty: true,
    });
    expect([end.code, end.out]).toEqual([0, expect.stringMatching(/state +done/)]);
  });
});

describe("the past", () => {
  it("is listed, shown and restored", async () => {
    await put("/past/f", "one");
    await put("/past/f", "two, longer");
    expect((await cli("rm", "-r", "-y", "/past")).code).toBe(0);
    const past = lines(await cli("--json", "version", "ls", "/past/f"));
    expect(past.map(({ kind, size }) => [kind, size])).toEqual([
      ["remove", 0],
      ["write", 11],
      ["write", 3],
    ]);
    const version = String(past[2]?.["version"]);
    expect((await cli("version", "ls", "/past/f")).out).toMatch(
      /^VERSION {2}MODIFIED +SIZE\n +\d+ {2}\S+ \S+ +- {2}removed\n +\d+ {2}\S+ \S+ +11\n +\d+ .* 3\n$/,
    );
    expect((await cli("version", "cat", "/past/f", version)).out).toBe("one");
    expect(await cli("version", "restore", "/past/f", version)).toMatchObject({
      code: 0,
      out: "",
      err: expect.stringContaining(`/past/f is version ${version} again`),
    });
    expect((await cli("cat", "/past/f")).out).toBe("one");
    expect((await cli("version", "ls", "/past/f")).out).toContain("3  current\n");
    const answer = await cli("--json", "version", "restore", "/past/f", version);
    expect(json(answer.out)).toMatchObject({ path: "/past/f", size: 3 });
    expect((await cli("version", "ls", "/past/none")).code).toBe(3);
    expect((await cli("version", "restore", "/past/f", "none")).code).toBe(3);
    expect((await cli("version", "ls", "/workspace/beta/f")).code).toBe(10);
  });

  it("is told as changes, from where the last run ended", async () => {
    await admin("tenant", "create", "told");
    const minted = await admin("key", "create", "--name", "k", "--prefix", "/workspace/told", "-q");
    const told = (...argv: string[]): Promise<Outcome> => as(minted.out.trim(), argv);
    await told("mkdir", "/d");
    await as(minted.out.trim(), ["put", "-", "/d/f"], { stdin: "x" });
    await told("mv", "/d/f", "/d/g");
    const first = await told("changes", "--limit", "2");
    expect(first.out).toMatch(/^\S+Z {2}mkdir {3}\/d\n\S+Z {2}write {3}\/d\/f\n$/);
    const cursor = /--after (\S+)/.exec(first.err)?.[1] ?? "";
    const rest = lines(await told("--json", "changes", "--after", cursor));
    expect(rest).toMatchObject([{ kind: "move", from: "/d/f", path: "/d/g" }]);
    expect((await told("changes", "--after", "latest")).out).toBe("");
    expect((await told("changes", "--after", "x")).code).toBe(2);
    expect((await admin("changes")).code).toBe(2);
    expect((await admin("changes", "--tenant", "told", "--limit", "1")).out).toContain(
      "/workspace/told/d",
    );
    const ended = new AbortController();
    const following = as(minted.out.trim(), ["changes", "--follow", "--after", cursor], {
      signal: ended.signal,
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    ended.abort();
    const followed = await following;
    expect([followed.code, followed.out]).toEqual([130, expect.stringContaining("/d/f -> /d/g")]);
  });
});

describe("tenants and keys", () => {
  it("are made, narrowed and ended", async () => {
    expect(lines(await admin("tenant", "list", "--json"))).toEqual(
      expect.arrayContaining([expect.objectContaining({ id: "acme", status: "active" })]),
    );
    expect((await admin("tenant", "list", "--status", "suspended")).out).toBe("");
    expect((await admin("tenant", "list", "--status", "odd")).code).toBe(2);
    expect(
      (await admin("tenant", "update", "beta", "--name", "Beta", "--limit", "bytes=1G")).out,
    ).toMatch(/limits +\{"bytes":1073741824\}/);
    const flags = ["--scopes", "read,write", "--expires", "2030-01-01", "--json"];
    const made = json(
      (await admin("key", "mint", "--name", "b", "--prefix", "/workspace/beta", ...flags)).out,
    );
    const [id, secret] = [String(made["id"]), String(made["key"])];
    const beta = (...argv: string[]): Promise<Outcome> => as(secret, argv);
    expect((await beta("whoami")).out).toMatch(
      /reaches +\/workspace\/beta\nscopes +read,write\nexpires +2030/,
    );
    expect((await admin("tenant", "suspend", "beta", "--reason", "unpaid")).out).toMatch(
      /suspended/,
    );
    expect((await beta("ls")).code).toBe(10);
    expect((await admin("tenant", "reactivate", "beta")).code).toBe(0);
    expect((await beta("ls")).code).toBe(0);
    expect((await admin("key", "update", id, "--scopes", "read")).code).toBe(0);
    expect((await beta("mkdir", "/x")).code).toBe(10);
    const next = (await admin("key", "rotate", id, "--overlap", "0", "-q")).out.trim();
    expect((await beta("ls")).code).toBe(10);
    expect((await as(next, ["ls"])).code).toBe(0);
    const keys = lines(await admin("key", "list", "--tenant", "beta", "--json"));
    expect(JSON.stringify(keys)).not.toContain(next);
    for (const live of keys.filter(({ revokedAt }) => revokedAt === null))
      expect((await admin("key", "revoke", String(live["id"]))).code).toBe(0);
    expect((await as(next, ["ls"])).code).toBe(10);
    expect((await admin("key", "get", id)).out).not.toContain(secret);
    const denied = lines(
      await admin(
        "audit",
        "list",
        "--tenant",
        "acme",
        "--result",
        "denied",
        "--limit",
        "1",
        "--json",
      ),
    );
    expect(denied).toMatchObject([{ result: expect.stringMatching(/^DENIED/) as unknown }]);
    expect(
      (await admin("audit", "list", "--tenant", "acme", "--limit", "3")).out.split("\n"),
    ).toHaveLength(5);
    expect((await admin("job", "get", "00000000-0000-4000-8000-000000000000")).code).toBe(3);
  });

  it("narrow a request by a prefix (C3)", async () => {
    await put("/team/x", "t");
    expect((await cli("cat", "/x", "--workspace-prefix", "/workspace/acme/team")).out).toBe("t");
    expect((await cli("cat", "/x", "--workspace-prefix", "/workspace/beta")).code).toBe(10);
  });
});

describe("profiles", () => {
  it("are kept where only their owner reads, and chosen by flag, environment, file", async () => {
    const env = {
      XDG_CONFIG_HOME: join(folder.path, "xdg"),
      BULKHEAD_URL: undefined,
      BULKHEAD_KEY: undefined,
    };
    const file = join(folder.path, "xdg", "bulkhead", "config.json");
    const plain = (...argv: string[]): Promise<Outcome> => runCli(argv, { env, cwd: here });
    const before = process.umask(0);
    try {
      const added = await runCli(["profile", "add", "home", "--url", url, "--key", "-"], {
        env,
        stdin: `${key}\n`,
      });
      expect([added.code, added.out]).toEqual([0, ""]);
    } finally {
      process.umask(before);
    }
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(file, ".."))).mode & 0o777).toBe(0o700);
    expect((await plain("profile", "add", "root", "--url", url, "--key", platformKey)).code).toBe(
      0,
    );
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const listed = await plain("profile", "list");
    expect(listed.out).toMatch(/home +http:\S+ +- +default\n/);
    expect(listed.out + (await plain("profile", "list", "--json")).out).not.toContain(key);
    await put("/p", "p");
    expect((await plain("cat", "/p")).out).toBe("p");
    expect((await plain("cat", "root:/workspace/acme/p", "home:/p")).out).toBe("pp");
    expect((await plain("cat", "--profile", "root", "/workspace/acme/p")).out).toBe("p");
    expect((await plain("cp", "root:/workspace/acme/p", "home:/p2")).code).toBe(2);
    expect((await plain("cat", "other:/p")).code).toBe(2);
    // A named profile stands above the environment; the environment above the default profile; a flag above all.
    const envKey = { ...env, BULKHEAD_KEY: platformKey };
    expect((await runCli(["cat", "/workspace/acme/p"], { env: envKey })).out).toBe("p");
    expect((await runCli(["cat", "home:/workspace/beta/p"], { env: envKey })).code).toBe(10);
    expect((await runCli(["cat", "/workspace/beta/p", "--key", key], { env: envKey })).code).toBe(
      10,
    );
    const envUrl = { ...envKey, BULKHEAD_URL: "http://127.0.0.1:1" };
    expect((await runCli(["cat", "home:/p"], { env: envUrl })).out).toBe("p");
    expect((await runCli(["cat", "/p"], { env: envUrl })).code).toBe(5);
    // A stored key goes to no other server.
    const asked: string[] = [];
    const fetch = async (input: unknown): Promise<Response> => {
      asked.push(String(input));
      return new Response();
    };
    for (const argv of [
      ["ls", "--url", "http://elsewhere.test"],
      ["ls", "home:/", "--url", "http://elsewhere.test"],
    ])
      expect((await runCli(argv, { env, fetch })).code).toBe(2);
    expect(
      (await runCli(["ls"], { env: { ...env, BULKHEAD_URL: "http://elsewhere.test" }, fetch }))
        .code,
    ).toBe(2);
    expect(asked).toEqual([]);
    await chmod(file, 0o644);
    expect((await plain("ls")).err).toContain("chmod 600");
    await chmod(file, 0o600);
    expect((await plain("profile", "remove", "root")).code).toBe(0);
    expect((await plain("cat", "root:/workspace/acme/p")).code).toBe(2);
  });
});

describe("a terminal", () => {
  it("gets colours unless NO_COLOR, and no character that steers it", async () => {
    await cli("mkdir", "-p", "/tty/d\u202e");
    const plain = await as(key, ["ls", "/tty"], { tty: true, env: { NO_COLOR: "1" } });
    expect(plain.out).toBe("d\\u202e/\n");
    expect((await as(key, ["ls", "/tty"], { tty: true })).out).toBe(
      "\u001b[34md\\u202e/\u001b[39m\n",
    );
    expect((await cli("ls", "/tty")).out).toBe("d\u202e/\n");
  });

  it("gets a bar for what takes longer than a second, and nobody else does", async () => {
    const slow = async function* (): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 8; i++) {
        yield Buffer.alloc(1_000_000);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    };
    const fetch = async (): Promise<Response> =>
      new Response(slow(), {
        headers: { "Content-Length": "8000000" },
      });
    const seen = await as(key, ["get", "/big", "big"], { fetch, tty: true });
    expect([seen.code, seen.out]).toEqual([0, ""]);
    expect(seen.err).toMatch(
      /big {2}[█░]{24} +\d+% {2}[\d.]+M of 7\.6M {2}[\d.]+M\/s {2}ETA 0:0\d/,
    );
    for (const [argv, tty] of [
      [["get", "/big", "big"], false],
      [["get", "/big", "big", "-q"], true],
    ] as const)
      expect((await as(key, argv, { fetch, tty })).err).toBe("");
  });
});

describe("the process", () => {
  const process_ = (argv: readonly string[], env: Record<string, string> = {}): RunningBulkhead =>
    bulkhead(argv, { env: { BULKHEAD_URL: url, BULKHEAD_KEY: key, ...env }, cwd: here });

  it("exits with the code, and writes all of its output first", async () => {
    const long = `${"x".repeat(99)}\n`.repeat(20_000);
    await put("/long", long);
    const cat = process_(["cat", "/long"]);
    expect(await cat.exited).toEqual({ code: 0, signal: null });
    expect(cat.stdout).toHaveLength(20_000);
    const missing = process_(["cat", "/none"]);
    expect((await missing.exited).code).toBe(3);
    expect(missing.stderr[0]).toBe("bulkhead: /none: not found (not-found)");
    expect((await process_(["nope"]).exited).code).toBe(2);
  });

  it("drains a server at SIGTERM and exits 0", async () => {
    const own = await testDatabase();
    const second = bulkhead(["serve"], {
      env: {
        BULKHEAD_PORT: "0",
        BULKHEAD_DATA_DIR: join(folder.path, "data2"),
        BULKHEAD_DATABASE_URL: own.url,
        BULKHEAD_PLATFORM_KEY: platformKey,
      },
    });
    const at = await second.url();
    expect((await as(platformKey, ["whoami", "--url", at])).code).toBe(0);
    expect(await second.stop()).toEqual({ code: 0, signal: null });
    await own.close();
    expect((await as(platformKey, ["serve", "--port", "70000"])).code).toBe(2);
  });
});
