import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type TestServer } from "../support/start-server.ts";

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly of: (name: string) => string;
}

describe("a key that is cut down, or administers a part", () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
    for (const id of ["acme", "beta"]) await ask(server.platformKey, "POST", "/v1/tenants", { id });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const ask = async (
    key: string,
    method: string,
    path: string,
    json?: object,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> => {
    const response = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(json !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    });
    const body = await response.text();
    const of = (name: string): string => {
      const value: unknown = JSON.parse(body);
      return typeof value === "object" && value !== null ? String(Reflect.get(value, name)) : "";
    };
    return { status: response.status, body, of };
  };
  const mint = async (more: object): Promise<{ readonly id: string; readonly key: string }> => {
    const answer = await ask(server.platformKey, "POST", "/v1/keys", {
      name: "k",
      workspacePrefix: "/workspace/acme",
      scopes: ["read", "write", "admin"],
      ...more,
    });
    return { id: answer.of("id"), key: answer.of("key") };
  };
  const soon = (): string => new Date(Date.now() + 60_000).toISOString();

  it("is not given its earlier answers again once its tenant is suspended or it may no longer read", async () => {
    const { id, key } = await mint({});
    await ask(key, "PUT", "/v1/files/secret.txt", { line: "a secret" });
    const search = (): Promise<Answer> =>
      ask(key, "POST", "/v1/grep", { pattern: "secret" }, { "idempotency-key": "once" });
    const first = await search();
    expect([first.status, first.body.includes("a secret")]).toEqual([200, true]);
    expect(JSON.parse((await search()).body)).toEqual(JSON.parse(first.body));

    await ask(server.platformKey, "POST", "/v1/tenants/acme/suspend", {});
    const suspended = await search();
    expect([suspended.status, suspended.of("code")]).toEqual([403, "tenant-suspended"]);
    await ask(server.platformKey, "POST", "/v1/tenants/acme/reactivate", {});
    expect(JSON.parse((await search()).body)).toEqual(JSON.parse(first.body));

    await ask(server.platformKey, "PATCH", `/v1/keys/${id}`, { scopes: ["write"] });
    const narrowed = await search();
    expect([narrowed.status, narrowed.body.includes("a secret")]).toEqual([422, false]);
  });

  it("gets nothing by rotating keys that live longer than itself", async () => {
    const lasting = await mint({});
    const brief = await mint({ expiresAt: soon() });
    const rotated = await ask(brief.key, "POST", `/v1/keys/${lasting.id}/rotate`, {});
    expect([rotated.status, rotated.of("code")]).toEqual([403, "forbidden"]);
    expect((await ask(lasting.key, "GET", "/v1/whoami")).status).toBe(200);

    const child = await ask(lasting.key, "POST", "/v1/keys", {
      name: "child",
      workspacePrefix: "/workspace/acme",
      scopes: ["read", "write", "admin"],
    });
    expect((await ask(child.of("key"), "POST", `/v1/keys/${lasting.id}/rotate`, {})).status).toBe(
      403,
    );
    const successor = await ask(lasting.key, "POST", `/v1/keys/${child.of("id")}/rotate`, {});
    expect(successor.status).toBe(201);
    await ask(server.platformKey, "DELETE", `/v1/keys/${lasting.id}`);
    expect((await ask(successor.of("key"), "GET", "/v1/whoami")).status).toBe(401);
  });

  it("rotates itself", async () => {
    const { id, key } = await mint({ expiresAt: soon() });
    const successor = await ask(key, "POST", `/v1/keys/${id}/rotate`, {});
    expect([successor.status, successor.of("expiresAt") === "null"]).toEqual([201, false]);
    expect((await ask(successor.of("key"), "GET", "/v1/whoami")).status).toBe(200);
    expect((await ask(key, "GET", "/v1/whoami")).status).toBe(401);
  });

  it("sees and sets nothing of the whole tenant when it administers a part", async () => {
    const { key } = await mint({ workspacePrefix: "/workspace/acme/team" });
    expect((await ask(key, "GET", "/v1/audit")).of("code")).toBe("forbidden");
    const settings = { allowPublicSharing: false };
    expect((await ask(key, "PATCH", "/v1/tenants/acme", { settings })).of("code")).toBe(
      "forbidden",
    );
    const whole = await mint({});
    expect((await ask(whole.key, "GET", "/v1/audit")).status).toBe(200);
    expect((await ask(whole.key, "PATCH", "/v1/tenants/acme", { settings })).status).toBe(200);
    const narrowed = { "bulkhead-workspace-prefix": "/workspace/acme/team" };
    expect((await ask(whole.key, "GET", "/v1/audit", undefined, narrowed)).status).toBe(403);
  });

  it("cannot make every request pay for a subject without end, or for scopes without end", async () => {
    const { key } = await mint({});
    const by = (subject: string): Promise<Answer> =>
      ask(key, "POST", "/v1/keys", { name: "k", subject: { type: "user", id: subject } });
    for (const id of ["x".repeat(256), "a b", "a:b", "a/b", "a#b", "a\u0000b", "a\ud800b"])
      expect((await by(id)).of("code")).toBe("invalid-request");
    expect((await by("alice@acme.com")).status).toBe(201);
    const many = await ask(key, "POST", "/v1/keys", {
      name: "k",
      workspacePrefix: "/workspace/acme",
      scopes: Array.from({ length: 1000 }, () => "read"),
    });
    expect(JSON.parse(many.body)).toMatchObject({ scopes: ["read"] });
  });

  it("is told of a text that cannot be stored, and no failure of the server", async () => {
    const { key } = await mint({});
    const cases: readonly (readonly [string, string, object?])[] = [
      ["POST", "/v1/keys", { name: "a\u0000b", workspacePrefix: "/workspace/acme" }],
      ["PATCH", "/v1/tenants/acme", { name: "a\u0000b" }],
      ["GET", "/v1/audit?actor=%00"],
      ["GET", "/v1/audit?action=%00"],
    ];
    for (const [method, path, json] of cases) {
      const answer = await ask(key, method, path, json);
      expect([path, answer.status, answer.of("code")]).toEqual([path, 400, "invalid-request"]);
    }
    for (const path of ["/v1/tenants?status=%00", "/v1/keys?tenant=%00"])
      expect((await ask(server.platformKey, "GET", path)).status).toBe(400);
  });
});
