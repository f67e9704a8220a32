import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  bulkhead,
  type RunningBulkhead,
  type TempDir,
  tempDir,
  type TestDatabase,
  testDatabase,
} from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Outcome, runCli, type RunOptions } from "./test/session.ts";

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
  const flags = ["--port", "0", "--data-dir", at("data"), "--database-url", database.url];
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
    { timeout: 60_000 },
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
    { timeout: 60_000 },
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
        code: 1,
        doc: "edited here",
      });

      await mkdir(at("outside"));
      await mkdir(at("e"));
      await symlink(at("outside"), at("e/a"));
      await symlink(at("outside/doc"), at("e/doc"));
      await done(["put", "-", `${there}/a/deep`], { stdin: "x" });
      const linked = await cli(["sync", "down", there, "e", "--delete", "--force"]);
      expect(linked.code).toBe(1);
      expect(linked.err).toContain("links are not followed");
      expect(await readdir(at("outside"))).toEqual([]);
      expect((await readdir(at("e"))).toSorted()).toEqual(["a", "doc", "fresh"]);
    },
  );

  test(
    "goes on with a download where it broke off, which nobody saw before it was whole",
    { timeout: 60_000 },
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
    { timeout: 60_000 },
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
