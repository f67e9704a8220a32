import type { CheckInput, RelationInput } from "@bulkhead/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Authorized, authorized, platformKey } from "./test/authorized.ts";

const source = `model
  schema 1.1
type user
type team
  relations
    define member: [user, team#member]
type document
  relations
    define owner: [user]
    define viewer: [user, user:*, team#member, user with in_time] or owner
condition in_time(now: int, end: int) {
  now < end
}
`;

describe("a tenant's own model", () => {
  let on: Authorized;
  let acme: string;
  let beta: string;
  let alice: string;

  beforeAll(async () => {
    on = await authorized();
    const { tenants } = on.engine.control;
    for (const id of ["acme", "beta"]) await tenants.create(await on.as(platformKey), { id });
    const scopes = ["read", "write", "share", "admin"] as const;
    acme = await on.mint(platformKey, { workspacePrefix: "/workspace/acme", scopes });
    beta = await on.mint(platformKey, { workspacePrefix: "/workspace/beta", scopes });
    alice = await on.user("acme", "alice");
    await on.engine.control.models.put(await on.as(acme), { name: "docs", source });
  });
  afterAll(() => on[Symbol.asyncDispose]());

  const grant = async (key: string, input: Partial<RelationInput>): Promise<string> => {
    let id = "";
    const outcome = await on.outcome(async () => {
      ({ id } = await on.engine.control.relations.grant(await on.as(key), {
        model: "docs",
        subject: "user:alice",
        relation: "viewer",
        object: "document:1",
        ...input,
      }));
    });
    return outcome === "ok" ? id : outcome;
  };
  const check = async (key: string, input: Partial<CheckInput> = {}): Promise<string> => {
    let allowed = false;
    const outcome = await on.outcome(async () => {
      ({ allowed } = await on.engine.control.relations.check(await on.as(key), {
        model: "docs",
        subject: "user:alice",
        permission: "viewer",
        object: "document:1",
        ...input,
      }));
    });
    return outcome === "ok" ? String(allowed) : outcome;
  };

  it("answers its own questions from its own relations, and is asked about no file", async () => {
    expect(await check(acme)).toBe("false");
    const id = await grant(acme, { subject: "team:a#member" });
    await grant(acme, { subject: "user:alice", relation: "member", object: "team:a" });
    expect(await check(acme)).toBe("true");
    expect(await check(alice)).toBe("true");
    const { relations } = on.engine.control;
    const ctx = await on.as(acme);
    const listed = await relations.listObjects(ctx, {
      model: "docs",
      subject: "user:alice",
      permission: "viewer",
      type: "document",
    });
    expect(listed.items).toEqual(["document:1"]);
    const subjects = await relations.listSubjects(ctx, {
      model: "docs",
      permission: "viewer",
      object: "document:1",
    });
    expect(subjects.items).toEqual(["user:alice"]);
    const tree = await relations.expand(ctx, {
      model: "docs",
      relation: "viewer",
      object: "document:1",
    });
    expect(JSON.stringify(tree)).toContain("team:a#member");
    expect((await relations.list(ctx, { model: "docs" })).items).toMatchObject([
      { model: "docs", tenant: "acme", subject: "team:a#member", object: "document:1" },
      { model: "docs", subject: "user:alice", relation: "member", object: "team:a" },
    ]);
    expect((await relations.list(ctx, {})).items).toEqual([]);
    await relations.revoke(ctx, id);
    expect(await check(acme)).toBe("false");
    expect(await on.outcome(() => on.names(alice, "/"))).toBe("not-found");
  });

  it("judges conditions, and what holds for one question alone", async () => {
    await grant(acme, {
      object: "document:2",
      condition: { name: "in_time", context: { end: 10 } },
    });
    const asked = { object: "document:2" };
    expect(await check(acme, { ...asked, context: { now: 5 } })).toBe("true");
    expect(await check(acme, { ...asked, context: { now: 15 } })).toBe("false");
    const contextual = [{ subject: "user:alice", relation: "owner", object: "document:3" }];
    expect(await check(acme, { object: "document:3", contextual })).toBe("true");
    expect(await check(acme, { object: "document:3" })).toBe("false");
    expect(await check(acme, { model: undefined, object: "file:/x", contextual })).toBe(
      "invalid-request",
    );
  });

  it("refuses what it does not define", async () => {
    for (const input of [
      { relation: "destroyer" },
      { object: "thing:1" },
      { subject: "team:a" },
      { object: "document:*" },
      { condition: { name: "none" } },
      { subjectTenant: "acme", expiresAt: 1 },
    ])
      expect([input, await grant(acme, input)]).toEqual([input, "invalid-request"]);
    const put = async (text: string): Promise<string> =>
      on.outcome(async () =>
        on.engine.control.models.put(await on.as(acme), { name: "broken", source: text }),
      );
    expect(
      await put("model\n  schema 1.1\ntype user\ntype x\n  relations\n    define a: b\n"),
    ).toBe("invalid-request");
    expect(
      await put("model\n  schema 1.1\ntype user\ntype file\n  relations\n    define a: [user]\n"),
    ).toBe("invalid-request");
    expect(await check(acme, { model: "broken" })).toBe("not-found");
  });

  it("is changed by its tenant's admins alone, and is nobody else's to see", async () => {
    expect(await check(beta)).toBe("not-found");
    expect(await check(beta, { tenant: "acme" })).toBe("tenant-mismatch");
    expect(await grant(alice, {})).toBe("forbidden");
    const { models, relations } = on.engine.control;
    const put = async (key: string, name: string): Promise<string> =>
      on.outcome(async () => models.put(await on.as(key), { name, source }));
    expect(await put(alice, "docs")).toBe("forbidden");
    expect(await put(acme, "Not A Name")).toBe("invalid-request");
    expect((await models.get(await on.as(alice), "docs")).source).toBe(source);
    expect((await models.list(await on.as(beta), {})).items).toEqual([]);
    const id = await grant(acme, { object: "document:9" });
    expect(await on.outcome(async () => relations.revoke(await on.as(beta), id))).toBe("not-found");
    expect(await on.outcome(async () => relations.revoke(await on.as(alice), id))).toBe(
      "forbidden",
    );
    await models.remove(await on.as(platformKey), "docs", "acme");
    expect(await check(acme)).toBe("not-found");
    await models.put(await on.as(acme), { name: "docs", source });
    expect(await check(acme, { object: "document:9" })).toBe("false");
  });
});
