import {
  problemSchema,
  recordPage,
  wireExplanation,
  wireGrant,
  wireRelation,
} from "@bulkhead/wire";
import { memory } from "@bulkhead/backend-memory";
import { z } from "zod";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aliceKey, type World, worldOver } from "./test/world.ts";

let world: World;
beforeEach(async () => {
  world = await worldOver(memory());
});
afterEach(() => world.close());

const members = z.record(z.string(), z.unknown());
interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly body: z.infer<typeof members>;
}
const tell = async (
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Told> => {
  const answer = await world.fetch(path, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
    headers,
  });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    body: text === "" ? {} : members.parse(JSON.parse(text)),
  };
};
const post = (path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Told> =>
  tell("POST", path, body, headers);
const asked = (call: string): unknown[] =>
  world.relations.asked.filter(([name]) => name === call).map(([, ...input]) => input);
const key = (value: string): Record<string, string> => ({ "Idempotency-Key": value });

const grant = { subject: "user:bob", relation: "viewer", object: "file:/workspace/acme/x" };

describe("relations", () => {
  it("are granted, listed and revoked", async () => {
    const made = await post("/v1/relations", {
      ...grant,
      subjectTenant: "beta",
      tenant: "acme",
      model: "docs",
      condition: { name: "soon", context: { now: 1 } },
      expiresAt: "2030-01-01T00:00:00+01:00",
    });
    expect([made.status, made.headers.get("location")]).toEqual([201, "/v1/relations/rel0"]);
    expect(wireGrant.parse(made.body)).toEqual({
      id: "rel0",
      tenant: "acme",
      subjectTenant: "beta",
      model: "docs",
      ...grant,
      createdAt: "2023-11-14T22:13:20.000Z",
      createdBy: "alice",
      expiresAt: "2029-12-31T23:00:00.000Z",
      condition: { name: "soon", context: { now: 1 } },
      revision: "r1",
    });
    await post("/v1/relations", grant);
    expect(asked("grant")[1]).toEqual([grant]);
    const filters = "tenant=acme&subject=user%3Abob&relation=viewer&object=o&model=m&crossing=true";
    const page = await tell("GET", `/v1/relations?limit=1&${filters}`);
    const { revision: _, ...record } = made.body;
    expect(recordPage(wireRelation).parse(page.body).items).toEqual([record]);
    expect(page.body["items"]).not.toMatchObject([{ revision: "r1" }]);
    expect(asked("list")).toEqual([
      [
        {
          limit: 1,
          tenant: "acme",
          subject: "user:bob",
          relation: "viewer",
          object: "o",
          model: "m",
          crossing: true,
        },
      ],
    ]);
    const next = String(page.body["next"]);
    const more = await tell("GET", `/v1/relations?${filters}&after=${next}`);
    expect(more.body).toMatchObject({ items: [{ id: "rel1" }], next: null });
    expect((await tell("GET", `/v1/relations?after=${next}`)).status).toBe(400);
    expect((await tell("GET", "/v1/relations?crossing=yes")).status).toBe(400);
    await tell("GET", "/v1/relations?crossing=false");
    expect(asked("list").at(-1)).toEqual([{}]);
    const gone = await tell("DELETE", "/v1/relations/rel0");
    expect(gone).toMatchObject({ status: 200, body: { id: "rel0", revision: "r2" } });
    expect((await tell("DELETE", "/v1/relations/rel0")).status).toBe(404);
    expect((await tell("DELETE", "/v1/relations/%zz")).status).toBe(400);
  });

  it("are asked about", async () => {
    const question = {
      subject: "user:bob",
      permission: "can_read",
      object: "file:/workspace/acme",
    };
    const contextual = [{ subject: "user:bob", relation: "viewer", object: "doc:1" }];
    const full = { ...question, revision: "r", model: "m", contextual, context: { now: [1] } };
    expect((await post("/v1/check", full)).body).toEqual({ allowed: true, revision: "r1" });
    expect(asked("check")).toEqual([[full]]);
    expect((await post("/v1/check", { ...question, permission: "deep" })).body).toEqual({
      allowed: false,
      reason: "indeterminate",
      revision: "r1",
    });
    const checks = [question, { ...question, permission: "can_write" }];
    expect((await post("/v1/check/batch", { checks })).body).toEqual({
      results: [
        { allowed: true, revision: "r1" },
        { allowed: false, revision: "r1" },
      ],
    });
    const tree = await post("/v1/expand", { relation: "viewer", object: "file:/a" });
    expect(tree.body).toMatchObject({ tree: { kind: "union", name: "file:/a#viewer" } });
    const explained = await post("/v1/explain", { operation: "copy", path: "/a", to: "/b" });
    expect(wireExplanation.parse(explained.body)).toEqual({
      decision: "denied",
      code: "forbidden",
      subject: "service:alice-key@acme",
      tenantStatus: null,
      steps: [
        { step: "path", outcome: "allowed", detail: "It is one.", facts: {} },
        { step: "relations", outcome: "denied", detail: "No.", facts: { misses: ["viewer"] } },
      ],
    });
    expect(asked("explain")).toEqual([[{ operation: "copy", path: "/a", to: "/b" }]]);
  });

  it("refuse what is no question, before anything is asked", async () => {
    const question = { subject: "user:a", permission: "p", object: "file:/" };
    const rows: [string, unknown][] = [
      ["/v1/relations", { ...grant, subject: "" }],
      ["/v1/relations", { ...grant, object: "x".repeat(3000) }],
      ["/v1/relations", { ...grant, expiresAt: "soon" }],
      ["/v1/relations", { ...grant, expires: "2030-01-01T00:00:00Z" }],
      ["/v1/check", { subject: "user:a", object: "file:/" }],
      ["/v1/check/batch", { checks: [] }],
      ["/v1/check/batch", { checks: Array(1001).fill(question) }],
      ["/v1/expand", { object: "file:/" }],
      ["/v1/list-objects", { subject: "user:a", permission: "can_read", limit: 1001 }],
      ["/v1/explain", { operation: "append", path: "/" }],
      ["/v1/shares", { path: "/a" }],
      ["/v1/shares", { path: "/a", tenant: "b", link: true }],
      ["/v1/shares", { path: "/a", link: false }],
      ["/v1/shares", { path: "/a", tenant: "b", password: "x" }],
      ["/v1/shares", { path: "/a", tenant: "b", expiresInDays: 0 }],
      [
        "/v1/shares",
        { path: "/a", tenant: "b", expiresInDays: 1, expiresAt: "2030-01-01T00:00:00Z" },
      ],
      ["/v1/tenants/t/users", { id: "a", type: "group" }],
      ["/v1/tenants/t/users", { id: "a", role: "king" }],
      ["/v1/tenants/t/groups", { id: "" }],
      ["/v1/models", { name: "m" }],
    ];
    for (const [path, body] of rows) {
      const answer = await post(path, body);
      expect([path, body, answer.status]).toEqual([path, body, 400]);
      expect(problemSchema.parse(answer.body).code).toBe("invalid-request");
    }
    expect(world.relations.asked).toEqual([]);
  });

  it("list objects and subjects by pages that belong to the question", async () => {
    const question = {
      subject: "user:bob",
      permission: "can_read",
      type: "file",
      context: { now: 1 },
    };
    const first = await post("/v1/list-objects", { ...question, limit: 2 });
    expect(first.body).toMatchObject({ items: ["file:/a", "file:/b"] });
    const after = first.body["next"];
    expect((await post("/v1/list-objects", { ...question, after })).body).toEqual({
      items: ["file:/c"],
      next: null,
    });
    expect(asked("listObjects").at(-1)).toEqual([{ ...question, after: "2" }]);
    const other = { ...question, permission: "can_write", after };
    expect((await post("/v1/list-objects", other)).status).toBe(400);
    expect(
      (await post("/v1/list-objects", { ...question, after }, { "Bulkhead-As": "user:eve" }))
        .status,
    ).toBe(400);
    const subjects = { permission: "can_read", object: "file:/a", context: { now: 1 } };
    expect((await post("/v1/list-subjects", { ...subjects, after })).status).toBe(400);
    expect((await post("/v1/list-subjects", { ...subjects, limit: 1 })).body).toEqual({
      items: ["user:alice"],
      next: expect.stringContaining("."),
    });
  });
});

describe("users and groups", () => {
  it("have ids that travel escaped", async () => {
    const id = "alice+a@acme.com";
    const made = await post("/v1/tenants/acme/users", { id, type: "agent", email: "a@b.c" });
    expect(made).toMatchObject({ status: 201, body: { id, type: "agent", role: "member" } });
    const place = made.headers.get("location") ?? "";
    expect(place).toBe("/v1/tenants/acme/users/alice%2Ba%40acme.com?type=agent");
    expect((await tell("GET", place)).body).toMatchObject({ id, status: "active" });
    expect((await tell("GET", `/v1/tenants/acme/users/${id}`)).status).toBe(200);
    expect(asked("user")).toEqual([
      ["acme", id, "agent"],
      ["acme", id, undefined],
    ]);
    const patch = { role: "admin", email: null, status: "suspended" };
    expect((await tell("PATCH", place, patch)).body).toMatchObject({ role: "admin" });
    expect(asked("patch")).toEqual([["acme", id, patch, "agent"]]);
    expect((await tell("PATCH", place, { id: "x" })).status).toBe(400);
    expect((await tell("GET", "/v1/tenants/acme/users?type=agent")).body).toMatchObject({
      items: [{ id }],
      next: null,
    });
    expect(asked("users")).toEqual([["acme", { type: "agent" }]]);
    expect((await tell("GET", "/v1/tenants/acme/users?type=group")).status).toBe(400);
    expect((await tell("DELETE", place)).status).toBe(204);
    expect((await tell("DELETE", place)).status).toBe(404);
    const long = encodeURIComponent("ü".repeat(127));
    await tell("GET", `/v1/tenants/acme/users/${long}`);
    expect(asked("user").at(-1)).toEqual(["acme", "ü".repeat(127), undefined]);
  });

  it("are listed by pages of their own tenant", async () => {
    for (const id of ["a", "b"]) {
      await post("/v1/tenants/acme/users", { id });
      expect((await post("/v1/tenants/acme/groups", { id })).status).toBe(201);
    }
    for (const what of ["users", "groups"]) {
      const { next } = (await tell("GET", `/v1/tenants/acme/${what}?limit=1`)).body;
      const rest = await tell("GET", `/v1/tenants/acme/${what}?after=${String(next)}`);
      expect(rest.body).toMatchObject({ items: [{ id: "b" }], next: null });
      const other = await tell("GET", `/v1/tenants/beta/${what}?after=${String(next)}`);
      expect(other.status).toBe(400);
    }
    expect((await tell("DELETE", "/v1/tenants/acme/groups/a")).status).toBe(204);
    expect((await tell("DELETE", "/v1/tenants/acme/groups/a")).status).toBe(404);
  });
});

describe("models", () => {
  it("are put, shown and removed", async () => {
    const model = { name: "docs", source: "model\n  schema 1.1\n", tenant: "acme" };
    expect(await post("/v1/models", model)).toMatchObject({ status: 201, body: model });
    expect((await post("/v1/models", model)).status).toBe(200);
    expect((await tell("GET", "/v1/models?tenant=acme")).body).toMatchObject({ items: [model] });
    expect((await tell("GET", "/v1/models/d%6Fcs?tenant=acme")).body).toMatchObject(model);
    expect(asked("model")).toEqual([["docs", "acme"]]);
    expect((await tell("DELETE", "/v1/models/docs")).status).toBe(204);
    expect(asked("remove model")).toEqual([["docs", undefined]]);
    expect((await tell("GET", "/v1/models/docs")).status).toBe(404);
  });
});

describe("shares", () => {
  it("are made with one target, and end by days counted from the server's clock", async () => {
    const made = await post("/v1/shares", {
      path: "/a",
      tenant: "beta",
      permission: "can_write",
      expiresInDays: 7,
    });
    expect(made).toMatchObject({
      status: 201,
      body: { id: "share0", targetTenant: "beta", permission: "can_write", status: "active" },
    });
    expect(made.body).not.toHaveProperty("url");
    const inAWeek = Date.now() + 7 * 86_400_000;
    const left = Math.abs(Date.parse(String(made.body["expiresAt"])) - inAWeek);
    expect(left).toBeLessThan(60_000);
    await post("/v1/shares", {
      path: "/b",
      subject: "user:bob",
      expiresAt: "2030-01-01T00:00:00Z",
    });
    expect(asked("share")[1]).toEqual([
      { path: "/b", subject: "user:bob", expiresAt: Date.UTC(2030, 0) },
    ]);
    const page = await tell("GET", "/v1/shares?tenant=beta&status=active&limit=1");
    expect(page.body).toMatchObject({ items: [{ id: "share0" }] });
    expect(asked("shares")).toEqual([[{ limit: 1, tenant: "beta", status: "active" }]]);
    expect((await tell("GET", "/v1/shares?status=dead")).status).toBe(400);
    expect((await tell("DELETE", "/v1/shares/share0")).status).toBe(204);
    expect((await tell("DELETE", "/v1/shares/share0")).status).toBe(404);
  });

  const password = { "Bulkhead-Link-Password": "geheim %C3%BC" };
  const open = (method: string, headers: Record<string, string> = password): Promise<Response> =>
    fetch(`${world.url}/v1/links/tok`, { method, headers });

  it("by link open without a key, and are used by content alone", async () => {
    await world.fetch("/v1/files/shared.txt", {
      method: "PUT",
      body: "0123456789",
      headers: { "Content-Type": "text/html" },
    });
    const whole = await open("GET");
    expect([whole.status, await whole.text()]).toEqual([200, "0123456789"]);
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      "cache-control": "private, no-store",
      "content-disposition": "attachment; filename*=UTF-8''shared.txt",
      "content-security-policy": "sandbox; default-src 'none'",
      "content-type": "text/html",
      "x-content-type-options": "nosniff",
      "accept-ranges": "bytes",
    });
    const etag = whole.headers.get("etag") ?? "";
    expect(world.relations.used()).toBe(1);
    const part = await open("GET", { ...password, Range: "bytes=2-4" });
    expect([part.status, await part.text()]).toEqual([206, "234"]);
    expect(part.headers.get("content-range")).toBe("bytes 2-4/10");
    expect(world.relations.used()).toBe(2);
    const kept = await open("GET", { ...password, "If-Range": '"other"', Range: "bytes=2-4" });
    expect([kept.status, await kept.text()]).toEqual([200, "0123456789"]);
    expect(world.relations.used()).toBe(3);
    expect(world.seen.credentials).toHaveLength(1);

    const head = await open("HEAD");
    expect([head.status, head.headers.get("content-length")]).toEqual([200, "10"]);
    expect((await open("GET", { ...password, "If-None-Match": etag })).status).toBe(304);
    expect((await open("HEAD", { ...password, "If-None-Match": etag })).status).toBe(304);
    expect((await open("GET", { ...password, "If-Match": '"other"' })).status).toBe(412);
    expect((await open("POST")).status).toBe(405);
    expect(world.relations.used()).toBe(3);
  });

  it("by link tell who visits, and the password whatever its characters", async () => {
    await world.fetch("/v1/files/shared.txt", { method: "PUT", body: "x" });
    expect((await open("GET", {})).status).toBe(403);
    expect((await open("GET", { "Bulkhead-Link-Password": "%zz" })).status).toBe(400);
    expect((await open("GET", { ...password, "X-Request-Id": "req-7" })).status).toBe(200);
    expect(world.relations.visits.at(-1)).toMatchObject({
      token: "tok",
      password: "geheim ü",
      address: "127.0.0.1",
      front: "http",
      requestId: "req-7",
    });
    const other = await fetch(`${world.url}/v1/links/none`, { headers: password });
    expect(other.status).toBe(404);
  });
});

describe("acting for somebody", () => {
  it("is told as it was sent, and read only after the key", async () => {
    const headers = { "Bulkhead-As": "user:al%C3%BC@acme", "Bulkhead-Namespace": "tenant:acme" };
    expect((await tell("GET", "/v1/whoami", undefined, headers)).status).toBe(200);
    expect(world.seen.credentials.at(-1)).toMatchObject({
      key: aliceKey,
      as: "user:alü@acme",
      namespace: "tenant:acme",
    });
    for (const [authorization, status] of [
      ["Bearer wrong", 401],
      [`Bearer ${aliceKey}`, 400],
    ] as const)
      expect(
        (await tell("GET", "/v1/whoami", undefined, { authorization, "Bulkhead-As": "%zz" }))
          .status,
      ).toBe(status);
  });

  it("never gets the answer of another subject", async () => {
    const as = (subject: string) => ({ ...key("k"), "Bulkhead-As": subject });
    expect((await post("/v1/relations", grant, as("user:a"))).status).toBe(201);
    expect((await post("/v1/relations", grant, as("user:a"))).body["id"]).toBe("rel0");
    expect((await post("/v1/relations", grant, as("user:b"))).status).toBe(422);
    expect((await post("/v1/relations", grant, key("k"))).status).toBe(422);
  });
});

describe("Idempotency-Key", () => {
  it("is taken by every POST, and keeps no link", async () => {
    const bodies: [string, unknown][] = [
      ["/v1/relations", grant],
      ["/v1/check", { subject: "user:a", permission: "can_read", object: "file:/" }],
      ["/v1/list-objects", { subject: "user:a", permission: "can_read" }],
      ["/v1/explain", { operation: "read", path: "/" }],
      ["/v1/models", { name: "m", source: "s" }],
      ["/v1/tenants/acme/users", { id: "a" }],
      ["/v1/tenants/acme/groups", { id: "g" }],
      ["/v1/shares", { path: "/a", tenant: "beta" }],
    ];
    for (const [path, body] of bodies) {
      const first = await post(path, body, key("k"));
      const second = await post(path, body, key("k"));
      expect([path, second.status, second.body]).toEqual([path, first.status, first.body]);
      expect(second.headers.get("idempotency-replayed")).toBe("true");
    }
    const link = { path: "/a", link: true, maxUses: 3, password: "p" };
    expect((await post("/v1/shares", link, key("l"))).body["url"]).toBe("/v1/links/tok");
    expect((await post("/v1/shares", link, key("l"))).body).toMatchObject({
      url: null,
      replayed: true,
      maxUses: 3,
    });
    expect(JSON.stringify([...world.seen.claims])).not.toContain("/v1/links/");
  });

  it("renders again what committed without an answer", async () => {
    const rows: [string, unknown, number, object][] = [
      ["/v1/relations", grant, 201, { subject: "user:bob", revision: "r1" }],
      ["/v1/models", { name: "m", source: "s" }, 201, { name: "m" }],
      ["/v1/tenants/acme/users", { id: "a", type: "service" }, 201, { id: "a" }],
      ["/v1/tenants/acme/groups", { id: "g1" }, 201, { id: "g1" }],
      ["/v1/tenants/acme/groups", { id: "g2" }, 201, { id: "g2", tenant: "acme" }],
      ["/v1/shares", { path: "/a", link: true }, 409, { code: "conflict", retryable: false }],
    ];
    for (const [index, [path, body]] of rows.entries())
      expect((await post(path, body, key(`k${index}`))).status).toBe(201);
    for (const row of world.seen.claims.values()) row.state = "committed";
    for (const [index, [path, body, status, told]] of rows.entries())
      expect(await post(path, body, key(`k${index}`))).toMatchObject({ status, body: told });
    expect(asked("user")).toEqual([["acme", "a", "service"]]);
    expect(asked("share")).toHaveLength(1);
  });
});
