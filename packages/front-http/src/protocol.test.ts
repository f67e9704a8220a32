import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { memory } from "@bulkhead/backend-memory";
import { rawConnection, rawRequest, type RawAnswer } from "./test/raw.ts";
import { aliceKey, type World, worldOver } from "./test/world.ts";

let world: World;
beforeAll(async () => {
  world = await worldOver(memory(), { headersMs: 300 });
  for (const name of ["a", "%61", "a b", "ü", "..;", "a&b", "a?b"])
    await world.fetch(`/v1/files/${encodeURIComponent(name)}`, { method: "PUT", body: name });
});
afterAll(() => world.close());

const auth = `Authorization: Bearer ${aliceKey}\r\n`;
const get = (target: string, headers = auth): Promise<RawAnswer> =>
  rawRequest(world.url, `GET ${target} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);

const expectProblem = (answer: RawAnswer, status: number, code: string): void => {
  expect([answer.status, answer.headers.get("content-type")]).toEqual([
    status,
    "application/problem+json",
  ]);
  expect(answer.json()).toMatchObject({ status, code });
  expect(answer.json()["requestId"]).toBe(answer.headers.get("x-request-id"));
  expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
};

describe("a target", () => {
  it.each([
    ["/v1/files/a", 200, "a"],
    ["/v1/files/%61", 200, "a"],
    ["/v1/files/%2561", 200, "%61"],
    ["/v1/files/a%20b", 200, "a b"],
    ["/v1/files/%C3%BC", 200, "ü"],
    ["/v1/files/..;", 200, "..;"],
    ["/v1/files/a&b", 200, "a&b"],
    ["/v1/files/a%3Fb", 200, "a?b"],
    ["/v1/files/a?b", 200, "a"],
    ["/v1/files/a?x=%zz", 200, "a"],
    ["http://evil.example/v1/files/a", 200, "a"],
    ["HTTPS://u:p@[::1]:9/v1/files/a?x", 200, "a"],
    ["/v1/files/../a", 400, "invalid-path"],
    ["/v1/files/./a", 400, "invalid-path"],
    ["/v1/files/%2e%2e/a", 400, "invalid-path"],
    ["/v1/files/b%2fa", 400, "invalid-path"],
    ["/v1/files//a", 400, "invalid-path"],
    ["/v1/files/a/", 400, "invalid-path"],
    ["/v1/files/a%00", 400, "invalid-path"],
    ["/v1/files/%5c", 400, "invalid-path"],
    ["/v1/files/%zz", 400, "invalid-path"],
    ["/v1/files/%c0%ae", 400, "invalid-path"],
    ["/v1/files/%ed%a0%80", 400, "invalid-path"],
    [`/v1/files/${"n".repeat(256)}`, 400, "invalid-path"],
    ["/v1/files/a#b", 400, "invalid-path"],
    ["/v1/files/a?q#b", 400, "invalid-path"],
    ["/v1/whoami#", 400, "invalid-path"],
    ["/v1/%66iles/a", 404, "not-found"],
    ["/v1//files/a", 404, "not-found"],
    ["//v1/files/a", 404, "not-found"],
    ["/V1/files/a", 404, "not-found"],
    ["/v1/filesa", 404, "not-found"],
    ["/v1/files%2fa", 404, "not-found"],
    ["/v1/%77hoami", 404, "not-found"],
    ["/v1/whoami/", 404, "not-found"],
    ["/v1/list/../files/a", 400, "invalid-path"],
    ["/v1/keys/%2e%2e", 404, "not-found"],
    ["/%zz", 404, "not-found"],
    ["/", 404, "not-found"],
    ["http://only-a-host", 404, "not-found"],
  ])("%s", async (target, status, expected) => {
    const answer = await get(target);
    if (status === 200) expect([answer.status, answer.body.toString()]).toEqual([200, expected]);
    else expectProblem(answer, status, expected);
  });

  it("without a path is the root", async () => {
    for (const target of ["/v1/stat", "/v1/stat/", "/v1/stat?x"])
      expect((await get(target)).json()).toMatchObject({ path: "/", kind: "directory" });
    expect((await get("/v1/list")).json()["next"]).toBeNull();
  });
});

describe("a request that HTTP does not allow", () => {
  const cases: [string, string, number, string][] = [
    ["no Host", `GET /v1/whoami HTTP/1.1\r\n${auth}\r\n`, 400, "invalid-request"],
    [
      "two Hosts",
      `GET /v1/whoami HTTP/1.1\r\nHost: a\r\nHost: b\r\n${auth}\r\n`,
      400,
      "invalid-request",
    ],
    [
      "the same Host twice",
      `GET /health HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n`,
      400,
      "invalid-request",
    ],
    [
      "coded twice",
      `PUT /v1/files/te HTTP/1.1\r\nHost: a\r\n${auth}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
      400,
      "invalid-request",
    ],
    [
      "two codings",
      `PUT /v1/files/te HTTP/1.1\r\nHost: a\r\n${auth}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      "invalid-request",
    ],
    [
      "length and coding",
      `PUT /v1/files/te HTTP/1.1\r\nHost: a\r\n${auth}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      "invalid-request",
    ],
    [
      "two lengths",
      `PUT /v1/files/te HTTP/1.1\r\nHost: a\r\n${auth}Content-Length: 1\r\nContent-Length: 2\r\n\r\na`,
      400,
      "invalid-request",
    ],
    ["nonsense", "nonsense\r\n\r\n", 400, "invalid-request"],
    [
      "a bare line feed in a header",
      "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
      400,
      "invalid-request",
    ],
    [
      "too many headers",
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
      431,
      "too-large",
    ],
    [
      "an unknown expectation",
      `GET /health HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n`,
      417,
      "invalid-request",
    ],
    ["half a request", "GET / HTTP/1.1\r\nHost: a", 408, "timeout"],
  ];
  it.each(cases)("%s", async (_name, text, status, code) => {
    const connection = rawConnection(world.url);
    connection.write(text);
    const answer = await connection.next();
    expectProblem(answer, status, code);
    expect(answer.headers.get("connection")).toBe("close");
    await connection.ended;
    expect((await world.fetch("/v1/stat/te")).status).toBe(404);
  });

  it("counts every header, however many there are", async () => {
    const many = Array.from({ length: 2500 }, () => "a:\r\n").join("");
    const answer = await rawRequest(
      world.url,
      `GET /v1/files/a HTTP/1.1\r\nHost: a\r\n${auth}${many}If-None-Match: *\r\n\r\n`,
    ).catch(() => undefined);
    // Refused or obeyed, never passed over.
    expect([304, 431]).toContain(answer?.status);
  });
});

describe("who asks", () => {
  it("comes before everything else, with one answer for all", async () => {
    const bodies = new Set<string>();
    for (const target of [
      "/v1/files/a",
      "/v1/files/%zz",
      "/v1/files/none",
      "/v1/nowhere",
      "/v1/whoami#",
      "/v1/keys",
    ])
      for (const header of [
        "",
        "Authorization: Bearer wrong\r\n",
        "Authorization: Basic YTpi\r\n",
        `${auth}${auth}`,
        `Authorization: ${aliceKey}\r\n`,
      ]) {
        const answer = await get(target, `${header}X-Request-Id: same\r\n`);
        expectProblem(answer, 401, "unauthenticated");
        expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
        bodies.add(answer.body.toString());
      }
    expect(bodies.size).toBe(1);
    expectProblem(
      await get("/v1/files/a", "Bulkhead-Workspace-Prefix: nonsense\r\n"),
      401,
      "unauthenticated",
    );
    expectProblem(
      await rawRequest(
        world.url,
        "POST /v1/whoami HTTP/1.1\r\nHost: x\r\nContent-Type: nonsense\r\nContent-Length: 1\r\n\r\nx",
      ),
      401,
      "unauthenticated",
    );
  });

  it("is read from headers that mean nothing but that", async () => {
    world.seen.credentials.length = 0;
    const answer = await get(
      "/v1/whoami",
      `authorization: bEaReR ${aliceKey}\r\nBulkhead-Workspace-Prefix: /workspace/acme/%C3%BC\r\nX-Tenant-ID: acme\r\nX-Forwarded-For: 9.9.9.9\r\nX-Request-Id: my-id.1\r\n`,
    );
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-request-id")).toBe("my-id.1");
    expect(world.seen.credentials[0]).toMatchObject({
      key: aliceKey,
      workspacePrefix: "/workspace/acme/ü",
      tenant: "acme",
      address: "127.0.0.1",
      front: "http",
      requestId: "my-id.1",
    });
    expectProblem(
      await get("/v1/whoami", `${auth}Bulkhead-Workspace-Prefix: /a/../b\r\n`),
      400,
      "invalid-path",
    );
    expectProblem(await get("/v1/whoami", `${auth}X-Tenant-ID: beta\r\n`), 403, "tenant-mismatch");
    const minted = await get("/health", "X-Request-Id: not well formed\r\n");
    expect(minted.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe("routes", () => {
  it("refuse other methods and say which they take", async () => {
    for (const [method, target, allow] of [
      ["POST", "/v1/files/a", "GET, HEAD, PUT, DELETE"],
      ["PATCH", "/v1/stat/a", "GET, HEAD"],
      ["GET", "/v1/mkdir", "POST"],
      ["PROPFIND", "/v1/files/a", "GET, HEAD, PUT, DELETE"],
      ["OPTIONS", "/v1/keys", "POST, GET, HEAD"],
      ["DELETE", "/health", "GET, HEAD"],
    ]) {
      const answer = await rawRequest(
        world.url,
        `${method} ${target} HTTP/1.1\r\nHost: x\r\n${auth}\r\n`,
      );
      expectProblem(answer, 405, "invalid-request");
      expect([target, answer.headers.get("allow")]).toEqual([target, allow]);
    }
  });
  it("tell how the server is, without a key", async () => {
    expect((await get("/health", "")).json()).toEqual({
      status: "ok",
      version: "1.2.3",
      mode: "multi-tenant",
    });
    expect((await get("/livez", "")).status).toBe(200);
    expect((await get("/readyz", "")).status).toBe(200);
    const unready = await worldOver(memory(), { unready: ["database"] });
    const answer = await rawRequest(unready.url, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n");
    await unready.close();
    expectProblem(answer, 503, "unavailable");
    expect(answer.json()["unready"]).toEqual(["database"]);
    expect(answer.headers.get("retry-after")).toBe("1");
  });
});

describe("a connection", () => {
  it("answers pipelined requests one after another, in order", async () => {
    const connection = rawConnection(world.url);
    const one = (line: string, rest = ""): string =>
      `${line} HTTP/1.1\r\nHost: x\r\n${auth}${rest}\r\n`;
    connection.write(
      one("PUT /v1/files/pipe", "Content-Length: 5\r\n") +
        "first" +
        one("GET /v1/files/pipe") +
        one("PUT /v1/files/pipe", "Transfer-Encoding: chunked\r\n") +
        "6\r\nsecond\r\n0\r\n\r\n" +
        one("GET /v1/files/pipe") +
        one("DELETE /v1/files/pipe") +
        one("GET /v1/files/pipe"),
    );
    const statuses: unknown[] = [];
    for (let i = 0; i < 6; i++) {
      const answer = await connection.next();
      statuses.push(answer.status, ...(i === 1 || i === 3 ? [answer.body.toString()] : []));
    }
    expect(statuses).toEqual([201, 200, "first", 200, 200, "second", 204, 404]);
    connection.socket.destroy();
  });

  it("is used again after errors, HEAD and 304", async () => {
    const connection = rawConnection(world.url);
    const ask = async (line: string, headers = "", head = false): Promise<number> => {
      connection.write(`${line} HTTP/1.1\r\nHost: x\r\n${auth}${headers}\r\n`);
      return (await connection.next({ head })).status;
    };
    expect(await ask("GET /v1/files/none")).toBe(404);
    expect(await ask("HEAD /v1/files/a", "", true)).toBe(200);
    expect(await ask("HEAD /v1/files/none", "", true)).toBe(404);
    expect(await ask("GET /v1/files/a", "If-None-Match: *\r\n")).toBe(304);
    expect(await ask("GET /v1/nowhere")).toBe(404);
    expect(await ask("POST /v1/files/a")).toBe(405);
    expect(await ask("GET /v1/files/a")).toBe(200);
    connection.socket.destroy();
  });

  it("runs nothing that was pipelined behind its last answer", async () => {
    const connection = rawConnection(world.url);
    const before = world.seen.writes.length;
    const behind = `PUT /v1/files/behind HTTP/1.1\r\nHost: x\r\n${auth}Content-Length: 1\r\n\r\nx`;
    connection.write(
      `GET /v1/files/a HTTP/1.1\r\nHost: x\r\n${auth}Connection: close\r\n\r\n${behind}`,
    );
    expect((await connection.next()).status).toBe(200);
    await connection.ended;
    const second = rawConnection(world.url);
    second.write(
      `PUT /v1/files/x HTTP/1.1\r\nHost: x\r\nHost: y\r\n${auth}Content-Length: 1\r\n\r\nx${behind}`,
    );
    expect((await second.next()).status).toBe(400);
    await second.ended;
    expect(world.seen.writes.length).toBe(before);
  });

  it("answers what was whole before it breaks", async () => {
    const connection = rawConnection(world.url);
    connection.write(`GET /v1/files/a HTTP/1.1\r\nHost: x\r\n${auth}\r\nnonsense\r\n\r\n`);
    expect((await connection.next()).body.toString()).toBe("a");
    await connection.ended;
  });
});

describe("behind proxies", () => {
  it("the nearest address that is no trusted proxy counts", async () => {
    const proxied = await worldOver(memory(), {
      trustedProxies: ["127.0.0.0/8", "10.0.0.1", "2001:db8::/32"],
    });
    const address = async (headers: string): Promise<string | undefined> => {
      await rawRequest(proxied.url, `GET /v1/whoami HTTP/1.1\r\nHost: x\r\n${auth}${headers}\r\n`);
      return proxied.seen.credentials.at(-1)?.address;
    };
    expect(await address("")).toBe("127.0.0.1");
    expect(await address("X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n")).toBe("2.2.2.2");
    expect(await address("X-Forwarded-For: 1.1.1.1, 2.2.2.2, 10.0.0.1\r\n")).toBe("2.2.2.2");
    expect(await address("X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n")).toBe(
      "2.2.2.2",
    );
    expect(await address('Forwarded: for=1.1.1.1, for="[2001:db8:1::7]:80";proto=https\r\n')).toBe(
      "1.1.1.1",
    );
    expect(await address('Forwarded: for="[2001:dead::7]:80"\r\n')).toBe("2001:dead::7");
    expect(await address("Forwarded: for=1.1.1.1, for=unknown\r\n")).toBe("127.0.0.1");
    expect(await address("Forwarded: for=1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n")).toBe(
      "127.0.0.1",
    );
    await proxied.close();
    await expect(worldOver(memory(), { trustedProxies: ["somewhere"] })).rejects.toThrow(
      RangeError,
    );
  });
});
