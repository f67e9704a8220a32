// Nexus tutorials, rows N3 to N6 and N11, and the case of their troubleshooting pages.
//
// Changes against the published texts: `/v1` makes tenant and user by calls of their own before a key is minted, and tuples
// are written in one notation (`user:alice`, `file:/workspace/acme/…`). The share of the page, which copies nothing but
// promises to, is one of `/shares`.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { api } from "../support/api.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import type { Actor } from "./actors/actor.ts";
import { fronts } from "./actors/ways.ts";
import { meet, secretOf, type World } from "./actors/world.ts";

const names = z.object({ items: z.array(z.string()), next: z.string().nullable() });

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

describe.each(fronts)("by $way", (front) => {
  const missing = front.refusal("missing", "not-found");
  const outside = front.refusal("denied", "outside-workspace");
  const forbidden = front.refusal("denied", "forbidden");
  const [acme, beta] = [`acme-${front.way}`, `beta-${front.way}`];
  const [root, otherRoot] = [`/workspace/${acme}`, `/workspace/${beta}`];
  const file = (path: string): string => `file:${root}${path}`;
  let world: World;
  let admin: Actor;
  let alice: Actor;
  let bob: Actor;
  let eve: Actor;

  const keyFor = async (tenant: string, id: string, scopes?: readonly "admin"[]): Promise<Actor> =>
    world.as(
      secretOf(
        await world.platform.mintKey({
          tenant,
          name: id,
          subject: { type: "user", id },
          scopes: ["read", "write", "share", ...(scopes ?? [])],
        }),
      ),
    );

  beforeAll(async () => {
    world = await meet(front, server);
    const { platform } = world;
    for (const id of [acme, beta]) await platform.makeTenant(id);
    await platform.makeUser(acme, { id: "root", role: "admin" });
    admin = await keyFor(acme, "root", ["admin"]);
    for (const id of ["alice", "bob"]) await platform.makeUser(acme, { id });
    // The same name, somebody else.
    for (const id of ["alice", "eve"]) await platform.makeUser(beta, { id });
    [alice, bob, eve] = await Promise.all([
      keyFor(acme, "alice"),
      keyFor(acme, "bob"),
      keyFor(beta, "eve"),
    ]);
    for (const path of ["/docs/a/plan.txt", "/docs/b.txt", "/secret/s.txt"])
      await admin.write(path, `content of ${path}`);
  });

  it("N3: a key of a user is an identity of the user's tenant", async () => {
    expect(await alice.whoami()).toMatchObject({
      principal: { kind: "identity", subject: { type: "user", id: "alice" } },
      tenant: acme,
      home: root,
    });
    expect(await alice.whoami()).not.toMatchObject({ scopes: expect.arrayContaining(["admin"]) });
  });

  it("N4: a relation holds at once, on what it names and on everything below", async () => {
    await expect(alice.read("/docs/a/plan.txt")).rejects.toMatchObject(missing);
    const granted = await admin.grant({
      subject: "user:alice",
      relation: "can_read",
      object: file("/docs"),
    });
    expect(granted).toMatchObject({ relation: "viewer", tenant: acme, object: file("/docs") });
    expect(await alice.read("/docs/a/plan.txt")).toBe("content of /docs/a/plan.txt");
    await expect(alice.write("/docs/a/plan.txt", "x")).rejects.toMatchObject(forbidden);
    await expect(alice.write("/docs/a/new.txt", "x")).rejects.toMatchObject(forbidden);
    await admin.grant({ subject: "user:alice", relation: "can_write", object: file("/docs/a") });
    await alice.write("/docs/a/plan.txt", "by alice");
    await expect(alice.write("/docs/b.txt", "x")).rejects.toMatchObject(forbidden);
    // To give is another thing than to have.
    const grant = { subject: "user:bob", relation: "can_read", object: file("/docs/a") };
    await expect(alice.grant(grant)).rejects.toMatchObject(forbidden);
    await admin.grant({ subject: "user:alice", relation: "owner", object: file("/docs/a") });
    await alice.grant(grant);
    expect(await bob.read("/docs/a/plan.txt")).toBe("by alice");
    await expect(bob.read("/docs/b.txt")).rejects.toMatchObject(missing);
  });

  it("N5: who is of the tenant works under its grants, and sees nothing else of it", async () => {
    await admin.grant({ subject: "user:bob", relation: "can_write", object: file("/work") }).then(
      () => Promise.reject(new Error("There is no /work yet.")),
      (error: unknown) => expect(error).toMatchObject(missing),
    );
    await admin.mkdir("/work");
    await admin.grant({ subject: "user:bob", relation: "can_write", object: file("/work") });
    await bob.write("/work/deep/x.txt", "one\n");
    await bob.append("/work/deep/x.txt", "two\n");
    expect(await bob.read(`${root}/work/deep/x.txt`)).toBe("one\ntwo\n");
    expect(await bob.find("/work")).toEqual(["/work/deep", "/work/deep/x.txt"]);
    expect(await bob.list("/")).not.toContain("secret");
    expect(await bob.grep("content", "/")).not.toContain("content of /secret/s.txt");
    await expect(bob.read("/secret/s.txt")).rejects.toMatchObject(missing);
  });

  it("N5: who is of another tenant is refused, and learns no name, count or size", async () => {
    const [there, nowhere] = await Promise.all(
      ["/work/deep/x.txt", "/never/was.txt"].map((path) =>
        eve.read(`${root}${path}`).catch((error: unknown) => error),
      ),
    );
    expect(there).toMatchObject(outside);
    expect(there).toEqual(nowhere);
    expect(await eve.list("/workspace")).toEqual([beta]);
    await expect(eve.list(root)).rejects.toMatchObject(outside);
    await expect(eve.getTenant(acme)).rejects.toMatchObject({ sign: expect.any(String) });
    // A user of the same name is not the one who was granted.
    const namesake = await keyFor(beta, "alice");
    await expect(namesake.read(`${root}/docs/b.txt`)).rejects.toMatchObject(outside);
  });

  it("N6: a share is read where the target finds it, is no copy, and ends when it is revoked", async () => {
    await admin.write("/out/x.txt", "first");
    const shared = await admin.share({ path: "/out/x.txt", tenant: beta, expiresInDays: 30 });
    expect(shared).toMatchObject({
      sourceTenant: acme,
      targetTenant: beta,
      status: "active",
      permission: "can_read",
      target: `${otherRoot}/shared/from-${acme}/x.txt`,
    });
    const inDays = (Date.parse(shared.expiresAt ?? "") - Date.now()) / 86_400_000;
    expect(inDays).toBeGreaterThan(29.9);
    expect(inDays).toBeLessThan(30.1);
    const target = shared.target ?? "";
    expect(await eve.read(target)).toBe("first");
    expect(await eve.read(`/shared/from-${acme}/x.txt`)).toBe("first");
    expect(await eve.list(`/shared/from-${acme}`)).toEqual(["x.txt"]);
    await admin.write("/out/x.txt", "second");
    expect(await eve.read(target)).toBe("second");
    await expect(eve.write(target, "by eve")).rejects.toMatchObject(forbidden);
    for (const actor of [admin, world.platform])
      expect(await actor.listShares({ status: "active" })).toMatchObject([{ id: shared.id }]);
    await admin.revokeShare(shared.id);
    await expect(eve.read(target)).rejects.toMatchObject(missing);
    expect(await admin.listShares({ status: "active" })).toEqual([]);
    expect(await admin.listShares({ status: "revoked" })).toMatchObject([{ id: shared.id }]);
  });

  it("N6: a share ends by itself, and by the suspension of either side", async () => {
    await admin.write("/out/y.txt", "y");
    const expiresAt = new Date(Date.now() + 2500).toISOString();
    const brief = await admin.share({ path: "/out/y.txt", tenant: beta, expiresAt });
    await admin.write("/out/z.txt", "z");
    const lasting = await admin.share({ path: "/out/z.txt", tenant: beta });
    const [briefly, at] = [brief.target ?? "", lasting.target ?? ""];
    expect(await eve.read(briefly)).toBe("y");
    await world.platform.suspend(acme);
    await expect(eve.read(at)).rejects.toMatchObject({ sign: expect.any(String) });
    await world.platform.reactivate(acme);
    expect(await eve.read(at)).toBe("z");
    await new Promise((resolve) => setTimeout(resolve, Date.parse(expiresAt) - Date.now() + 50));
    await expect(eve.read(briefly)).rejects.toMatchObject(missing);
    await admin.revokeShare(lasting.id);
  });

  it("N6: the printed calls work as well: a grant to another tenant, by the platform's key", async () => {
    await admin.write("/out/p.txt", "printed");
    const granted = await world.platform.grant({
      subject: `tenant:${beta}`,
      relation: "can_read",
      object: file("/out/p.txt"),
    });
    expect(granted).toMatchObject({ subjectTenant: beta, tenant: acme, relation: "viewer" });
    expect(await eve.read(`${root}/out/p.txt`)).toBe("printed");
    await expect(eve.read(`${root}/out/x.txt`)).rejects.toMatchObject(outside);
    await world.platform.revokeRelation(granted.id);
    await expect(eve.read(`${root}/out/p.txt`)).rejects.toMatchObject(outside);
  });

  it("N11: tuples are listed, checked, explained and deleted, as far as the caller may see", async () => {
    const object = file("/docs/b.txt");
    const granted = await admin.grant({ subject: "user:bob", relation: "viewer", object });
    expect(await admin.listRelations({ subject: "user:bob", object })).toMatchObject([
      { id: granted.id, subject: "user:bob", relation: "viewer", object },
    ]);
    const question = { subject: "user:bob", permission: "can_read", object };
    expect(await admin.check(question)).toBe(true);
    expect(await admin.check({ ...question, permission: "can_write" })).toBe(false);
    // Oneself one may ask about; what others are told, one is not.
    expect((await bob.listRelations({})).map(({ subject }) => subject)).not.toContain("user:root");
    const why = await admin.explain("read", "/docs/b.txt", "user:bob");
    expect(why).toMatchObject({ decision: "allowed", subject: `user:bob@${acme}` });
    expect(JSON.stringify(why.steps)).toContain("/docs/b.txt");
    await admin.revokeRelation(granted.id);
    expect(await admin.check(question)).toBe(false);
    await expect(bob.read("/docs/b.txt")).rejects.toMatchObject(missing);
    const whyNot = await admin.explain("read", "/docs/b.txt", "user:bob");
    expect(whyNot).toMatchObject({ decision: "denied", code: "not-found" });
    expect(whyNot.steps.find(({ outcome }) => outcome === "denied")?.step).toBe("relations");
    await expect(admin.revokeRelation(granted.id)).rejects.toMatchObject(missing);
    await expect(eve.revokeRelation(granted.id)).rejects.toMatchObject(missing);
    expect(await eve.listRelations({ subject: "user:bob" })).toEqual([]);
  });

  it("troubleshooting: every tuple of a user lies in its own tenant, unless it was shared on purpose", async () => {
    for (const subject of ["user:alice", "user:bob"])
      for (const relation of await admin.listRelations({ subject }))
        expect(relation).toMatchObject({ tenant: acme, subjectTenant: null });
    expect(await world.platform.listRelations({ tenant: acme, crossing: true })).toEqual([]);
    const granted = await admin.grant({
      subject: "user:eve",
      subjectTenant: beta,
      relation: "viewer",
      object: file("/docs/b.txt"),
    });
    const crossing = await world.platform.listRelations({ tenant: acme, crossing: true });
    expect(crossing).toMatchObject([{ id: granted.id, subjectTenant: beta, subject: "user:eve" }]);
    expect(await eve.read(`${root}/docs/b.txt`)).toBe("content of /docs/b.txt");
    await admin.revokeRelation(granted.id);
    await expect(eve.read(`${root}/docs/b.txt`)).rejects.toMatchObject(outside);
  });
});

it("troubleshooting: a subject that many tenants have is the one of the object's tenant", async () => {
  const { send } = api(server.url, server.platformKey);
  const grant = (tenant: string, subject: string): ReturnType<typeof send> =>
    send("POST", "/v1/relations", {
      body: { subject, relation: "viewer", object: `file:/workspace/${tenant}` },
    });
  const twins = ["twin-a", "twin-b", "twin-c"];
  for (const id of twins) {
    await send("POST", "/v1/tenants", { body: { id } });
    await send("POST", `/v1/tenants/${id}/users`, { body: { id: "twin" } });
  }
  for (const tenant of twins)
    expect(await grant(tenant, "user:twin")).toMatchObject({
      status: 201,
      json: { tenant, subjectTenant: null },
    });
  await send("POST", "/v1/tenants", { body: { id: "twinless" } });
  expect((await grant("twinless", "user:twin")).status).toBe(400);
  await send("POST", "/v1/tenants/twin-b/users", { body: { id: "only" } });
  expect((await grant("twinless", "user:only")).json).toMatchObject({ subjectTenant: "twin-b" });
});

it("N11: what somebody may, who may, and through what, are listed", async () => {
  const tenant = "listed";
  const { send } = api(server.url, server.platformKey);
  const ask = async (target: string, body: object): Promise<unknown> =>
    (await send("POST", target, { body })).json;
  await ask("/v1/tenants", { id: tenant });
  for (const id of ["ann", "bo"]) await ask(`/v1/tenants/${tenant}/users`, { id });
  await ask(`/v1/tenants/${tenant}/groups`, { id: "staff" });
  const root = `file:/workspace/${tenant}`;
  for (const path of ["a/x", "a/y", "b"])
    await send("PUT", `/v1/files/workspace/${tenant}/${path}`, { body: "content" });
  const member = { tenant, subject: "user:bo", relation: "member", object: "group:staff" };
  await ask("/v1/relations", member);
  for (const [subject, relation, path] of [
    ["user:ann", "viewer", "/a"],
    ["user:ann", "editor", "/a/x"],
    ["group:staff", "viewer", "/b"],
  ])
    await ask("/v1/relations", { tenant, subject, relation, object: `${root}${path}` });
  const objects = { tenant, subject: "user:ann", permission: "can_read" };
  // What lies below one that is named is not named again.
  const first = await ask("/v1/list-objects", { ...objects, limit: 1 });
  const { items, next } = names.parse(first);
  expect(items).toHaveLength(1);
  const rest = names.parse(await ask("/v1/list-objects", { ...objects, after: next }));
  expect([...items, ...rest.items].toSorted()).toEqual([
    `${root}/a`,
    `${root}/shared`,
    `${root}/users/ann`,
  ]);
  expect(await ask("/v1/list-objects", { ...objects, permission: "can_write" })).toMatchObject({
    items: [`${root}/a/x`, `${root}/users/ann`],
  });
  const readers = await ask("/v1/list-subjects", { permission: "can_read", object: `${root}/b` });
  // A group stands for its members.
  expect(readers).toEqual({ items: ["group:staff#member"], next: null });
  const tree = await ask("/v1/expand", { relation: "viewer", object: `${root}/b` });
  expect(JSON.stringify(tree)).toContain("group:staff#member");
  const checks = ["user:ann", "user:bo"].map((subject) => ({
    tenant,
    subject,
    permission: "can_read",
    object: `${root}/b`,
  }));
  expect(await ask("/v1/check/batch", { checks })).toMatchObject({
    results: [{ allowed: false }, { allowed: true }],
  });
});

it("N6: a link needs its address and password, for as many uses as it was given", async () => {
  const [front] = fronts;
  if (front === undefined) throw new Error("There is no front.");
  const world = await meet(front, server);
  const { platform } = world;
  await platform.makeTenant("linked");
  await platform.write("/workspace/linked/f.txt", "behind the link");
  const path = "/workspace/linked/f.txt";
  const made = await platform.share({ path, link: true, maxUses: 3, password: "geheim" });
  const at = made.url ?? "";
  const { send } = api(server.url, undefined);
  const headers = { "Bulkhead-Link-Password": "geheim" };
  expect((await send("GET", at)).status).toBe(403);
  for (let i = 0; i < 3; i++)
    expect((await send("HEAD", at, { headers })).headers.get("content-length")).toBe("15");
  // Ten at once, three uses: exactly three.
  const answers = await Promise.all(Array.from({ length: 10 }, () => send("GET", at, { headers })));
  const served = answers.filter(({ status }) => status === 200);
  expect(served.map(({ text }) => text)).toEqual(Array(3).fill("behind the link"));
  expect(answers.filter(({ status }) => status === 404)).toHaveLength(7);
  const other = await platform.share({ path, link: true });
  expect((await send("GET", other.url ?? "")).status).toBe(200);
  await platform.revokeShare(other.id);
  expect((await send("GET", other.url ?? "")).status).toBe(404);
  expect(JSON.stringify(await platform.listShares())).not.toContain("/v1/links/");
});
