import { join } from "node:path";
import { PassThrough } from "node:stream";
import { RateLimitedError, RemoteFS } from "@bulkhead/client";
import { query, waitFor } from "@bulkhead/harness";
import { serve, type Server } from "@bulkhead/server";
import { run } from "bulkhead";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { type Api, api, makeTenant, member, mintKey } from "../support/api.ts";
import { startServer, type TestServer } from "../support/start-server.ts";

const config = `
rateLimits: { tenant: 1000, failedAuthentication: 5 }
trustedProxies: ["127.0.0.1"]
defaultPlan: small
plans: { small: { limits: { requests: 100000 } } }
`;
let first: TestServer;
let second: Server;
let platform: Api;
let clock = Date.UTC(2026, 5, 1, 12);

// The ledger's clock stands: no window ends before the test says so.
const setClock = (ms: number): Promise<unknown> => {
  clock = ms;
  return query(
    first.databaseUrl,
    `create or replace function bulkhead.now() returns timestamptz language sql volatile
     as $$ select to_timestamp(${ms / 1000}) $$`,
  );
};
beforeAll(async () => {
  first = await startServer({ config });
  await setClock(clock);
  const { dataDir, databaseUrl, platformKey } = first;
  const at = { port: 0, config: join(dataDir, "..", "bulkhead.yaml"), dataDir, databaseUrl };
  second = await serve({ ...at, platformKey }, { out: () => undefined, err: () => undefined });
  platform = api(first.url, platformKey);
});
afterAll(async () => {
  await second.close();
  await first[Symbol.asyncDispose]();
});

/** The cheapest thing that is counted: it is not found, or refused. */
const nowhere = "/v1/nowhere";

/** Sends so many requests, sixteen at a time, and counts their statuses. */
const send = async (urls: readonly string[], key: string, count: number) => {
  const counts: Record<number, number> = {};
  let sent = 0;
  const one = async (i: number): Promise<void> => {
    while (sent < count) {
      sent += 1;
      const { status } = await api(urls[i % urls.length] ?? "", key).send("GET", nowhere);
      counts[status] = (counts[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, i) => one(i)));
  return counts;
};
const patch = (id: string, body: unknown) => platform.send("PATCH", `/v1/tenants/${id}`, { body });
const rows = (text: string) => query(first.databaseUrl, text);

const explanation = z.object({
  decision: z.string(),
  code: z.string().nullable(),
  steps: z.array(z.object({ step: z.string(), outcome: z.string(), detail: z.string() })),
});

describe("requests a minute", () => {
  it("are exactly 1,000 for a tenant; refused ones write nothing, and waiting as said succeeds", async () => {
    const key = await makeTenant(platform, "exact");
    const quiet = await makeTenant(platform, "quiet");
    const shown = async () =>
      (await api(first.url, quiet).send("GET", nowhere)).headers.get("ratelimit");
    expect(await shown()).toBe('"tenant";r=999;t=60, "requests";r=99999;t=2548800');
    expect(await send([first.url], key, 1010)).toEqual({ 404: 1000, 429: 10 });

    const written = () =>
      rows(`select (select string_agg(xmin::text || ctid::text, ' ' order by tenant, bucket) from bulkhead.rate) as rate,
        (select count(*) from bulkhead.audit) as audit, (select count(*) from bulkhead.outbox) as events`);
    const before = await written();
    expect(await send([first.url], key, 90)).toEqual({ 429: 90 });
    expect(await written()).toEqual(before);
    await waitFor(async () => {
      const [row] = await rows(
        "select count(*)::int as n, sum(count)::int as sum from bulkhead.refusal where kind = 'rate-limited'",
      );
      return row?.["n"] === 1 && row["sum"] === 100;
    });
    // A neighbour's headers tell nothing of it.
    expect(await shown()).toBe('"tenant";r=998;t=60, "requests";r=99998;t=2548800');

    const refused = await api(first.url, key).send("GET", nowhere);
    expect(refused.json).toMatchObject({ code: "rate-limited", retryable: true });
    expect(refused.json).not.toHaveProperty("rates");
    expect(refused.headers.get("ratelimit-policy")).toBe('"tenant";q=1000;w=60');
    expect(refused.headers.get("ratelimit")).toBe('"tenant";r=0;t=60');
    await setClock(clock + Number(refused.headers.get("retry-after")) * 1000);
    expect((await api(first.url, key).send("GET", nowhere)).status).toBe(404);
  });

  it("are never more by way of two processes, and what changes holds on both at once", async () => {
    const key = await makeTenant(platform, "both");
    const urls = [first.url, second.url];
    await patch("both", { rateLimits: { tenant: 200 } });
    const { 404: let_in = 0, 429: refused = 0 } = await send(urls, key, 260);
    expect(let_in).toBeLessThanOrEqual(200);
    expect(let_in).toBeGreaterThan(180);
    expect(let_in + refused).toBe(260);
    await patch("both", { rateLimits: { tenant: null, key: 1 } });
    expect((await send(urls, key, 2))[404]).toBe(1);
    const other = await mintKey(platform, { name: "o", workspacePrefix: "/workspace/both" });
    expect(await send(urls, other, 1)).toEqual({ 404: 1 });
    await patch("both", { rateLimits: { key: null } });
    expect(await send(urls, key, 20)).toEqual({ 404: 20 });
    const back = await patch("both", { rateLimits: null });
    expect(back.json).toMatchObject({ rateLimits: {} });
    // What was let in without a limit was not counted.
    const shown = await api(second.url, other).send("GET", "/v1/whoami");
    expect(shown.json).toMatchObject({
      rateLimits: { tenant: 1000, key: null, bytesPerSecond: null },
    });
  });

  it("are the platform's to set, and explained without being used up", async () => {
    const admin = await makeTenant(platform, "told", ["read", "write", "admin"]);
    const mine = api(first.url, admin);
    const own = await mine.send("PATCH", "/v1/tenants/told", {
      body: { rateLimits: { tenant: 9 } },
    });
    expect([own.status, own.json]).toMatchObject([403, { code: "forbidden" }]);
    for (const rateLimits of [{ tenant: 0 }, { bytes: 1 }, { key: -1 }, 5])
      expect((await patch("told", { rateLimits })).status).toBe(400);
    await patch("told", { rateLimits: { tenant: 3, key: 2 } });
    const explained = async () => {
      const body = { operation: "stat", path: "/" };
      const { json } = await mine.send("POST", "/v1/explain", { body });
      const { decision, code, steps } = explanation.parse(json);
      return { decision, code, rate: steps.find(({ step }) => step === "rate") };
    };
    expect(await explained()).toMatchObject({
      decision: "allowed",
      rate: { detail: expect.stringMatching(/key 1 of 2, tenant 1 of 3/) },
    });
    expect(await explained()).toMatchObject({
      decision: "denied",
      code: "rate-limited",
      rate: { outcome: "denied" },
    });
    expect((await mine.send("GET", "/v1/stat/x")).status).toBe(429);
  });

  it("count for the owner as well where a share is used, who is told no number of it", async () => {
    const [owner, guest] = [
      await makeTenant(platform, "owner"),
      await makeTenant(platform, "guest"),
    ];
    await api(first.url, owner).send("PUT", "/v1/files/a/x", { body: "x" });
    const body = { path: "/workspace/owner/a", tenant: "guest" };
    const shared = member(await platform.send("POST", "/v1/shares", { body }), "target");
    await patch("owner", { rateLimits: { tenant: 2 } });
    const read = () => api(first.url, guest).send("GET", `/v1/files${shared}/x`);
    expect((await read()).status).toBe(200);
    const refused = await read();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "60"]);
    expect(refused.headers.get("ratelimit-policy")).toBe(
      '"tenant";q=1000;w=60, "requests";q=100000;w=2592000',
    );
    expect((await api(first.url, owner).send("GET", nowhere)).status).toBe(429);
    expect((await api(first.url, guest).send("GET", "/v1/list/shared")).status).toBe(200);
  });

  it("of a period come with the plan", async () => {
    const key = await makeTenant(platform, "period");
    await platform.send("PATCH", "/v1/tenants/period", { body: { limits: { requests: 2 } } });
    expect(await send([first.url], key, 2)).toEqual({ 404: 2 });
    const refused = await api(second.url, key).send("GET", nowhere);
    expect([refused.status, refused.json]).toMatchObject([
      429,
      { resource: "requests", limit: 2, used: 2, requested: 1 },
    ]);
    await setClock(Date.UTC(2026, 6, 1));
    expect(await send([second.url], key, 1)).toEqual({ 404: 1 });
  });

  it("are an error of their own in the client, and exit code 12 of the command", async () => {
    const key = await makeTenant(platform, "typed");
    await patch("typed", { rateLimits: { tenant: 1 } });
    const fs = new RemoteFS({ url: first.url, apiKey: key, retry: { attempts: 1 } });
    await expect(fs.stat("/x")).rejects.toMatchObject({ code: "not-found" });
    const refused: unknown = await fs.stat("/x").catch((error: unknown) => error);
    if (!(refused instanceof RateLimitedError)) throw new Error("It was let in.");
    expect(refused).toMatchObject({ status: 429, retryable: true, fields: { retryAfter: 60 } });
    const io = {
      stdin: new PassThrough(),
      stdout: new PassThrough(),
      stderr: new PassThrough(),
      isTTY: { stdin: false, stdout: false, stderr: false },
      cwd: first.dataDir,
      env: { BULKHEAD_URL: first.url, BULKHEAD_KEY: key },
    };
    expect(await run(["stat", "/x"], io)).toBe(12);
  });
});

describe("requests without a valid key", () => {
  const from = (address: string, key: string) =>
    api(first.url, key).send("GET", "/v1/whoami", {
      headers: { forwarded: `for="${address}"` },
    });
  it("are limited by the client's address, that only trusted proxies tell", async () => {
    const key = await makeTenant(platform, "guessed");
    await from("[2001:db8::1]", key);
    const statuses: number[] = [];
    for (let i = 0; i < 7; i++) statuses.push((await from(`[2001:db8::${i}]`, `bhk_${i}`)).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect((await from("[2001:db8:0:1::1]", "bhk_x")).status).toBe(401);
    expect((await from("192.0.2.7", "bhk_x")).status).toBe(401);
    // Whoever was good before goes on.
    expect((await from("[2001:db8::1]", key)).status).toBe(200);
    const refused = await from("[2001:db8::9]", "bhk_x");
    expect(refused.headers.get("ratelimit-policy")).toBe('"authentication";q=5;w=60');
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50);
    // A hop that is no proxy of ours speaks for nobody but itself.
    const forged = await api(first.url, "bhk_x").send("GET", "/v1/whoami", {
      headers: { forwarded: 'for=192.0.2.99, for="[2001:db8::3]"' },
    });
    expect(forged.status).toBe(429);
  });
});
