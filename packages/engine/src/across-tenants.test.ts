import { isFileError, parseRequestPath, type RelationQuery } from "@bulkhead/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Authorized, authorized, platformKey } from "./test/authorized.ts";

const at = parseRequestPath;
const docs = "/workspace/acme/docs";
const all = ["read", "write", "share", "admin"] as const;

describe("what is another tenant's", () => {
  let on: Authorized;
  /** Bound to the roots of acme and beta, with every scope. */
  let acme: string;
  let beta: string;
  /** An admin of beta, who is nobody in acme. */
  let bob: string;

  beforeAll(async () => {
    on = await authorized();
    const { tenants, groups } = on.engine.control;
    for (const id of ["acme", "beta"]) await tenants.create(await on.as(platformKey), { id });
    for (const path of ["acme/docs/a", "acme/docs/b", "beta/x"])
      await on.write(platformKey, `/workspace/${path}`);
    acme = await on.mint(platformKey, { workspacePrefix: "/workspace/acme", scopes: all });
    beta = await on.mint(platformKey, { workspacePrefix: "/workspace/beta", scopes: all });
    bob = await on.user("beta", "bob");
    await groups.create(await on.as(platformKey), "beta", "hidden");
    await on.grant("user:bob", "member", "group:hidden", { tenant: "beta", subjectTenant: "beta" });
    await on.grant("user:bob", "admin", "tenant:beta", { subjectTenant: "beta" });
    await on.grant("user:carol", "owner", docs);
    await on.grant("user:dave", "blocked", docs);
    await on.grant("tenant:beta", "viewer", docs);
    await on.engine.control.shares.create(await on.as(acme), { path: "/docs", tenant: "beta" });
  });
  afterAll(() => on[Symbol.asyncDispose]());

  it("tells the giver nothing of who is who there", async () => {
    const { relations } = on.engine.control;
    const asked = { subject: "user:bob", permission: "member", type: "group" } as const;
    const groups = async (key: string): Promise<unknown> =>
      relations.listObjects(await on.as(key), {
        ...asked,
        subjectTenant: "beta",
        tenant: undefined,
      });
    expect(await groups(bob)).toMatchObject({ items: ["group:hidden"] });
    expect(await on.outcome(() => groups(acme))).toBe("not-found");
  });

  it("tells it nothing of whom else the giver gave it to", async () => {
    const { relations, explain } = on.engine.control;
    const told = async (key: string, query: RelationQuery): Promise<readonly string[]> =>
      (await relations.list(await on.as(key), query)).items.map(({ subject }) => subject);
    expect(await told(acme, { object: `file:${docs}` })).toContain("user:carol");
    expect(await told(bob, { object: `file:${docs}` })).toEqual([
      "tenant:beta#member",
      "tenant:beta#member",
    ]);
    const asked = [
      [bob, docs],
      [bob, "/shared/from-acme/docs"],
      [beta, "/shared/from-acme/docs"],
    ] as const;
    for (const [key, path] of asked) {
      const said = await explain(await on.as(key), { operation: "write", path });
      expect([path, said.decision]).toEqual([path, "denied"]);
      expect(JSON.stringify(said)).not.toMatch(/carol|dave/u);
    }
  });

  it("has a name that a path can have, however often it is given", async () => {
    const { shares } = on.engine.control;
    const path = `/${"n".repeat(255)}`;
    await on.write(acme, path);
    const give = async () => shares.create(await on.as(acme), { path, tenant: "beta" });
    const [first, second] = [await give(), await give()];
    expect(first.target).toMatch(/nn$/u);
    expect(second.target).toMatch(/n-2$/u);
    expect((await shares.list(await on.as(acme), {})).items).toHaveLength(3);
    expect(await on.text(beta, second.target ?? "")).toBe("text");
    for (const { id } of [first, second]) await shares.revoke(await on.as(acme), id);
  });

  it("is given as long as both serve, also by what is asked about it", async () => {
    const { relations, tenants } = on.engine.control;
    const object = `file:${docs}/a`;
    const asked = { subject: "user:bob", subjectTenant: "beta", object, permission: "can_read" };
    const check = async (): Promise<boolean> =>
      (await relations.check(await on.as(platformKey), asked)).allowed;
    const listed = async (): Promise<readonly string[]> =>
      (await relations.listObjects(await on.as(platformKey), { ...asked, tenant: "acme" })).items;
    const named = async (): Promise<string> =>
      JSON.stringify(await relations.listSubjects(await on.as(platformKey), asked));
    for (const id of ["acme", "beta"]) {
      expect([await check(), await listed()]).toEqual([true, [`file:${docs}`]]);
      expect(await named()).toContain("tenant:beta");
      await tenants.suspend(await on.as(platformKey), id, undefined);
      expect([id, await check(), await listed()]).toEqual([id, false, []]);
      expect(await named()).not.toContain("tenant:beta");
      await tenants.reactivate(await on.as(platformKey), id);
    }
  });

  it("is taken back as it was given", async () => {
    const { relations } = on.engine.control;
    const { items } = await relations.list(await on.as(acme), { subject: "tenant:beta" });
    const detail = async (id: string): Promise<string> => {
      try {
        await relations.revoke(await on.as(acme), id);
        return "revoked";
      } catch (error) {
        return isFileError(error, "conflict") ? `${error.retry}: ${error.detail}` : String(error);
      }
    };
    expect(await Promise.all(items.map(({ id }) => detail(id)))).toEqual([
      "revoked",
      "never: This relation belongs to a share; revoke the share.",
    ]);
  });

  it("is taken from the giver by nobody but the platform", async () => {
    await on.grant("tenant:beta", "editor", docs);
    const { session } = on.engine.control;
    const move = (key: string, from: string, to: string): Promise<string> =>
      on.outcome(async () => session.move(await on.as(key), at(from), at(to)));
    await on.grant("user:bob", "owner", "/workspace/beta", { subjectTenant: "beta" });
    expect(await move(bob, `${docs}/a`, "/taken")).toBe("forbidden");
    expect(await move(bob, "/x", `${docs}/given`)).toBe("forbidden");
    expect(await move(bob, `${docs}/a`, `${docs}/c`)).toBe("ok");
    await on.grant("user:carol", "viewer", `${docs}/c`);
    expect(await move(platformKey, `${docs}/c`, "/workspace/beta/taken")).toBe("ok");
    // What was granted there stays with nobody.
    for (const path of [`${docs}/c`, "/workspace/beta/taken"]) {
      const { items } = await on.engine.control.relations.list(await on.as(platformKey), {
        object: `file:${path}`,
      });
      expect(items).toEqual([]);
    }
  });

  it("is administered by nobody who reaches one of its roots alone", async () => {
    const { tenants, session, users } = on.engine.control;
    await tenants.create(await on.as(platformKey), { id: "gamma" });
    await session.mkdir(await on.as(platformKey), at("/tenants/gamma"));
    await on.write(platformKey, "/tenants/gamma/hidden");
    await on.grant("user:alice", "owner", "/tenants/gamma");
    const part = await on.mint(platformKey, { workspacePrefix: "/workspace/gamma", scopes: all });
    expect(await on.outcome(() => on.as(part, { as: "user:alice" }))).toBe("forbidden");
    expect(
      await on.outcome(async () =>
        users.create(await on.as(part), "gamma", { id: "eve", role: "admin" }),
      ),
    ).toBe("forbidden");
  });
});
