// Concept page, rows C4 to C7, and row F3 of the Flow Nexus platform.
//
// Changes against the published text: a namespace is a tenant, made and ended as one; `context={…}` is the two headers
// `Bulkhead-As` and `Bulkhead-Namespace`; a bare subject id is written with its type.
import { waitFor } from "@bulkhead/harness";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { api } from "../support/api.ts";
import { startServer, type TestServer } from "../support/start-server.ts";
import type { Actor } from "./actors/actor.ts";
import { fronts } from "./actors/ways.ts";
import { meet, secretOf, type World } from "./actors/world.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

it("a model of a tenant's own answers that tenant's questions, and none about files", async () => {
  const { send } = api(server.url, server.platformKey);
  const tenant = "modelled";
  expect((await send("POST", "/v1/tenants", { body: { id: tenant } })).status).toBe(201);
  const source = `model
  schema 1.1
type person
type document
  relations
    define reader: [person, person with soon] or owner
    define owner: [person]
condition soon(now: int, end: int) {
  now < end
}
`;
  const put = { name: "docs", tenant, source };
  expect((await send("POST", "/v1/models", { body: put })).status).toBe(201);
  expect((await send("POST", "/v1/models", { body: put })).status).toBe(200);
  const broken = await send("POST", "/v1/models", { body: { ...put, source: "type x\n  relat" } });
  expect(broken).toMatchObject({ status: 400, json: { code: "invalid-request" } });
  const about = { tenant, model: "docs", object: "document:1" };
  const grant = { ...about, subject: "person:ann", relation: "owner" };
  const granted = await send("POST", "/v1/relations", { body: grant });
  expect(granted).toMatchObject({ status: 201, json: { model: "docs", condition: null } });
  const condition = { name: "soon", context: { end: 5 } };
  const later = { ...about, subject: "person:bo", relation: "reader", condition };
  expect(await send("POST", "/v1/relations", { body: later })).toMatchObject({
    status: 201,
    json: { condition },
  });
  const allowed = async (subject: string, more: object = {}): Promise<unknown> => {
    const question = { ...about, subject, permission: "reader", ...more };
    return (await send("POST", "/v1/check", { body: question })).json;
  };
  expect(await allowed("person:ann")).toMatchObject({ allowed: true });
  expect(await allowed("person:bo", { context: { now: 4 } })).toMatchObject({ allowed: true });
  expect(await allowed("person:bo", { context: { now: 6 } })).toMatchObject({ allowed: false });
  const contextual = [{ subject: "person:cy", relation: "reader", object: "document:1" }];
  expect(await allowed("person:cy", { contextual })).toMatchObject({ allowed: true });
  expect(await allowed("person:cy")).toMatchObject({ allowed: false });
  const onFile = { ...grant, object: `file:/workspace/${tenant}` };
  expect((await send("POST", "/v1/relations", { body: onFile })).status).toBe(400);
  expect((await send("DELETE", `/v1/models/docs?tenant=${tenant}`)).status).toBe(204);
  expect((await send("GET", `/v1/models/docs?tenant=${tenant}`)).status).toBe(404);
});

describe.each(fronts)("by $way", (front) => {
  const missing = front.refusal("missing", "not-found");
  const outside = front.refusal("denied", "outside-workspace");
  const forbidden = front.refusal("denied", "forbidden");
  const unauthenticated = front.refusal("unknown", "unauthenticated");
  const invalid = front.refusal("invalid", "invalid-request");
  const exists = front.refusal("conflict", "already-exists");
  const [acme, other] = [`acme-corp-${front.way}`, `tenant-b-${front.way}`];
  const root = `/workspace/${acme}`;
  const everything = ["read", "write", "share", "admin"] as const;
  let world: World;
  let platform: Actor;
  let alice: Actor;

  const keyFor = async (
    tenant: string,
    type: "user" | "agent",
    id: string,
  ): Promise<{ readonly id: string; readonly secret: string; readonly actor: Actor }> => {
    const subject = { type, id };
    const minted = await platform.mintKey({ tenant, name: id, subject, scopes: everything });
    const secret = secretOf(minted);
    return { id: minted.id, secret, actor: world.as(secret) };
  };

  beforeAll(async () => {
    world = await meet(front, server);
    ({ platform } = world);
    for (const id of [acme, other]) await platform.makeTenant(id);
    await platform.makeUser(acme, { id: "alice@acme.com" });
    alice = (await keyFor(acme, "user", "alice@acme.com")).actor;
  });

  it("C4: an admin of the namespace may do everything in it, and nothing elsewhere", async () => {
    await platform.write(`${root}/data/a.txt`, "a");
    await expect(alice.read("/data/a.txt")).rejects.toMatchObject(missing);
    await expect(alice.mintKey({ name: "k", workspacePrefix: root })).rejects.toMatchObject(
      forbidden,
    );
    await platform.grant({
      subject: "user:alice@acme.com",
      relation: "admin",
      object: `tenant:${acme}`,
    });
    expect(await alice.read("/data/a.txt")).toBe("a");
    await alice.write("/data/b.txt", "b");
    await alice.makeUser(acme, { id: "made-by-alice" });
    await alice.mintKey({ name: "k", workspacePrefix: root });
    expect((await alice.listKeys()).length).toBeGreaterThan(0);
    expect((await alice.audit()).length).toBeGreaterThan(0);
    await expect(alice.list(`/workspace/${other}`)).rejects.toMatchObject(outside);
    await expect(alice.listUsers(other)).rejects.toMatchObject(missing);
    await expect(alice.makeTenant(`new-${front.way}`)).rejects.toMatchObject(forbidden);
  });

  it("C4: a namespace that is deleted takes keys and relations with it", async () => {
    const id = `gone-${front.way}`;
    await platform.makeTenant(id);
    await platform.makeUser(id, { id: "carol", role: "admin" });
    const carol = await keyFor(id, "user", "carol");
    await carol.actor.write("/x.txt", "x");
    await platform.deleteTenant(id);
    await expect(carol.actor.whoami()).rejects.toMatchObject(unauthenticated);
    // Whoever gets the name next inherits nothing.
    await platform.makeTenant(id);
    await platform.makeUser(id, { id: "carol" });
    const next = await keyFor(id, "user", "carol");
    await platform.write(`/workspace/${id}/x.txt`, "new");
    await expect(next.actor.read("/x.txt")).rejects.toMatchObject(missing);
    expect(await platform.listRelations({ tenant: id, subject: "user:carol" })).not.toContainEqual(
      expect.objectContaining({ relation: "admin" }),
    );
  });

  it("C5: a prefix grant reaches what is below; an owner passes on; others are named with their tenant", async () => {
    await platform.makeUser(acme, { id: "agent-researcher", type: "agent" });
    const { actor: agent } = await keyFor(acme, "agent", "agent-researcher");
    await platform.write(`${root}/papers/deep/p.txt`, "paper");
    await platform.grant({
      subject: "agent:agent-researcher",
      relation: "reader",
      object: `file:${root}/papers/*`,
    });
    expect(await agent.read("/papers/deep/p.txt")).toBe("paper");
    await expect(agent.write("/papers/deep/p.txt", "x")).rejects.toMatchObject(forbidden);
    await expect(
      platform.grant({ subject: "user:a", relation: "reader", object: `file:${root}/*/p` }),
    ).rejects.toMatchObject(invalid);

    await platform.makeUser(acme, { id: "owner" });
    const { actor: owner } = await keyFor(acme, "user", "owner");
    await platform.grant({
      subject: "user:owner",
      relation: "owner",
      object: `file:${root}/papers`,
    });
    await owner.grant({
      subject: "agent:agent-researcher",
      relation: "writer",
      object: `file:${root}/papers/deep`,
    });
    await agent.write("/papers/deep/p.txt", "by the agent");

    await platform.makeUser(other, { id: "bob@tenant-b.com" });
    const { actor: bob } = await keyFor(other, "user", "bob@tenant-b.com");
    const report = `file:${root}/papers/deep/p.txt`;
    await expect(bob.read(`${root}/papers/deep/p.txt`)).rejects.toMatchObject(outside);
    const crossing = {
      subject: "user:bob@tenant-b.com",
      subjectTenant: other,
      relation: "reader",
      object: report,
    };
    await expect(owner.grant({ ...crossing, relation: "owner" })).rejects.toMatchObject(invalid);
    await owner.grant(crossing);
    expect(await bob.read(`${root}/papers/deep/p.txt`)).toBe("by the agent");
    // The way there shows what leads there, and what lies beside it is out of reach.
    await platform.write(`${root}/papers/other.txt`, "other");
    expect(await bob.list(`${root}/papers`)).toEqual(["deep"]);
    await expect(bob.read(`${root}/papers/other.txt`)).rejects.toMatchObject(outside);
    const seen = await bob.listRelations({ crossing: true });
    expect(seen).toContainEqual(expect.objectContaining({ object: report, tenant: acme }));
  });

  it("C5: groups hold many, and let go at once", async () => {
    await platform.makeGroup(acme, "staff");
    await platform.makeUser(acme, { id: "dave" });
    const { actor: dave } = await keyFor(acme, "user", "dave");
    await platform.write(`${root}/staff/s.txt`, "staff");
    await platform.grant({
      subject: "group:staff",
      subjectTenant: acme,
      relation: "viewer",
      object: `file:${root}/staff`,
    });
    await expect(dave.read("/staff/s.txt")).rejects.toMatchObject(missing);
    await alice.join(acme, "staff", "user:dave");
    expect(await dave.read("/staff/s.txt")).toBe("staff");
    await alice.leave(acme, "staff", "user:dave");
    await expect(dave.read("/staff/s.txt")).rejects.toMatchObject(missing);
    await alice.join(acme, "staff", "user:dave");
    expect(await dave.list("/staff")).toEqual(["s.txt"]);
    await alice.removeGroup(acme, "staff");
    await expect(dave.read("/staff/s.txt")).rejects.toMatchObject(missing);
    await platform.makeGroup(acme, "staff");
    await alice.join(acme, "staff", "user:dave");
    await expect(dave.read("/staff/s.txt")).rejects.toMatchObject(missing);
  });

  it("C6: an agent has keys of its own, bound and scoped, which end with it", async () => {
    const made = await alice.makeUser(acme, { id: "bot", type: "agent" });
    expect(made).toMatchObject({ type: "agent", id: "bot", status: "active" });
    await platform.write(`${root}/bot/in.txt`, "in");
    const subject = { type: "agent", id: "bot" } as const;
    const minted = await alice.mintKey({
      name: "bot",
      subject,
      workspacePrefix: `${root}/bot`,
      scopes: ["read"],
    });
    const bound = world.as(secretOf(minted));
    expect(await bound.read("/in.txt")).toBe("in");
    await expect(bound.write("/in.txt", "x")).rejects.toMatchObject(
      front.refusal("denied", "scope-required"),
    );
    await alice.revokeKey(minted.id);
    await expect(bound.read("/in.txt")).rejects.toMatchObject(unauthenticated);
    const second = await keyFor(acme, "agent", "bot");
    expect(await second.actor.whoami()).toMatchObject({ tenant: acme });
    expect((await alice.listUsers(acme, "agent")).map(({ id }) => id)).toContain("bot");
    await alice.removeUser(acme, "bot", "agent");
    await expect(second.actor.whoami()).rejects.toMatchObject(unauthenticated);
    await expect(alice.getUser(acme, "bot", "agent")).rejects.toMatchObject(missing);
  });

  it("C7: only a platform or tenant-admin key acts for another, and then sees what that one sees", async () => {
    await platform.makeUser(acme, { id: "erin" });
    const { secret } = await keyFor(acme, "user", "erin");
    await platform.write(`${root}/erin/e.txt`, "e");
    await platform.grant({ subject: "user:erin", relation: "owner", object: `file:${root}/erin` });
    await platform.write(`${root}/other.txt`, "o");
    const context = { as: "user:erin", namespace: `tenant:${acme}` };
    const aliceKey = secretOf(
      await platform.mintKey({
        tenant: acme,
        name: "acting",
        subject: { type: "user", id: "alice@acme.com" },
        scopes: everything,
      }),
    );
    for (const key of [world.server.platformKey, aliceKey]) {
      const erin = world.as(key, context);
      expect(await erin.whoami()).toMatchObject({ principal: { subject: { id: "erin" } } });
      expect(await erin.read(`${root}/erin/e.txt`)).toBe("e");
      await erin.write("/erin/n.txt", "by somebody for erin");
      await expect(erin.read(`${root}/other.txt`)).rejects.toMatchObject(missing);
    }
    await expect(world.as(secret, { as: "user:alice@acme.com" }).whoami()).rejects.toMatchObject(
      forbidden,
    );
    const elsewhere = world.as(aliceKey, { as: "user:erin", namespace: `tenant:${other}` });
    await expect(elsewhere.whoami()).rejects.toMatchObject({ sign: forbidden.sign });
    const nobody = world.as(aliceKey, { ...context, as: "user:nobody" });
    await expect(nobody.whoami()).rejects.toMatchObject(forbidden);
    await waitFor(async () =>
      (await platform.audit(acme)).some(
        ({ actor, action }) =>
          action === "write" && actor.includes("user:erin") && actor.includes("alice@acme.com"),
      ),
    );
  });

  it("F3: users are owner, admin, editor or member, and an e-mail is one user's", async () => {
    const email = "same@acme.example";
    await platform.write(`${root}/shared/s.txt`, "shared");
    const rows = [
      ["owner", true, true],
      ["admin", true, true],
      ["editor", true, false],
      ["member", false, false],
    ] as const;
    for (const [role, writes, administers] of rows) {
      const id = `of-role-${role}`;
      expect(await alice.makeUser(acme, { id, role, email: `${role}@acme.example` })).toMatchObject(
        { role },
      );
      const { actor } = await keyFor(acme, "user", id);
      expect(await actor.read("/shared/s.txt")).toBe("shared");
      await actor.write(`/users/${id}/mine.txt`, "mine");
      const write = actor.write(`/shared/${role}.txt`, "x");
      if (writes) await write;
      else await expect(write).rejects.toMatchObject(forbidden);
      const look = actor.listUsers(acme);
      if (administers) await look;
      else await expect(look).rejects.toMatchObject(forbidden);
    }
    await alice.makeUser(acme, { id: "first", email });
    await expect(alice.makeUser(acme, { id: "second", email })).rejects.toMatchObject(exists);
    await expect(alice.makeUser(acme, { id: "first" })).rejects.toMatchObject(exists);
    await platform.makeUser(other, { id: "first", email });
    const changed = await alice.changeUser(acme, "of-role-member", { role: "editor" });
    expect(changed).toMatchObject({ role: "editor", email: "member@acme.example" });
    const member = await keyFor(acme, "user", "of-role-member");
    await member.actor.write("/shared/member.txt", "now");
    await alice.changeUser(acme, "of-role-member", { role: "member" });
    await expect(member.actor.write("/shared/member.txt", "x")).rejects.toMatchObject(forbidden);
    await alice.changeUser(acme, "of-role-member", { status: "suspended" });
    await expect(member.actor.read("/shared/s.txt")).rejects.toMatchObject({
      sign: expect.any(String),
    });
    await alice.changeUser(acme, "of-role-member", { status: "active" });
    expect(await member.actor.read("/shared/s.txt")).toBe("shared");
  });
});
