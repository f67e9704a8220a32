import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TempDir, tempDir } from "@bulkhead/harness";
import { serve as serveHere, type Server } from "@bulkhead/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Outcome, runCli } from "./test/session.ts";

const platformKey = "platform-key-of-the-tests-0123456789";
let folder: TempDir;
const running: Server[] = [];

const at = (name: string): string => join(folder.path, name);
const serve = async (data: string): Promise<string> => {
  const server = await serveHere(
    { port: 0, dataDir: at(data), platformKey },
    { out: () => undefined, err: () => undefined },
  );
  running.push(server);
  return server.url;
};
const cli = async (url: string | undefined, ...argv: string[]): Promise<Outcome> => {
  const env = { BULKHEAD_KEY: platformKey, ...(url !== undefined && { BULKHEAD_URL: url }) };
  return runCli(argv, { env, cwd: folder.path });
};
const done = async (url: string | undefined, ...argv: string[]): Promise<string> => {
  const { code, out, err } = await cli(url, ...argv);
  expect(code, err).toBe(0);
  return out;
};

beforeAll(async () => {
  folder = await tempDir();
});
afterAll(async () => {
  await Promise.all(running.map((server) => server.close()));
  await folder.remove();
});

test("A running server is backed up, restored elsewhere and given another master key", async () => {
  const url = await serve("one");
  await done(url, "tenant", "create", "acme");
  const put = await runCli(["put", "-", "/workspace/acme/hello"], {
    env: { BULKHEAD_KEY: platformKey, BULKHEAD_URL: url },
    stdin: "hello",
  });
  expect(put.code, put.err).toBe(0);
  const made = await cli(undefined, "backup", "--data-dir", at("one"), "--to", "kept", "--json");
  expect(made.code, made.err).toBe(0);
  expect(JSON.parse(made.out)).toMatchObject({ masterKey: false, omitted: [], damaged: [] });
  expect(made.err).toContain("The master key is not in the backup");
  const again = await cli(undefined, "backup", "--data-dir", at("one"), "--to", "kept");
  expect(again).toMatchObject({ code: 1, out: "" });
  expect(again.err).toContain("never written over");
  // Another server would be refused the folder, and whoever asks that one is told why.
  const second = ["--url", "http://127.0.0.1:1", "--data-dir", at("one")];
  const why = await cli(undefined, "doctor", ...second);
  expect(why.code).toBe(1);
  expect(why.out).toMatch(new RegExp(`failed +process +A server with pid ${process.pid} runs on`));
  // The server has not noticed.
  expect(await done(url, "cat", "/workspace/acme/hello")).toBe("hello");

  const restored = await cli(undefined, "restore", "--from", "kept", "--data-dir", at("two"));
  expect(restored.code, restored.err).toBe(0);
  expect(restored.err).toContain("put the master key where it was");
  await cp(at("one/master-key"), at("two/master-key"));
  const rotated = await cli(undefined, "key", "rotate-master", "--data-dir", at("two"), "--json");
  expect(rotated.code, rotated.err).toBe(0);
  const renewed = await serve("two");
  expect(await done(renewed, "cat", "/workspace/acme/hello")).toBe("hello");
  await done(undefined, "key", "rotate-master", "--retire", "--data-dir", at("two"));
  expect(await readFile(at("two/master-key"), "utf8")).not.toBe(
    await readFile(at("one/master-key"), "utf8"),
  );
  await done(renewed, "rm", "/workspace/acme/hello");
  expect(await done(url, "cat", "/workspace/acme/hello")).toBe("hello");
}, 120_000);

test("What cannot be backed up or restored is said in one sentence", async () => {
  const nothing = await cli(undefined, "backup", "--data-dir", at("none"), "--to", "x");
  expect(nothing).toMatchObject({ code: 1, out: "" });
  expect(nothing.err).toContain("There is no ledger in");
  const none = await cli(undefined, "restore", "--from", "none", "--data-dir", at("three"));
  expect(none).toMatchObject({ code: 1, out: "" });
  expect(none.err).toContain("is no whole backup");
  expect((await cli(undefined, "backup")).code).toBe(2);
});
