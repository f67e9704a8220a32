import { createHash } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { run as command } from "bulkhead";
import { query, waitFor } from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answer, type Api, api, makeTenant, member, mintKey } from "../support/api.ts";
import { type ServerProcess, type Servers, servers } from "./two-servers.ts";

const steps = ["aimed", "copied", "caught-up", "fenced", "switched", "relabelled", "erased"];
const program = fileURLToPath(new URL("dies-moving.ts", import.meta.url));
const config = `placements:
  here: { backend: versioned, durability: relaxed, options: { root: ./here } }
  there: { backend: versioned, durability: relaxed, options: { root: ./there } }
  plain: { backend: local }
  abroad: { backend: versioned, region: mars, options: { root: ./abroad } }
`;
const writers = 4;

const sha256 = (content: string | Uint8Array): string =>
  createHash("sha256").update(content).digest("hex");
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What a writer knows of a file: what was acknowledged, and what may have been stored besides. */
interface Known {
  acknowledged: string;
  readonly versions: string[];
  open: string | undefined;
}

describe("a tenant that moves while it is written to, its servers killed at every step", () => {
  let all: Servers;
  let live: ServerProcess[];
  let key: string;
  let uid: string;
  const known = new Map<string, Known>();
  const answers = new Map<string, number>();

  beforeAll(async () => {
    all = await servers("here", { config, program });
    live = await Promise.all([all.start(), all.start()]);
    const platform = api(live[0]?.url ?? "", all.platformKey);
    key = await makeTenant(platform, "acme");
    const [row] = await query(all.databaseUrl, "select uid from bulkhead.tenant where id = 'acme'");
    uid = String(row?.["uid"]);
  });
  afterAll(() => all[Symbol.asyncDispose]());

  const urlOf = (i: number): string => live[i % live.length]?.url ?? "";
  /** Asks one server after another until one answers. */
  const ask = async (method: string, target: string, by = key, body?: unknown): Promise<Answer> => {
    for (let i = 0; ; i++) {
      try {
        const answer = await api(urlOf(i), by).send(method, target, { body });
        if (answer.status !== 503 || i > 1500) return answer;
      } catch (error) {
        if (i > 1500) throw error;
      }
      await pause(20);
    }
  };
  const lapse = (): Promise<unknown> =>
    query(
      all.databaseUrl,
      "update bulkhead.job set lease = bulkhead.now() where state = 'running'",
    );

  const write = async (path: string, content: string, url: string): Promise<boolean> => {
    const file = known.get(path) ?? { acknowledged: "", versions: [], open: undefined };
    known.set(path, file);
    file.open = content;
    let answer: Answer;
    try {
      answer = await api(url, key).send("PUT", `/v1/files${path}`, { body: content });
    } catch {
      return false;
    }
    const said = `${answer.status}${answer.headers.has("retry-after") ? "+" : ""}`;
    answers.set(said, (answers.get(said) ?? 0) + 1);
    if (answer.status >= 300) {
      file.open = undefined;
      return false;
    }
    file.acknowledged = content;
    file.versions.push(content);
    file.open = undefined;
    return true;
  };

  const writer = async (i: number, stop: AbortSignal): Promise<void> => {
    for (let n = 0; !stop.aborted; n++) {
      const path = `/w${i}/f${n % 5}`;
      // Longer than what lies in a row, but for every fourth.
      const content = `${i}:${n};`.repeat(n % 4 === 3 ? 10 : 6000);
      if (known.get(path)?.open !== undefined) {
        // What the kill left open is looked at before it is written over.
        const { text } = await ask("GET", `/v1/files${path}`);
        const file = known.get(path);
        if (file?.open === text && text !== "") file.versions.push(text);
        if (file !== undefined) [file.acknowledged, file.open] = [text, undefined];
      }
      await write(path, content, urlOf(i + n));
      await pause(25);
    }
  };

  const filesIn = (root: string): readonly string[] => {
    const folder = join(dirname(all.dataDir), root, uid);
    return existsSync(folder)
      ? readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
          /\/[0-9a-f]{8}-[0-9a-f-]{27}$/.test(name),
        )
      : [];
  };
  /** Every blob that a version stands on, as the store has it: name, label and whether its bytes are what was stored. */
  const checkStore = async (root: string): Promise<number> => {
    const files = new Map(filesIn(root).map((name) => [name.slice(-36), name]));
    const rows = await query(
      all.databaseUrl,
      `select b.id, encode(b.digest, 'hex') as digest, b.content = t.content as labelled from bulkhead.blob b
       join bulkhead.tree t on t.id = b.tree where b.refs > 0 and b.tenant = $1`,
      [uid],
    );
    for (const { id, digest, labelled } of rows) {
      const file = join(dirname(all.dataDir), root, uid, files.get(String(id)) ?? "");
      expect([id, labelled, sha256(await readFile(file))]).toEqual([id, true, digest]);
    }
    return rows.length;
  };
  const counters = async (): Promise<Readonly<Record<string, unknown>>> => {
    const sql =
      "select c->'counted' as counted, c->'found' as found from bulkhead.trees_recount_v1($1) c";
    return (await query(all.databaseUrl, sql, [uid]))[0] ?? {};
  };

  /** One command, in this process. */
  const cli = async (...args: readonly string[]) => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const said = Promise.all([text(stdout), text(stderr)]);
    const code = await command(args, {
      stdin: new PassThrough(),
      stdout,
      stderr,
      isTTY: { stdin: false, stdout: false, stderr: false },
      env: { BULKHEAD_URL: urlOf(0), BULKHEAD_KEY: all.platformKey, HOME: "/nonexistent" },
      cwd: "/",
    });
    stdout.end();
    stderr.end();
    const [out, err] = await said;
    return { code, out, err };
  };

  it("is for the platform key alone, and to a placement that can be moved to", async () => {
    const by = api(urlOf(0), all.platformKey);
    const own = await mintKey(by, {
      name: "admin",
      workspacePrefix: "/workspace/acme",
      scopes: ["read", "write", "admin"],
    });
    const admin = api(urlOf(1), own);
    const statuses = async (from: Api, to: Readonly<Record<string, unknown>>, id = "acme") => {
      const { status, json } = await from.send("POST", `/v1/tenants/${id}/move`, { body: to });
      return [status, json instanceof Object && Reflect.get(json, "code")];
    };
    const there = { placement: "there" };
    expect(await statuses(admin, there)).toEqual([403, "forbidden"]);
    expect(await statuses(admin, there, "nobody")).toEqual([403, "forbidden"]);
    expect((await admin.send("GET", "/v1/tenants/acme/move")).status).toBe(403);
    expect((await admin.send("POST", "/v1/jobs/x/abort", { body: {} })).status).toBe(403);
    expect(await statuses(by, there, "nobody")).toEqual([404, "not-found"]);
    expect(await statuses(by, { placement: "nowhere" })).toEqual([400, "invalid-request"]);
    expect(await statuses(by, { placement: "plain" })).toEqual([400, "invalid-request"]);
    expect(await statuses(by, { placement: "abroad" })).toEqual([403, "residency"]);
    expect(await statuses(by, { placement: "here" })).toEqual([409, "conflict"]);
    expect((await by.send("GET", "/v1/tenants/acme/move")).status).toBe(404);
    expect((await by.send("POST", "/v1/jobs/x/abort", { body: {} })).status).toBe(404);
    expect(await cli("tenant", "move", "acme")).toMatchObject({ code: 2 });
  });

  it("loses nothing that was acknowledged, and counts everything once", async () => {
    for (const n of [1, 2, 3])
      for (let f = 0; f < 8; f++)
        await write(`/seed/s${f}`, `seed ${n} ${f};`.repeat(3000 * f + 1), urlOf(f));
    await ask("POST", "/v1/copy", key, { from: "/seed/s1", to: "/seed/copied" });
    await ask("DELETE", "/v1/files/seed/s2");
    known.delete("/seed/s2");

    const stop = new AbortController();
    const loops = Array.from({ length: writers }, (_, i) => writer(i, stop.signal));
    const begun = await ask("POST", "/v1/tenants/acme/move", all.platformKey, {
      placement: "there",
      source: "erase",
    });
    expect(begun.status).toBe(202);
    const job = member(begun, "job");
    // One that has not ended is the only one.
    const second = { placement: "here" };
    expect((await ask("POST", "/v1/tenants/acme/move", all.platformKey, second)).status).toBe(409);

    let ended: Answer | undefined;
    const until = Date.now() + 240_000;
    const starting: Promise<void>[] = [];
    let deaths = 0;
    while (ended === undefined && Date.now() < until) {
      if (live.length === 0) await Promise.race(starting.splice(0, 1));
      const exit = await Promise.race([...live.map((one) => one.process.exited), pause(100)]);
      if (exit !== undefined) {
        expect(exit.signal).toBe("SIGKILL");
        deaths += 1;
        const dead = await Promise.all(
          live.map(
            async (one) => (await Promise.race([one.process.exited, pause(1)])) !== undefined,
          ),
        );
        live = live.filter((_, i) => dead[i] !== true);
        // Whoever is left goes on meanwhile.
        starting.push(all.start().then((one) => void live.push(one)));
        await lapse();
      }
      const answer = await ask("GET", `/v1/jobs/${job}`, all.platformKey);
      if (/"state":"(?:done|dead)"/.test(answer.text)) ended = answer;
    }
    stop.abort();
    await Promise.all([...loops, ...starting]);

    expect(ended?.json).toMatchObject({
      state: "done",
      result: { placement: "there", source: "erased" },
    });
    expect(steps.filter((step) => !existsSync(join(all.dataDir, `died-${step}`)))).toEqual([]);
    expect(deaths).toBe(steps.length);
    // Nothing but what was stored, and what could not be now.
    expect([...answers.keys()].filter((said) => !["200", "201", "503+"].includes(said))).toEqual(
      [],
    );

    for (const [path, { acknowledged, open, versions }] of known)
      for (const url of live.map((one) => one.url)) {
        const { text } = await api(url, key).send("GET", `/v1/files${path}`);
        expect([acknowledged, open].includes(text), path).toBe(true);
        const listed = await api(url, key).send("GET", `/v1/versions${path}?limit=1000`);
        expect(listed.text.split('"kind":"write"').length - 1).toBeGreaterThanOrEqual(
          versions.length,
        );
      }
    expect(await checkStore("there")).toBeGreaterThan(writers);
    expect(filesIn("here")).toEqual([]);
    const { counted, found } = await counters();
    expect(counted).toEqual(found);
  }, 300_000);

  it(
    "moves back beside its copy, version for version, and into nothing that was there before",
    { timeout: 90_000 },
    async () => {
      const past = await ask("GET", "/v1/versions/seed/s7");
      const before = await counters();
      const moved = await cli("tenant", "move", "acme", "--placement", "here", "--json");
      expect(moved.code, moved.err).toBe(0);
      expect(JSON.parse(moved.out)).toMatchObject({
        result: { placement: "here", source: "kept" },
      });
      expect(await cli("tenant", "move", "acme", "--abort")).toMatchObject({ code: 11 });
      expect(await counters()).toEqual(before);
      const blobs = await checkStore("here");
      // What was left is what was brought.
      const names = (root: string): Set<string> =>
        new Set(filesIn(root).map((name) => name.slice(-36)));
      expect(blobs).toBe(names("here").size);
      expect([...names("here")].filter((name) => !names("there").has(name))).toEqual([]);
      expect((await ask("GET", "/v1/versions/seed/s7")).text).toBe(past.text);
      // Nobody looks there any more: what is written now is in one place.
      await write("/seed/new", "new;".repeat(9000), urlOf(0));
      await write("/seed/new", "newer;".repeat(9000), urlOf(1));
      expect(names("here").size).toBe(blobs + 2);
      expect(await checkStore("here")).toBe(blobs + 2);
    },
  );

  it("takes what was left along when the tenant ends", { timeout: 90_000 }, async () => {
    expect(filesIn("there")).not.toEqual([]);
    const gone = await ask("DELETE", "/v1/tenants/acme?confirm=acme", all.platformKey);
    const job = member(gone, "job");
    const done = await waitFor(
      async () => {
        const { text } = await ask("GET", `/v1/jobs/${job}`, all.platformKey);
        return text.includes('"state":"done"') && text;
      },
      { timeout: 60_000 },
    );
    expect(done).toContain("content left by a move");
    expect([filesIn("here"), filesIn("there")]).toEqual([[], []]);
    const left = await query(
      all.databaseUrl,
      `select count(*)::int as n from bulkhead.blob where tenant = $1 union all
       select count(*)::int from bulkhead.blob_tombstone where tenant = $1 union all
       select count(*)::int from bulkhead.content_copy where tenant = $1`,
      [uid],
    );
    expect(left).toEqual([{ n: 0 }, { n: 0 }, { n: 0 }]);
  });
});
