// Nexus SaaS tutorial, row N13: "health metrics", totals by plan and status, users, storage, averages; and what an operator
// watches beside them: /metrics, the log, traces.
//
// Changes against the published text: there the application lists every tenant and adds up; here one answer counts them.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { run } from "bulkhead";
import { RemoteFS } from "@bulkhead/client";
import { query, waitFor } from "@bulkhead/harness";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Api, api, makeTenant } from "../support/api.ts";
import { startServer, type TestServer } from "../support/start-server.ts";

const secret = "canary-content";
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const expected = {
  totalTenants: 3,
  byPlan: { free: 1, none: 2 },
  byStatus: { active: 2, suspended: 1 },
  totalUsers: 5,
  totalBytes: secret.length,
  above80: 1,
  avgUsersPerTenant: 1.7,
  avgBytesPerTenant: 5,
  failingMounts: 1,
};

let collector: Server;
const spans: string[] = [];
let server: TestServer;
let platform: Api;
let acmeKey: string;

beforeAll(async () => {
  collector = createServer((request, response) => {
    void text(request).then((body) => {
      spans.push(body);
      response.end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(collector, "listening");
  const address = collector.address();
  const port = typeof address === "object" ? address?.port : undefined;
  server = await startServer({
    config: `
log: { requests: all }
traces: { endpoint: "http://127.0.0.1:${port}/v1/traces" }
mounts:
  - { path: /elsewhere, backend: memory, region: far }
`,
  });
  platform = api(server.url, server.platformKey);
  acmeKey = await makeTenant(platform, "acme");
  await makeTenant(platform, "beta");
  await platform.send("POST", "/v1/tenants", { body: { id: "gamma", plan: "free" } });
  // The plan's limit is five: all five are more than 80 %.
  for (const id of ["u1", "u2", "u3", "u4", "u5"])
    await platform.send("POST", "/v1/tenants/gamma/users", { body: { id, role: "member" } });
  await api(server.url, acmeKey).send("PUT", "/v1/files/canary-name", {
    body: secret,
    headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01`, "x-request-id": "traced-1" },
  });
  await platform.send("POST", "/v1/tenants/beta/suspend", { body: {} });
}, 60_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  collector.close();
});

test("what is only reserved is not used yet", async () => {
  const above80 = async (): Promise<unknown> =>
    Reflect.get(Object((await platform.send("GET", "/v1/health/tenants")).json), "above80");
  const limits = (of: object) => platform.send("PUT", "/v1/tenants/acme/quota", { body: of });
  const reserve = (files: number): Promise<unknown> =>
    query(
      server.databaseUrl,
      `update bulkhead.tenant_head set files = files + ${files}, reserved_files = reserved_files + ${files}
         where uid = (select uid from bulkhead.tenant where id = 'acme')`,
    );
  await limits({ files: 5 });
  await reserve(4);
  expect(await above80()).toBe(1);
  await reserve(-4);
  await limits({ files: 1 });
  expect(await above80()).toBe(2);
  await limits({ files: null });
  expect(await above80()).toBe(1);
});

test("one answer counts all tenants, over the wire, by the client and by the command line", async () => {
  expect((await platform.send("GET", "/v1/health/tenants")).json).toEqual(expected);
  const remote = new RemoteFS({ url: server.url, apiKey: server.platformKey });
  expect(await remote.tenants.health()).toEqual(expected);
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const code = await run(["--json", "tenant", "health"], {
    stdin: new PassThrough(),
    stdout,
    stderr,
    isTTY: { stdin: false, stdout: false, stderr: false },
    env: { HOME: "/nonexistent", BULKHEAD_URL: server.url, BULKHEAD_KEY: server.platformKey },
    cwd: "/",
  });
  stdout.end();
  expect([code, JSON.parse(await text(stdout))]).toEqual([0, expected]);
});

test("a tenant is not told of the others", async () => {
  const answer = await api(server.url, acmeKey).send("GET", "/v1/health/tenants");
  expect([answer.status, answer.text]).toEqual([
    403,
    expect.not.stringMatching(/gamma|beta|"total/),
  ]);
});

test("/metrics is for this machine, and for the platform's key from elsewhere", async () => {
  const open = await api(server.url, undefined).send("GET", "/metrics");
  expect(open.status).toBe(200);
  expect(open.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(open.text).toMatch(/^bulkhead_tenants\{status="suspended"\} 1$/m);
  expect(open.text).toMatch(/^bulkhead_tenants_by_plan\{plan="free"\} 1$/m);
  expect(open.text).toMatch(/^bulkhead_mounts_failing 1$/m);
  expect(open.text).toMatch(/^bulkhead_ledger_reachable 1$/m);
  expect(open.text).toMatch(
    /^bulkhead_http_request_duration_seconds_count\{method="PUT",route="\/v1\/files",status="201"\} 1$/m,
  );
  const passedOn = (key: string | undefined) =>
    api(server.url, key).send("GET", "/metrics", { headers: { "x-forwarded-for": "203.0.113.9" } });
  expect((await passedOn(undefined)).status).toBe(401);
  expect((await passedOn(acmeKey)).status).toBe(403);
  expect((await passedOn(server.platformKey)).status).toBe(200);
});

test("its labels are as many as there are routes, whatever is asked, and name nobody", async () => {
  const before = (await platform.send("GET", "/metrics")).text;
  for (const target of [
    "/nowhere/a",
    "/nowhere/b",
    "/v1/nothing",
    "/v1/stat/canary-a",
    "/v1/stat/canary-b",
  ])
    await platform.send("GET", target);
  const series = (text: string) =>
    text
      .split("\n")
      .filter((line) => line.startsWith("bulkhead_http_request_duration_seconds_count"));
  const after = (await platform.send("GET", "/metrics")).text;
  const grown = series(after).length - series(before).length;
  // One for no route, one for a stat that is not found, one for the metrics themselves; no more for a second of each.
  expect(grown).toBeLessThanOrEqual(3);
  expect(after).not.toMatch(/acme|beta|gamma|canary|bhk_/);
});

test("every request has a line with its id, without what it was about", async () => {
  const lines = server.lines.filter((line) => line.startsWith("{"));
  const line: unknown = JSON.parse(lines.find((one) => one.includes("traced-1")) ?? "{}");
  expect(line).toMatchObject({
    level: "info",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    event: "request",
    requestId: "traced-1",
    method: "PUT",
    route: "/v1/files",
    status: 201,
    traceId,
  });
  expect(lines.join("\n")).not.toMatch(/canary|bhk_|\/workspace/);
  expect(lines.join("\n")).not.toContain(server.platformKey);
});

test("a request is a span of its caller's trace", async () => {
  const sent = await waitFor(() => spans.find((body) => body.includes(traceId)), {
    timeout: 15_000,
  });
  expect(sent).toContain('"name":"PUT /v1/files"');
  expect(sent).toContain('"parentSpanId":"00f067aa0ba902b7"');
  expect(sent).toContain('"stringValue":"traced-1"');
  expect(sent).not.toMatch(/canary|bhk_/);
}, 20_000);
