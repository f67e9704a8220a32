// What the five pages do wrong ("Do not copy these"), as far as this milestone has the part of the system it belongs to.
// Each test makes the call that the page's own code would let through, and shows that nothing comes of it.
//
// Changes against the published texts: none of their code is run. The defect is put in terms of the calls of `/v1`.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { api } from "../support/api.ts";
import { rawRequest } from "../support/raw-request.ts";
import { fronts } from "./actors/ways.ts";
import { meet, type Party, secretOf, type World } from "./actors/world.ts";

describe.each(fronts)("by $way", (front) => {
  const outside = front.refusal("denied", "outside-workspace");
  const forbidden = front.refusal("denied", "forbidden");
  const suspended = front.refusal("denied", "tenant-suspended");
  const unauthenticated = front.refusal("unknown", "unauthenticated");
  let world: World;
  let a: Party;

  beforeAll(async () => {
    world = await meet(front);
    a = await world.party("tenant-a");
    await a.actor.write("/f.txt", "of A");
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it("a prefix is whole names, not the beginning of a text", async () => {
    for (const id of ["tenant-ab", "tenant-a_b", "tenant-a-"]) {
      if (/[a-z0-9]$/.test(id)) await world.party(id);
      const root = `/workspace/${id}`;
      await expect(a.actor.list(root)).rejects.toMatchObject(outside);
      await expect(a.actor.write(`${root}/planted.txt`, "x")).rejects.toMatchObject(outside);
      await expect(a.actor.mintKey({ name: "k", workspacePrefix: root })).rejects.toMatchObject(
        outside,
      );
    }
    await a.actor.write("/teams/t.txt", "teams");
    const team = await a.actor.mintKey({ name: "k", workspacePrefix: `${a.root}/team` });
    await expect(world.as(secretOf(team)).read(`${a.root}/teams/t.txt`)).rejects.toMatchObject(
      outside,
    );
  });

  it("limits in a file that the tenant writes have no effect", async () => {
    const limits = { max_users: 1, max_files: 1, bytes: 1 };
    await a.actor.write("/.tenant.json", JSON.stringify({ id: "tenant-b", plan: "none", limits }));
    expect(await a.actor.getTenant("tenant-a")).toMatchObject({
      id: "tenant-a",
      plan: null,
      status: "active",
      limits: {},
    });
    await a.actor.write("/second.txt", "more than one byte, and one file");
    await a.actor.write("/.tenant.json", JSON.stringify({ status: "suspended" }));
    expect(await a.actor.read("/second.txt")).toBe("more than one byte, and one file");
    // The ledger's are the platform's to set, and the file does not undo them either.
    await expect(a.actor.limitTenant("tenant-a", { bytes: 1_000 })).rejects.toMatchObject(
      forbidden,
    );
    await world.platform.limitTenant("tenant-a", { bytes: 1_000_000 });
    await a.actor.write("/.tenant.json", JSON.stringify({ limits: { bytes: null } }));
    expect((await a.actor.getTenant("tenant-a")).limits).toEqual({ bytes: 1_000_000 });
  });

  it("the audit log is not in the tenant's tree, and nothing there changes it", async () => {
    const before = await a.actor.audit();
    expect(before.length).toBeGreaterThan(0);
    const everything = await a.actor.find("/");
    expect(everything.filter((path) => path.includes("audit"))).toEqual([]);
    await a.actor.write("/.audit/2026-11-21.jsonl", "{}");
    await a.actor.removeTree("/.audit");
    const after = await a.actor.audit();
    const known = new Set(after.map(({ id }) => id));
    expect(before.filter(({ id }) => !known.has(id))).toEqual([]);
    expect(after.length).toBeGreaterThan(before.length);
  });

  it("a suspension is one state: every key of the tenant at once, data kept, the platform as before", async () => {
    const c = await world.party("tenant-c");
    const second = world.as(
      secretOf(await c.actor.mintKey({ name: "k", workspacePrefix: `${c.root}/team` })),
    );
    await c.actor.write("/team/f.txt", "kept");
    await world.platform.suspend("tenant-c");
    for (const attempt of [
      () => c.actor.read("/team/f.txt"),
      () => c.actor.write("/new.txt", "x"),
      () => c.actor.list("/"),
      () => c.actor.whoami(),
      () => c.actor.listKeys(),
      () => c.actor.audit(),
      () => second.read("/f.txt"),
    ])
      await expect(attempt()).rejects.toMatchObject(suspended);
    // The suspended are found, not filtered away.
    expect((await world.platform.getTenant("tenant-c")).status).toBe("suspended");
    expect(await world.platform.listTenants()).toContain("tenant-c");
    expect(await world.platform.read(`${c.root}/team/f.txt`)).toBe("kept");
    await world.platform.write(`${c.root}/team/by-platform.txt`, "p");
    await world.platform.remove(`${c.root}/team/by-platform.txt`);
    // Suspending revoked nothing that would have to be given back one by one.
    await world.platform.reactivate("tenant-c");
    expect(await second.read("/f.txt")).toBe("kept");
    expect(await c.actor.list("/team")).toEqual(["f.txt"]);
  });

  it("a deletion cuts access, and who comes after by the same id inherits nothing", async () => {
    const d = await world.party("tenant-d");
    const below = await d.actor.mintKey({
      name: "k",
      workspacePrefix: `${d.root}/team`,
      scopes: ["read", "write", "admin"],
    });
    await d.actor.write("/team/f.txt", "of the first");
    await world.platform.deleteTenant("tenant-d");
    const old = [d.actor, world.as(secretOf(below))];
    for (const actor of old) await expect(actor.whoami()).rejects.toMatchObject(unauthenticated);
    await expect(world.platform.stat(`${d.root}/team/f.txt`)).rejects.toMatchObject(
      front.refusal("missing", "not-found"),
    );
    const again = await world.party("tenant-d");
    for (const actor of old) {
      await expect(actor.read("/f.txt")).rejects.toMatchObject(unauthenticated);
      await expect(actor.write(`${d.root}/team/x.txt`, "x")).rejects.toMatchObject(unauthenticated);
    }
    expect(await again.actor.list("/")).toEqual([]);
    expect((await again.actor.listKeys()).map(({ id }) => id)).toEqual([again.keyId]);
    expect((await again.actor.audit()).map(({ key }) => key)).not.toContain(d.keyId);
  });

  it("administration is not open: it takes the platform's key, and a tenant's own is not it", async () => {
    await world.party("tenant-e");
    for (const attempt of [
      () => a.actor.listTenants(),
      () => a.actor.makeTenant("tenant-new"),
      () => a.actor.suspend("tenant-e"),
      () => a.actor.suspend("tenant-a"),
      () => a.actor.reactivate("tenant-a"),
      () => a.actor.deleteTenant("tenant-e"),
      () => a.actor.mkdir("/workspace/tenant-new"),
    ])
      await expect(attempt()).rejects.toMatchObject({
        sign: front.refusal("denied", "forbidden").sign,
      });
    // One's own is seen; another's is not there, and nor is one that does not exist.
    expect((await a.actor.getTenant("tenant-a")).id).toBe("tenant-a");
    for (const id of ["tenant-e", "tenant-z"])
      await expect(a.actor.getTenant(id)).rejects.toMatchObject(
        front.refusal("missing", "not-found"),
      );
    expect(await world.platform.listTenants()).not.toContain("tenant-new");
    expect((await world.platform.getTenant("tenant-e")).status).toBe("active");
  });

  it("ids are not counted up", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 4; i += 1)
      ids.push((await a.actor.mintKey({ name: "k", workspacePrefix: a.root })).id);
    expect(new Set(ids.map((id) => id.slice(0, 8))).size).toBe(ids.length);
  });
});

describe("without a key in Authorization", () => {
  const [front] = fronts;
  if (front === undefined) throw new Error("There is no front.");
  let world: World;
  let a: Party;
  beforeAll(async () => {
    world = await meet(front);
    a = await world.party("tenant-a");
    await a.actor.write("/f.txt", "of A");
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const unauthenticated = { status: 401, json: { code: "unauthenticated" } };

  it.each(["tenant-a", "tenant-z", "platform", ""])(
    "X-Tenant-ID says nothing about who asks: %j",
    async (tenant) => {
      const { send } = api(world.server.url, undefined);
      const headers = { "X-Tenant-ID": tenant };
      for (const [method, target] of [
        ["GET", "/v1/files/f.txt"],
        ["GET", "/v1/whoami"],
        ["GET", "/v1/tenants"],
        ["POST", "/v1/tenants/tenant-a/suspend"],
        ["GET", "/v1/keys"],
        ["GET", "/v1/audit"],
      ] as const)
        expect(await send(method, target, { headers })).toMatchObject(unauthenticated);
    },
  );

  it.each(["key", "api_key", "apiKey", "token", "access_token", "authorization"])(
    "a key in the query is none: ?%s=",
    async (name) => {
      const { send } = api(world.server.url, undefined);
      const query = `?${name}=${encodeURIComponent(a.key)}`;
      expect(await send("GET", `/v1/files/f.txt${query}`)).toMatchObject(unauthenticated);
      expect(await send("GET", `/v1/whoami${query}`)).toMatchObject(unauthenticated);
      // Beside a key it is passed over, and does not widen it.
      const minted = await a.actor.mintKey({ name: "k", workspacePrefix: `${a.root}/team` });
      const bound = api(world.server.url, secretOf(minted));
      const widening = `?${name}=${encodeURIComponent(world.server.platformKey)}`;
      expect((await bound.send("GET", `/v1/files${a.root}/f.txt${widening}`)).status).toBe(403);
    },
  );

  it("a key in a cookie or in another header is none", async () => {
    const { send } = api(world.server.url, undefined);
    for (const headers of [
      { cookie: `key=${a.key}; token=${a.key}` },
      { "x-api-key": a.key },
      { authorization: `Basic ${btoa(`${a.key}:`)}` },
      { authorization: a.key },
    ])
      expect(await send("GET", "/v1/whoami", { headers })).toMatchObject(unauthenticated);
  });

  it("a tenant is not read off the host's name", async () => {
    const answer = await rawRequest(world.server.url, "GET", "/v1/files/f.txt", {
      "X-Forwarded-Host": "tenant-a.example.com",
    });
    expect(answer.status).toBe(401);
  });
});
