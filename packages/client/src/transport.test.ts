import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { BulkheadError, RemoteFS, type RemoteFSOptions, UnavailableError } from "./index.ts";

// What a real server seldom does: ask to wait, break off, be a proxy.

const servers: { close: () => void }[] = [];
afterEach(() => {
  for (const { close } of servers.splice(0)) close();
});

type Handler = (request: IncomingMessage, response: ServerResponse, n: number) => void;

const against = async (
  handler: Handler,
  options: Partial<RemoteFSOptions> = {},
): Promise<{ fs: RemoteFS; seen: IncomingMessage[]; url: string }> => {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    request.resume();
    request.once("end", () => handler(request, response, seen.length));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  servers.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("It listens on a port.");
  const url = `http://127.0.0.1:${address.port}`;
  return { fs: new RemoteFS({ url, apiKey: "k", ...options }), seen, url };
};

const stat = JSON.stringify({
  path: "/a",
  name: "a",
  kind: "file",
  size: 1,
  etag: "e",
  contentType: null,
  createdAt: null,
  modifiedAt: "2026-11-21T12:00:00.000Z",
  version: null,
  metadata: {},
});

/** Refuses the first `times` requests with `status`. */
const later =
  (times: number, status: number, headers: Record<string, string>): Handler =>
  (_request, response, n) => {
    if (n <= times) response.writeHead(status, headers).end("busy");
    else response.writeHead(200, { "Content-Type": "application/json" }).end(stat);
  };

const failure = async (promise: Promise<unknown>): Promise<BulkheadError> => {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (!(error instanceof BulkheadError)) throw new Error(`It ended otherwise: ${String(error)}`);
  return error;
};

describe("retries", () => {
  it("wait as long as they were asked to, at most thrice", async () => {
    for (const status of [503, 429]) {
      const { fs, seen } = await against(later(1, status, { "Retry-After": "1" }));
      const begun = performance.now();
      expect((await fs.stat("/a")).size).toBe(1);
      expect(performance.now() - begun).toBeGreaterThan(950);
      expect(seen).toHaveLength(2);
    }
    const { fs, seen } = await against(later(9, 503, { "Retry-After": "0" }));
    const error = await failure(fs.stat("/a"));
    expect([error.code, error.status, error.fields.retryAfter, error.retryable]).toEqual([
      "unavailable",
      503,
      0,
      true,
    ]);
    expect(seen).toHaveLength(3);
  });

  it("do not happen without Retry-After, for long waits, for other answers, or when switched off", async () => {
    const once = async (
      handler: Handler,
      options: Partial<RemoteFSOptions> = {},
    ): Promise<void> => {
      const { fs, seen } = await against(handler, options);
      await failure(fs.stat("/a"));
      expect(seen).toHaveLength(1);
    };
    await once(later(1, 503, {}));
    await once(later(1, 503, { "Retry-After": "3600" }));
    await once(later(1, 500, { "Retry-After": "0" }));
    await once(later(1, 504, { "Retry-After": "0" }));
    await once(later(1, 503, { "Retry-After": "0" }), { retry: false });
  });

  it("repeat a POST under one Idempotency-Key, and never a PUT, DELETE or PATCH", async () => {
    const handler = later(1, 503, { "Retry-After": "0" });
    const { fs, seen } = await against(handler);
    await fs.appendFile("/a", "x");
    await fs.appendFile("/a", "y");
    const keys = seen.map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toHaveLength(3);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(keys[1]).toBe(keys[0]);
    expect(keys[2]).not.toBe(keys[0]);
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(3);
    }
    for (const call of [
      (it: RemoteFS) => it.writeFile("/a", "x"),
      (it: RemoteFS) => it.rm("/a"),
      (it: RemoteFS) => it.keys.revoke("x"),
      (it: RemoteFS) => it.keys.update("x", {}),
      (it: RemoteFS) => it.tenants.delete("x"),
      (it: RemoteFS) => it.appendFile("/a", stream()),
    ]) {
      const one = await against(handler);
      await failure(call(one.fs));
      expect(one.seen).toHaveLength(1);
    }
    for (const call of [
      (it: RemoteFS) => it.mkdir("/a"),
      (it: RemoteFS) => it.rename("/a", "/b"),
      (it: RemoteFS) => it.cp("/a", "/b"),
    ]) {
      const two = await against(handler);
      await call(two.fs);
      expect(two.seen).toHaveLength(2);
      expect(new Set(two.seen.map(({ headers }) => headers["idempotency-key"])).size).toBe(1);
    }
  });

  it("end with the signal", async () => {
    const { fs } = await against(later(9, 503, { "Retry-After": "15" }));
    const begun = performance.now();
    await expect(fs.stat("/a", { signal: AbortSignal.timeout(100) })).rejects.toThrow(/timeout/i);
    expect(performance.now() - begun).toBeLessThan(5000);
  });
});

describe("what is not Bulkhead's", () => {
  it("is judged by its status; a 404 is not taken for a missing file", async () => {
    const page =
      (status: number): Handler =>
      (_request, response) =>
        void response.writeHead(status, { "Content-Type": "text/html" }).end("<h1>no</h1>");
    for (const [status, code] of [
      [502, "unavailable"],
      [504, "timeout"],
      [413, "too-large"],
      [401, "unauthenticated"],
      [404, "internal"],
    ] as const)
      expect((await failure((await against(page(status))).fs.stat("/a"))).code).toBe(code);
    const { fs } = await against(page(404));
    await failure(fs.exists("/a"));
    await failure(fs.rm("/a", { force: true }));
    expect((await failure((await against(page(200))).fs.stat("/a"))).message).toContain("url");
  });

  it("is no redirect that is followed with a key", async () => {
    const { fs, seen } = await against((_request, response) =>
      response.writeHead(302, { Location: "http://127.0.0.1:1/v1/stat/a" }).end(),
    );
    expect((await failure(fs.stat("/a"))).message).toContain("http://127.0.0.1:1/v1/stat/a");
    expect(seen).toHaveLength(1);
  });

  it("is a code of a newer server, kept as its status means it", async () => {
    const problem = { code: "brand-new", status: 403, detail: "Not on Tuesdays." };
    const { fs } = await against((_request, response) =>
      response
        .writeHead(403, { "Content-Type": "application/problem+json" })
        .end(JSON.stringify(problem)),
    );
    const error = await failure(fs.stat("/a"));
    expect([error.code, error.name, error.message]).toEqual([
      "forbidden",
      "PermissionError",
      "Not on Tuesdays.",
    ]);
  });

  it("is a content that breaks off", async () => {
    const { fs } = await against((_request, response) => {
      response.writeHead(200, { "Content-Length": "1000" });
      response.write("half");
      setTimeout(() => response.destroy(), 20);
    });
    expect(await failure(fs.readFile("/a"))).toBeInstanceOf(UnavailableError);
    const lying = await against(() => undefined, {
      fetch: async () => new Response("half", { headers: { "Content-Length": "9" } }),
    });
    expect((await failure(lying.fs.readFile("/a"))).message).toContain("4 of 9");
  });

  it("is a server that is not there", async () => {
    const fs = new RemoteFS({ url: "http://127.0.0.1:1", apiKey: "k" });
    const error = await failure(fs.stat("/a"));
    expect(error).toBeInstanceOf(UnavailableError);
    expect([error.status, error.retryable]).toEqual([0, true]);
  });
});

describe("requests", () => {
  it("go below the url's own path, with the key", async () => {
    const { url, seen } = await against(later(0, 200, {}));
    const fs = new RemoteFS({ url: `${url}/files/here//`, apiKey: "secret" });
    await fs.stat("/a");
    expect([seen[0]?.url, seen[0]?.headers.authorization]).toEqual([
      "/files/here/v1/stat/a",
      "Bearer secret",
    ]);
  });

  it("declare the size of a stream, and leave the type open where none was given", async () => {
    const { fs, seen } = await against(later(0, 200, {}));
    async function* three(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(3);
    }
    await fs.writeFile("/a", three(), { size: 3 });
    await fs.writeFile("/a", three());
    await fs.writeFile("/a", "text");
    await fs.writeFile("/a", new Blob(["ab"], { type: "x/blob" }));
    await fs.writeFile("/a", new Blob(["ab"], { type: "x/blob" }), { contentType: "x/y" });
    const told = seen.map(({ headers }) => [
      headers["content-length"],
      headers["transfer-encoding"],
      headers["content-type"],
    ]);
    expect(told).toEqual([
      ["3", undefined, undefined],
      [undefined, "chunked", undefined],
      ["4", undefined, undefined],
      ["2", undefined, "x/blob"],
      ["2", undefined, "x/y"],
    ]);
  });
});
