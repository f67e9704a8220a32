import { grepAnswer, listPage, problemSchema } from "@bulkhead/wire";
import { z } from "zod";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memory } from "@bulkhead/backend-memory";
import { bobKey, type World, worldOver } from "./test/world.ts";

let world: World;
beforeEach(async () => {
  world = await worldOver(memory());
});
afterEach(() => world.close());

const members = z.record(z.string(), z.unknown());
type Json = z.infer<typeof members>;
interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
}

const tell = async (
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Told> => {
  const answer = await world.fetch(path, {
    method,
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
    headers: { "Content-Type": "application/json", ...headers },
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
const put = (path: string, body = "x"): Promise<Response> =>
  world.fetch(`/v1/files${path}`, { method: "PUT", body });

describe("JSON", () => {
  it("is checked before anything happens", async () => {
    const rows: [unknown, Record<string, string>, number, RegExp][] = [
      [{ path: "/d", parent: true }, {}, 400, /parent/],
      [{ path: 1 }, {}, 400, /'path'/],
      [{}, {}, 400, /'path'/],
      ["", {}, 400, /'path'/],
      ["[]", {}, 400, /object/],
      ["{", {}, 400, /JSON/],
      [`{"path":"/d","x":${"[".repeat(100)}${"]".repeat(100)}}`, {}, 400, /nests/],
      [{ path: "d" }, {}, 400, /starts with/],
      [{ path: "/a/../d" }, {}, 400, /\.\./],
      [{ path: "/d", x: "x".repeat(1_100_000) }, {}, 413, /bytes/],
    ];
    for (const [body, headers, status, detail] of rows) {
      const answer = await post("/v1/mkdir", body, headers);
      expect([body, answer.status]).toEqual([body, status]);
      expect(problemSchema.parse(answer.body).detail).toMatch(detail);
    }
    const latin = await world.fetch("/v1/mkdir", {
      method: "POST",
      body: new Uint8Array([0x22, 0xff, 0x22]),
    });
    expect(latin.status).toBe(400);
    expect((await tell("GET", "/v1/list/")).body).toEqual({ entries: [], next: null });
    expect(
      (
        await post(
          "/v1/mkdir",
          { path: "/d" },
          { "Content-Type": "application/x-www-form-urlencoded" },
        )
      ).status,
    ).toBe(201);
  });
});

describe("file operations", () => {
  it("make directories", async () => {
    expect((await post("/v1/mkdir", { path: "/a/b" })).status).toBe(404);
    const made = await post("/v1/mkdir", { path: "/a/b", parents: true });
    expect(made).toMatchObject({
      status: 201,
      body: { path: "/a/b", kind: "directory", etag: null, metadata: {} },
    });
    expect((await post("/v1/mkdir", { path: "/a/b" })).body).toMatchObject({
      code: "already-exists",
      status: 409,
    });
    expect((await post("/v1/mkdir", { path: "/a/b", existOk: true })).status).toBe(201);
  });

  it("copy and move, under conditions", async () => {
    await put("/a", "one");
    await put("/b", "two");
    expect((await post("/v1/copy", { from: "/a", to: "/c" })).body).toMatchObject({
      path: "/c",
      size: 3,
    });
    expect((await post("/v1/copy", { from: "/a", to: "/b" })).body).toMatchObject({
      code: "already-exists",
    });
    expect((await post("/v1/copy", { from: "/a", to: "/b", mode: "overwrite" })).status).toBe(200);
    expect(await (await world.fetch("/v1/files/b")).text()).toBe("one");
    const stale = await post("/v1/move", { from: "/a", to: "/d", ifMatch: "x" });
    expect(stale).toMatchObject({ status: 412, body: { code: "precondition-failed" } });
    const { etag } = (await tell("GET", "/v1/stat/a")).body;
    expect(stale.body["etag"]).toBe(etag);
    expect((await post("/v1/move", { from: "/a", to: "/d", ifMatch: etag })).status).toBe(201);
    expect((await tell("GET", "/v1/stat/a")).status).toBe(404);
    expect((await post("/v1/move", { from: "/d", to: "/c", mode: { ifMatch: "x" } })).status).toBe(
      412,
    );
    expect((await post("/v1/move", { from: "/d", to: "/c", mode: "overwrite" })).status).toBe(200);
  });

  it("append", async () => {
    for (const [text, size] of [
      ["a", 1],
      ["bc", 3],
    ] as const) {
      const answer = await post("/v1/append/log/x.txt", text, { "Content-Type": "text/plain" });
      expect(answer).toMatchObject({
        status: 200,
        body: { path: "/log/x.txt", size, contentType: "text/plain" },
      });
      expect(answer.headers.get("etag")).toBe(`"${String(answer.body["etag"])}"`);
    }
    expect(await (await world.fetch("/v1/files/log/x.txt")).text()).toBe("abc");
  });

  it("find", async () => {
    for (const name of ["/s/a.txt", "/s/b.md", "/s/t/c.txt"])
      await put(name, `first\nneedle ${name}\nNeedle`);
    expect((await post("/v1/glob", { pattern: "**/*.txt", path: "/s" })).body).toEqual({
      paths: ["/s/a.txt", "/s/t/c.txt"],
      truncated: false,
    });
    expect((await post("/v1/glob", { pattern: "s/**/*.txt", limit: 1 })).body).toEqual({
      paths: ["/s/a.txt"],
      truncated: true,
    });
    expect(
      (await post("/v1/grep", { pattern: "^needle", path: "/s", include: "*.txt" })).body,
    ).toEqual({
      matches: [
        { path: "/s/a.txt", line: 2, text: "needle /s/a.txt" },
        { path: "/s/t/c.txt", line: 2, text: "needle /s/t/c.txt" },
      ],
      truncated: false,
    });
    const few = await post("/v1/grep", { pattern: "needle", ignoreCase: true, limit: 3 });
    expect([grepAnswer.parse(few.body).matches.length, few.body["truncated"]]).toEqual([3, true]);
    expect((await post("/v1/grep", { pattern: "(" })).body).toMatchObject({
      code: "invalid-request",
    });
  });
});

describe("lists", () => {
  it("turn their pages by tokens that nobody else can use", async () => {
    for (const name of ["a", "b", "c/x", "d", "é"])
      await put(`/l/${encodeURIComponent(name).replace("%2F", "/")}`);
    const pages = async (query: string): Promise<string[]> => {
      const names: string[] = [];
      let path: string | null = `/v1/list/l?limit=2&${query}`;
      while (path !== null) {
        const page: Told = await tell("GET", path);
        names.push(...listPage.parse(page.body).entries.map((entry) => entry.path));
        const link: string | null = page.headers.get("link");
        expect(link === null).toBe(page.body["next"] === null);
        path = link === null ? null : (/^<([^>]*)>; rel="next"$/.exec(link)?.[1] ?? "no link");
        if (path !== null) expect(path).toContain(`after=${String(page.body["next"])}`);
      }
      return names;
    };
    expect(await pages("")).toEqual(["/l/a", "/l/b", "/l/c", "/l/d", "/l/é"]);
    expect(await pages("recursive=true")).toEqual([
      "/l/a",
      "/l/b",
      "/l/c",
      "/l/c/x",
      "/l/d",
      "/l/é",
    ]);

    const next = String((await tell("GET", "/v1/list/l?limit=2")).body["next"]);
    const status = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
      (await tell("GET", path, undefined, headers)).status;
    expect(await status(`/v1/list/l?after=${next}`)).toBe(200);
    expect(await status(`/v1/list/l?after=${next}&limit=3&recursive=true`)).toBe(400);
    expect(await status(`/v1/list/?after=${next}`)).toBe(400);
    expect(await status(`/v1/keys?after=${next}`)).toBe(400);
    expect(await status(`/v1/list/l?after=${next}`, { Authorization: `Bearer ${bobKey}` })).toBe(
      400,
    );
    expect(
      await status(`/v1/list/l?after=${next}`, {
        "Bulkhead-Workspace-Prefix": "/workspace/acme/x",
      }),
    ).toBe(400);
    for (let i = 0; i < next.length; i++) {
      const changed = `${next.slice(0, i)}${next[i] === "A" ? "B" : "A"}${next.slice(i + 1)}`;
      expect([i, await status(`/v1/list/l?after=${changed}`)]).toEqual([i, 400]);
    }
    for (const query of [
      "after=",
      "after=a",
      "limit=0",
      "limit=1001",
      "limit=x",
      "limit=1&limit=2",
      "recursive=1",
    ])
      expect([query, await status(`/v1/list/l?${query}`)]).toEqual([query, 400]);
    expect(await status("/v1/list/l?unknown=1")).toBe(200);
  });

  it("accept a cursor that an older key signed", async () => {
    for (const name of ["a", "b"]) await put(`/${name}`);
    const next = String((await tell("GET", "/v1/list/?limit=1")).body["next"]);
    const older = Buffer.alloc(32, 1);
    const newer = Buffer.alloc(32, 2);
    for (const [cursorKeys, status] of [
      [[newer, older], 200],
      [[newer], 400],
    ] as const) {
      const other = await worldOver(memory(), { cursorKeys });
      expect((await other.fetch(`/v1/list/?after=${next}`)).status).toBe(status);
      await other.close();
    }
    await expect(worldOver(memory(), { cursorKeys: [] })).rejects.toThrow(RangeError);
  });
});

describe("Idempotency-Key", () => {
  const key = (value: string): Record<string, string> => ({ "Idempotency-Key": value });

  it("gives the first answer again, without its secret, and mints once", async () => {
    const first = await post("/v1/keys", { name: "n" }, key("k"));
    const second = await post("/v1/keys", { name: "n" }, key("k"));
    expect(first).toMatchObject({ status: 201, body: { key: "bhk_key0_secret" } });
    expect(first.body).not.toHaveProperty("replayed");
    expect(second).toMatchObject({ status: 201, body: { id: "key0", key: null, replayed: true } });
    expect(second.headers.get("idempotency-replayed")).toBe("true");
    expect(first.headers.get("idempotency-replayed")).toBeNull();
    expect(world.seen.minted).toEqual(["n"]);
    expect(JSON.stringify([...world.seen.claims])).not.toContain("secret");
  });

  it("is refused for another request and while one runs, and free again after a failure", async () => {
    await post("/v1/mkdir", { path: "/a" }, key("k"));
    expect(await post("/v1/mkdir", { path: "/b" }, key("k"))).toMatchObject({
      status: 422,
      body: { code: "idempotency-mismatch" },
    });
    expect(
      (
        await post(
          "/v1/mkdir",
          { path: "/a" },
          { ...key("k"), "Bulkhead-Workspace-Prefix": "/workspace/acme/x" },
        )
      ).status,
    ).toBe(422);
    expect(
      (await post("/v1/mkdir", { path: "/a" }, { ...key("k"), Authorization: `Bearer ${bobKey}` }))
        .status,
    ).toBe(409);
    expect((await post("/v1/mkdir", { path: "/a" }, key("k"))).status).toBe(201);
    for (const row of world.seen.claims.values()) row.state = "new";
    const running = await post("/v1/mkdir", { path: "/a" }, key("k"));
    expect(running).toMatchObject({
      status: 409,
      body: { code: "idempotency-in-flight", retryable: true },
    });
    expect(running.headers.get("retry-after")).toBe("1");
    expect((await post("/v1/mkdir", { path: "/p/q" }, key("f"))).status).toBe(404);
    await post("/v1/mkdir", { path: "/p" });
    expect((await post("/v1/mkdir", { path: "/p/q" }, key("f"))).status).toBe(201);
    expect((await post("/v1/keys", { name: "refused" }, key("r"))).status).toBe(403);
    expect((await post("/v1/keys", { name: "now" }, key("r"))).status).toBe(201);
    expect((await post("/v1/mkdir", { path: "/z" }, key("with space"))).status).toBe(400);
    expect((await tell("GET", "/v1/stat/z")).status).toBe(404);
  });

  it("renders again what committed without an answer", async () => {
    await post("/v1/mkdir", { path: "/a" }, key("k"));
    await put("/f", "x");
    await post("/v1/move", { from: "/f", to: "/g" }, key("m"));
    await post("/v1/tenants", { id: "t1" }, key("t"));
    await post("/v1/tenants/t1/suspend", { reason: "r" }, key("s"));
    await post("/v1/keys", { name: "n" }, key("n"));
    for (const row of world.seen.claims.values()) row.state = "committed";
    expect(await post("/v1/mkdir", { path: "/a" }, key("k"))).toMatchObject({
      status: 201,
      body: { path: "/a" },
    });
    expect(await post("/v1/move", { from: "/f", to: "/g" }, key("m"))).toMatchObject({
      status: 201,
      body: { path: "/g" },
    });
    expect(await post("/v1/tenants", { id: "t1" }, key("t"))).toMatchObject({
      status: 201,
      body: { id: "t1" },
    });
    expect(await post("/v1/tenants/t1/suspend", { reason: "r" }, key("s"))).toMatchObject({
      status: 200,
      body: { status: "suspended" },
    });
    expect(await post("/v1/keys", { name: "n" }, key("n"))).toMatchObject({
      status: 409,
      body: { code: "conflict", retryable: false },
    });
    expect(world.seen.minted).toEqual(["n"]);
    // Now it has an answer.
    expect([...world.seen.claims.values()].filter((row) => row.state === "answered").length).toBe(
      4,
    );
  });

  it("counts an append once, and knows its body", async () => {
    const append = (body: string, path = "/log"): Promise<Told> =>
      post(`/v1/append${path}`, body, { ...key("k"), "Content-Type": "text/plain" });
    expect(await append("abc")).toMatchObject({ status: 200, body: { size: 3 } });
    expect(await append("abc")).toMatchObject({ status: 200, body: { size: 3 } });
    expect((await append("abd")).status).toBe(422);
    expect((await append("abc", "/other")).status).toBe(422);
    expect(await (await world.fetch("/v1/files/log")).text()).toBe("abc");
    for (const row of world.seen.claims.values()) row.state = "committed";
    expect((await append("abd")).status).toBe(422);
    const again = await append("abc");
    expect(again).toMatchObject({ status: 200, body: { size: 3 } });
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect((await tell("GET", "/v1/stat/other")).status).toBe(404);
  });
});

describe("records", () => {
  it("of keys", async () => {
    expect((await post("/v1/keys", { name: "n", expiresAt: "tomorrow" })).status).toBe(400);
    const minted = await post("/v1/keys", { name: "n", expiresAt: "2030-01-01T00:00:00+01:00" });
    expect(minted.headers.get("location")).toBe("/v1/keys/key0");
    expect((await tell("GET", "/v1/keys/key0")).body).not.toHaveProperty("key");
    await post("/v1/keys", { name: "m" });
    const page = await tell("GET", "/v1/keys?limit=1");
    expect(page.body["items"]).toHaveLength(1);
    expect(
      (await tell("GET", `/v1/keys?limit=1&after=${String(page.body["next"])}`)).body,
    ).toMatchObject({ items: [{ name: "m" }], next: null });
    expect(
      (await tell("PATCH", "/v1/keys/key0", { expiresAt: "2030-01-01T00:00:00+01:00" })).body[
        "expiresAt"
      ],
    ).toBe("2029-12-31T23:00:00.000Z");
    expect((await tell("PATCH", "/v1/keys/key0", { subject: {} })).status).toBe(400);
    expect((await post("/v1/keys/key0/rotate", { overlapSeconds: 60 })).body).toMatchObject({
      id: "key0-after-60000",
      key: "bhk_new",
    });
    expect((await post("/v1/keys/key0/rotate")).body["id"]).toBe("key0-after-0");
    expect((await tell("DELETE", "/v1/keys/key0")).status).toBe(204);
    expect((await tell("GET", "/v1/keys/key0")).status).toBe(404);
  });

  it("of tenants", async () => {
    const made = await post("/v1/tenants", { id: "t1" });
    expect(made).toMatchObject({
      status: 201,
      body: {
        id: "t1",
        status: "active",
        roots: ["/workspace/t1"],
        createdAt: "2023-11-14T22:13:20.000Z",
      },
    });
    expect(made.body).not.toHaveProperty("uid");
    expect((await tell("PATCH", "/v1/tenants/t1", { name: "One" })).body["name"]).toBe("One");
    expect((await post("/v1/tenants/t1/suspend", { reason: "r" })).body).toMatchObject({
      status: "suspended",
      suspensionReason: "r",
    });
    expect((await post("/v1/tenants/t1/reactivate")).body["status"]).toBe("active");
    const refused = await tell("DELETE", "/v1/tenants/t1");
    expect(refused).toMatchObject({
      status: 400,
      body: { code: "confirmation-required", counts: { files: 3 } },
    });
    const job = await tell("DELETE", "/v1/tenants/t1?confirm=t1&grace=P1DT2H");
    expect([job.status, job.body, job.headers.get("location")]).toEqual([
      202,
      { job: "job-93600000" },
      "/v1/jobs/job-93600000",
    ]);
    expect((await tell("DELETE", "/v1/tenants/t1?confirm=t1")).body).toEqual({ job: "job-0" });
    for (const grace of ["P1M", "P1Y", "-P1D", "P-1D", "P2DT-1H", "1d", ""])
      expect((await tell("DELETE", `/v1/tenants/t1?confirm=t1&grace=${grace}`)).status).toBe(400);
    expect((await tell("GET", "/v1/jobs/j1")).body).toMatchObject({ id: "j1", state: "queued" });
  });

  it("of the audit log and of oneself", async () => {
    const query = "actor=a&action=b&result=denied&since=2026-01-01T00:00:00Z&limit=2";
    const page = await tell("GET", `/v1/tenants/t9/audit?${query}`);
    expect(page.body["items"]).toMatchObject([
      {
        id: "0",
        tenant: "t9",
        actor: "a",
        action: "b",
        result: "denied",
        at: "2026-01-01T00:00:00.000Z",
      },
      { id: "1" },
    ]);
    expect(
      (await tell("GET", `/v1/tenants/t9/audit?${query}&after=${String(page.body["next"])}`))
        .status,
    ).toBe(200);
    expect(
      (await tell("GET", `/v1/audit?${query}&after=${String(page.body["next"])}`)).status,
    ).toBe(400);
    expect((await tell("GET", "/v1/audit?result=maybe")).status).toBe(400);
    expect((await tell("GET", "/v1/audit?since=yesterday")).status).toBe(400);
    expect((await tell("GET", "/v1/whoami")).body).toEqual({
      principal: {
        kind: "capability",
        keyId: "alice-key",
        subject: { type: "service", id: "alice-key" },
        expiresAt: null,
      },
      tenant: "acme",
      home: "/workspace/acme",
      bounds: ["/workspace/acme"],
      scopes: ["read", "write"],
      limits: {},
      rateLimits: null,
    });
  });
});
