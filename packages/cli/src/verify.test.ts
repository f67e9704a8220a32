import { join } from "node:path";
import {
  bulkhead,
  type RunningBulkhead,
  type TempDir,
  tempDir,
  type TestDatabase,
  testDatabase,
} from "@bulkhead/harness";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { exits } from "./index.ts";
import { type Outcome, runCli, type RunOptions } from "./test/session.ts";

const platformKey = "platform-key-of-the-tests-0123456789";
let folder: TempDir;
let database: TestDatabase;
let server: RunningBulkhead;
let url: string;

beforeAll(async () => {
  [folder, database] = await Promise.all([tempDir(), testDatabase()]);
  const data = join(folder.path, "data");
  server = bulkhead(["serve", "--port", "0", "--data-dir", data, "--database-url", database.url], {
    env: { BULKHEAD_PLATFORM_KEY: platformKey },
  });
  url = await server.url();
}, 60_000);
afterAll(async () => {
  await server.stop();
  await database.close();
  await folder.remove();
});

const cli = (argv: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  runCli(argv, { env: { BULKHEAD_URL: url, BULKHEAD_KEY: platformKey }, ...options });

/** A server that lies: `answer` says what is told instead, or nothing. */
const lying =
  (
    answer: (method: string, target: string, init: RequestInit) => Promise<Response> | undefined,
  ): typeof fetch =>
  (input, init = {}) => {
    const target = String(input instanceof Request ? input.url : input).slice(url.length);
    return answer(init.method ?? "GET", target, init) ?? fetch(input, init);
  };

const found = (outcome: Outcome): string => {
  expect(outcome.code, outcome.err).toBe(exits.other);
  return outcome.out;
};
const clean = (outcome: Outcome): string => {
  expect(outcome.code, outcome.out + outcome.err).toBe(exits.ok);
  return outcome.out;
};

describe("bulkhead verify", () => {
  // Nothing of what was made may be there when a run has ended, however it did.
  afterEach(async () => {
    const { out } = await cli(["tenant", "list"]);
    if (out.includes("verify-")) throw new Error(`This was left: ${out}`);
  });

  it("isolation: nothing on a sound server, and an answer that tells of a neighbour", async () => {
    const argv = ["verify", "isolation", "--runs", "1", "--seed", "7"];
    const sound = clean(await cli([...argv, "--json"]));
    const { counts, findings } = JSON.parse(sound);
    expect(findings).toEqual([]);
    expect(counts.answers).toBeGreaterThan(15);
    expect(counts.refused).toBeGreaterThan(2);
    let neighbour = false;
    const telling = lying((method, target, init) => {
      if (method === "POST" && target === "/v1/tenants")
        neighbour = JSON.stringify(init.body).includes("-b");
      if (method === "DELETE" && target.includes("-b?")) neighbour = false;
      if (method !== "GET" || !neighbour) return undefined;
      return fetch(url + target, init).then(
        async (response) =>
          new Response(await response.arrayBuffer(), {
            status: response.status,
            headers: [...response.headers, ["x-neighbour", "yes"]],
          }),
      );
    });
    expect(found(await cli(argv, { fetch: telling }))).toContain("x-neighbour: yes");
  }, 120_000);

  it("durability: what was acknowledged, at once and by its record later; and what was lost", async () => {
    const argv = ["verify", "durability", "--runs", "1", "--seed", "7"];
    const record = join(folder.path, "record");
    expect(clean(await cli([...argv, "--record", record]))).toContain("seed 7: 48 acknowledged");
    expect(clean(await cli(["verify", "durability", "--resume", record]))).toContain("seed 7");
    let put = 0;
    const losing = lying((method, target) =>
      method === "PUT" && target.startsWith("/v1/files") && ++put >= 40
        ? Promise.resolve(new Response(null, { status: 201 }))
        : undefined,
    );
    expect(found(await cli(argv, { fetch: losing }))).toMatch(/acknowledged (?:last|and answers)/);
  }, 120_000);

  it("quota: exact on a sound server, and a limit that nobody keeps", async () => {
    const argv = ["verify", "quota", "--runs", "1", "--seed", "7"];
    expect(clean(await cli(argv))).toContain("quota: nothing found in 1 runs");
    const generous = lying((method, target) =>
      method === "PUT" && target.endsWith("/quota")
        ? fetch(url + target, { headers: { Authorization: `Bearer ${platformKey}` } })
        : undefined,
    );
    expect(found(await cli(argv, { fetch: generous }))).toContain("more than the limit");
  }, 120_000);

  it("removes what it made although it was interrupted", async () => {
    const interruption = new AbortController();
    const interrupting = lying((method, target) => {
      if (method === "PUT" && target.startsWith("/v1/files")) interruption.abort();
      return undefined;
    });
    const outcome = await cli(["verify", "quota"], {
      fetch: interrupting,
      signal: interruption.signal,
    });
    expect(outcome.code).toBe(exits.interrupted);
  }, 60_000);
});
