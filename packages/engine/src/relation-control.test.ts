import {
  type CheckInput,
  type Explanation,
  type Operation,
  parseRequestPath,
  type RelationInput,
  type RelationRecord,
} from "@bulkhead/contract";
import { bytesBody } from "@bulkhead/kit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Authorized, authorized, platformKey } from "./test/authorized.ts";

const at = parseRequestPath;
const docs = "/workspace/acme/docs";

describe("relations", () => {
  let on: Authorized;
  let alice: string;
  let root: string;

  beforeAll(async () => {
    on = await authorized();
    const { tenants } = on.engine.control;
    for (const id of ["acme", "beta"]) await tenants.create(await on.as(platformKey), { id });
    for (const path of ["acme/docs/a", "acme/docs/deep/b", "acme/other", "beta/x"])
      await on.write(platformKey, `/workspace/${path}`);
    alice = await on.user("acme", "alice");
    const scopes = ["read", "write", "share", "admin"] as const;
    root = await on.mint(platformKey, { workspacePrefix: "/workspace/acme", scopes });
  });
  afterEach(() => on.revokeAll("acme", "beta"));
  afterAll(() => on[Symbol.asyncDispose]());

  const relations = {
    grant: async (key: string, input: Partial<RelationInput>): Promise<string> =>
      on.outcome(async () =>
        on.engine.control.relations.grant(await on.as(key), {
          subject: "user:bob",
          relation: "viewer",
          object: `file:${docs}`,
          ...input,
        }),
      ),
    check: async (key: string, input: Partial<CheckInput>): Promise<string> => {
      let allowed = false;
      const outcome = await on.outcome(async () => {
        ({ allowed } = await on.engine.control.relations.check(await on.as(key), {
          subject: "user:alice",
          permission: "can_read",
          object: `file:${docs}/a`,
          ...input,
        }));
      });
      return outcome === "ok" ? String(allowed) : outcome;
    },
  };

  const list = async (key: string, query = {}): Promise<readonly RelationRecord[]> =>
    (await on.engine.control.relations.list(await on.as(key), query)).items;

  it("are written as the model knows them, and nothing else", async () => {
    const refused: readonly Partial<RelationInput>[] = [
      { subject: "bob" },
      { subject: "user:" },
      { subject: "user:b#member" },
      { subject: "group:g#admin" },
      { subject: "service:*" },
      { subject: "user:*", relation: "editor" },
      { subject: "user:a/b" },
      { relation: "member" },
      { relation: "destroyer" },
      { object: `file:${docs}/*/a` },
      { object: "thing:x" },
      { object: "tenant:acme", relation: "member" },
      { subject: "tenant:acme", relation: "blocked" },
      { subject: "tenant:beta", relation: "owner" },
      { subject: "user:eve", subjectTenant: "beta", relation: "owner" },
      { subject: "user:eve", subjectTenant: "beta", relation: "blocked" },
      { subject: "user:*", subjectTenant: "beta" },
      { expiresAt: 1 },
    ];
    for (const input of refused)
      expect([input, await relations.grant(root, input)]).toEqual([input, "invalid-request"]);
    for (const object of ["file:/", "file:/workspace"])
      expect(await relations.grant(platformKey, { object })).toBe("invalid-request");
    expect(await relations.grant(root, { object: "file:/docs/.." })).toBe("invalid-path");
    expect(await relations.grant(root, { object: `file:${docs}/none` })).toBe("not-found");
    expect(await relations.grant(root, { object: "file:/workspace/beta/x" })).toBe(
      "outside-workspace",
    );
    expect(await list(platformKey, { tenant: "acme" })).toEqual([]);
    const aliases = { reader: "viewer", can_write: "editor", direct_owner: "owner" };
    for (const [relation, meant] of Object.entries(aliases)) {
      expect(await relations.grant(root, { relation, object: "file:/docs/**" })).toBe("ok");
      const last = (await list(root)).at(-1);
      expect(last).toMatchObject({
        tenant: "acme",
        subject: "user:bob",
        relation: meant,
        object: `file:${docs}/*`,
        subjectTenant: null,
        expiresAt: null,
      });
    }
  });

  it("of what lies below a path say nothing of the path itself", async () => {
    await on.grant("user:alice", "editor", `${docs}/*`);
    expect(await on.text(alice, "/docs/a")).toBe("text");
    expect(await relations.check(root, { object: `file:${docs}` })).toBe("false");
    expect(await relations.check(root, {})).toBe("true");
    expect(
      await on.outcome(async () =>
        on.engine.control.session.remove(await on.as(alice), at("/docs"), { recursive: true }),
      ),
    ).toBe("not-found");
    expect(await on.names(alice, "/docs")).toEqual(["a", "deep/"]);
  });

  it("are given by who can share, and give no more than it has", async () => {
    expect(await relations.grant(alice, {})).toBe("not-found");
    await on.grant("user:alice", "editor", docs);
    expect(await relations.grant(alice, {})).toBe("forbidden");
    expect(await relations.grant(alice, { subject: "user:alice", relation: "owner" })).toBe(
      "forbidden",
    );
    await on.grant("user:alice", "owner", `${docs}/deep`);
    expect(await relations.grant(alice, { object: `file:${docs}/deep`, relation: "owner" })).toBe(
      "ok",
    );
    expect(await relations.grant(alice, { object: "tenant:acme", relation: "admin" })).toBe(
      "forbidden",
    );
    expect(
      await relations.grant(alice, { subject: "tenant:beta", object: `file:${docs}/deep` }),
    ).toBe("ok");
    const reader = await on.user("acme", "alice", ["read", "share"]);
    const deep = `file:${docs}/deep`;
    expect(await relations.grant(reader, { object: deep })).toBe("ok");
    expect(await relations.grant(reader, { object: deep, relation: "editor" })).toBe("forbidden");
    const unable = await on.user("acme", "alice", ["read", "write"]);
    expect(await relations.grant(unable, { object: deep })).toBe("scope-required");
    // What it gave it takes back, and not what lies elsewhere.
    const given = await list(alice);
    const elsewhere = (await list(root)).find(({ object }) => object === `file:${docs}`);
    const { relations: control } = on.engine.control;
    const revokes = async (id: string | undefined): Promise<string> =>
      on.outcome(async () => control.revoke(await on.as(alice), id ?? ""));
    expect(await revokes(elsewhere?.id)).toBe("forbidden");
    expect(await revokes("no such id")).toBe("not-found");
    for (const { id, object, subject } of given)
      if (object === deep && subject !== "user:alice") expect(await revokes(id)).toBe("ok");
    expect(await on.outcome(() => on.text(alice, `${docs}/deep/b`))).toBe("ok");
  });

  it("are checked for those who may see the object, and oneself always", async () => {
    expect(await relations.check(alice, {})).toBe("false");
    expect(await relations.check(alice, { object: `file:${docs}/none` })).toBe("false");
    expect(await relations.check(alice, { subject: "user:bob" })).toBe("not-found");
    await on.grant("user:alice", "viewer", docs);
    expect(await relations.check(alice, {})).toBe("true");
    expect(await relations.check(alice, { subject: "user:bob" })).toBe("false");
    expect(await relations.check(alice, { permission: "can_write" })).toBe("false");
    expect(await relations.check(root, { object: "file:/workspace/beta/x" })).toBe(
      "outside-workspace",
    );
    const { relations: control } = on.engine.control;
    const batch = await control.checkBatch(
      await on.as(platformKey),
      ["user:alice", "user:bob"].map((subject) => ({
        subject,
        permission: "can_read",
        object: `file:${docs}/a`,
      })),
    );
    expect(batch.map(({ allowed }) => allowed)).toEqual([true, false]);
    const revision = batch[0]?.revision ?? "";
    expect(await relations.check(root, { revision })).toBe("true");
    const [epoch, n] = revision.split(".");
    expect(await relations.check(root, { revision: `${epoch}.${Number(n) + 1}` })).toBe(
      "unavailable",
    );
  });

  it("tell who may what, from either end", async () => {
    await on.engine.control.groups.create(await on.as(platformKey), "acme", "staff");
    await on.grant("user:alice", "member", "group:staff", { tenant: "acme" });
    await on.grant("group:staff", "viewer", docs);
    await on.grant("user:carol", "owner", `${docs}/deep`);
    const { relations: control } = on.engine.control;
    const ctx = await on.as(root);
    const subjects = async (object: string, permission: string): Promise<readonly string[]> =>
      (await control.listSubjects(ctx, { object, permission })).items;
    expect(await subjects(`file:${docs}/deep/b`, "can_read")).toEqual([
      "group:staff#member",
      "user:carol",
    ]);
    expect(await subjects(`file:${docs}/deep/b`, "can_write")).toEqual(["user:carol"]);
    expect(await subjects("group:staff", "member")).toEqual(["user:alice"]);
    const objects = async (subject: string, type?: string): Promise<readonly string[]> =>
      (
        await control.listObjects(await on.as(root), {
          subject,
          permission: type === "group" ? "member" : "can_read",
          type,
        })
      ).items;
    expect(await objects("user:alice")).toEqual([`file:${docs}`]);
    expect(await objects("user:carol")).toEqual([`file:${docs}/deep`]);
    expect(await objects("user:alice", "group")).toEqual(["group:staff"]);
    expect(await relations.check(root, { permission: "member", object: "group:staff" })).toBe(
      "true",
    );
    const tree = await control.expand(ctx, { relation: "can_read", object: `file:${docs}/deep/b` });
    const text = JSON.stringify(tree);
    expect(text).toContain("group:staff#member");
    expect(text).toContain("user:carol");
    await on.engine.control.groups.remove(await on.as(platformKey), "acme", "staff");
    expect(await objects("user:alice")).toEqual([]);
  });

  it("across tenants show both sides what concerns them, and of the other's own nothing", async () => {
    await on.grant("user:carol", "owner", docs);
    await on.grant("tenant:beta", "viewer", docs);
    const bob = await on.user("beta", "bob");
    const { relations: control } = on.engine.control;
    expect(await on.text(bob, `${docs}/a`)).toBe("text");
    const subjects = await control.listSubjects(await on.as(bob), {
      object: `file:${docs}`,
      permission: "can_read",
    });
    expect(subjects.items).toEqual(["tenant:beta#member"]);
    expect(
      JSON.stringify(
        await control.expand(await on.as(bob), { object: `file:${docs}`, relation: "can_read" }),
      ),
    ).not.toContain("carol");
    expect(await relations.check(bob, { subject: "user:carol", subjectTenant: "acme" })).toBe(
      "not-found",
    );
    const crossing = await list(platformKey, { tenant: "acme", crossing: true });
    expect(crossing).toMatchObject([{ subject: "tenant:beta#member", subjectTenant: "beta" }]);
    const whole = await on.mint(platformKey, {
      workspacePrefix: "/workspace/beta",
      scopes: ["read", "share", "admin"],
    });
    expect(await list(whole, { crossing: true })).toMatchObject([{ tenant: "acme" }]);
    expect(await list(whole)).toEqual([]);
  });

  it("go with what they are on, and come back with nothing that is made anew", async () => {
    const { session } = on.engine.control;
    await on.write(root, "/docs/here/file");
    await on.grant("user:alice", "viewer", `${docs}/here`);
    await session.move(await on.as(root), at("/docs/here"), at("/docs/there"));
    expect(await on.text(alice, "/docs/there/file")).toBe("text");
    await on.write(root, "/docs/here/file");
    expect(await on.outcome(() => on.text(alice, "/docs/here/file"))).toBe("not-found");
    await session.remove(await on.as(root), at("/docs/there"), { recursive: true });
    await on.write(root, "/docs/there/file");
    expect(await on.outcome(() => on.text(alice, "/docs/there/file"))).toBe("not-found");
    expect(await list(root)).toEqual([]);
  });

  it("hold on the other process at once", async () => {
    const other = await on.another();
    for (let i = 0; i < 5; i++) {
      const id = await on.grant("user:alice", "viewer", docs);
      expect(await other.text(alice, "/docs/a")).toBe("text");
      await on.revoke(id);
      expect(await other.outcome(() => other.text(alice, "/docs/a"))).toBe("not-found");
    }
  });

  describe("and acting for another", () => {
    it("gives what the other has, by name of both, to admins alone", async () => {
      await on.grant("user:alice", "editor", docs);
      const acting = { as: "user:alice", namespace: "tenant:acme" };
      const { session, audit, whoami } = on.engine.control;
      for (const key of [platformKey, root]) {
        const ctx = await on.as(key, acting);
        await session.write(ctx, at("/docs/by"), bytesBody(new Uint8Array(1)));
        expect(await on.outcome(() => session.stat(ctx, at("/other")))).toBe("not-found");
        expect((await whoami(ctx)).principal).toMatchObject({
          kind: "identity",
          subject: { type: "user", id: "alice" },
          holder: { kind: key === root ? "capability" : "platform" },
        });
        const { items } = await audit.list(await on.as(root), { action: "write" });
        expect(items[0]?.actor).toMatch(/^user:alice@acme by .+/);
        await session.remove(ctx, at("/docs/by"));
      }
      const refused = async (key: string, extra: object): Promise<string> =>
        on.outcome(() => on.as(key, extra));
      expect(await refused(alice, acting)).toBe("forbidden");
      expect(await refused(root, { as: "user:nobody" })).toBe("forbidden");
      expect(await refused(root, { as: "user:alice", namespace: "tenant:beta" })).toBe(
        "tenant-mismatch",
      );
      expect(await refused(platformKey, { as: "user:alice", namespace: "tenant:beta" })).toBe(
        "forbidden",
      );
      expect(await refused(platformKey, { as: "group:x", namespace: "tenant:acme" })).toBe(
        "invalid-request",
      );
      const part = await on.mint(platformKey, { workspacePrefix: docs, scopes: ["read", "admin"] });
      expect(await refused(part, { as: "user:alice" })).toBe("forbidden");
    });

    it("ends at once with the right to", async () => {
      const boss = await on.user("acme", "boss");
      const id = await on.grant("user:boss", "admin", "tenant:acme");
      await on.grant("user:alice", "editor", docs);
      const ctx = await on.as(boss, { as: "user:alice" });
      const write = (): Promise<string> =>
        on.outcome(() =>
          on.engine.control.session.write(ctx, at("/docs/by"), bytesBody(new Uint8Array(1))),
        );
      expect(await write()).toBe("ok");
      await on.revoke(id);
      expect(await write()).toBe("forbidden");
    });
  });

  describe("explained", () => {
    const explain = async (
      key: string,
      operation: Operation,
      path: string,
      more: { to?: string; subject?: string } = {},
    ): Promise<Explanation> =>
      on.engine.control.explain(await on.as(key), { operation, path, ...more });

    it("name what was asked, in its order, and where it ended", async () => {
      await on.grant("user:alice", "viewer", docs);
      const yes = await explain(alice, "read", "/docs/a");
      expect(yes.decision).toBe("allowed");
      expect(yes.subject).toBe("user:alice@acme");
      expect(yes.steps.map(({ step }) => step)).toEqual([
        "path",
        "rate",
        "bounds",
        "share",
        "tenant",
        "scopes",
        "relations",
        "quota",
        "mount",
        "backend",
      ]);
      expect(JSON.stringify(yes.steps.find(({ step }) => step === "relations"))).toContain(
        `user:alice viewer file:${docs}`,
      );
      const no = await explain(alice, "write", "/docs/a");
      expect(no).toMatchObject({ decision: "denied", code: "forbidden" });
      expect(no.steps.find(({ outcome }) => outcome === "denied")).toMatchObject({
        step: "relations",
        facts: { touches: [{ misses: [{ why: "weaker-role" }] }] },
      });
      await on.grant("user:bob", "owner", "/workspace/acme/other");
      const hidden = await explain(alice, "read", "/other");
      expect(hidden).toMatchObject({ decision: "denied", code: "not-found" });
      expect(JSON.stringify(hidden)).not.toContain("bob");
      const told = await explain(root, "read", "/other", { subject: "user:alice" });
      expect(told.code).toBe("not-found");
      expect(JSON.stringify(told)).toContain("user:bob");
      expect(
        await on.outcome(() => explain(alice, "read", "/other", { subject: "user:bob" })),
      ).toBe("forbidden");
    });

    it("name the group through which it is given", async () => {
      await on.engine.control.groups.create(await on.as(platformKey), "acme", "readers");
      await on.grant("user:alice", "member", "group:readers", { tenant: "acme" });
      await on.grant("group:readers", "viewer", `${docs}/a`);
      const { steps } = await explain(alice, "read", "/docs/a");
      expect(JSON.stringify(steps)).toContain(
        `["user:alice member group:readers","group:readers#member viewer file:${docs}/a"]`,
      );
    });

    it("say what the request gets", async () => {
      await on.grant("user:alice", "viewer", docs);
      await on.grant("user:alice", "editor", `${docs}/deep`);
      const { session } = on.engine.control;
      const run: Readonly<
        Record<
          "stat" | "read" | "list" | "write" | "mkdir" | "remove",
          (key: string, path: string) => Promise<unknown>
        >
      > = {
        stat: async (key, path) => session.stat(await on.as(key), at(path)),
        list: async (key, path) => session.list(await on.as(key), at(path)),
        read: async (key, path) => on.text(key, path),
        write: async (key, path) => on.write(key, path),
        mkdir: async (key, path) => session.mkdir(await on.as(key), at(path)),
        remove: async (key, path) => session.remove(await on.as(key), at(path)),
      };
      const reader = await on.user("acme", "alice", ["read"]);
      const asked: readonly (readonly [keyof typeof run, string])[] = [
        ["stat", "/"],
        ["stat", "/workspace"],
        ["list", "/workspace"],
        ["list", "/"],
        ["list", "/docs"],
        ["read", "/docs/a"],
        ["read", "/docs/none"],
        ["read", "/other"],
        ["read", "/workspace/beta/x"],
        ["read", "/workspace/nobody/x"],
        ["write", "/docs/a"],
        ["write", "/docs/deep/b"],
        ["write", "/other"],
        ["mkdir", "/docs/new"],
        ["remove", "/docs/none"],
        ["remove", "/docs/a"],
        ["remove", "/workspace/acme"],
        ["mkdir", "/workspace/new"],
      ];
      for (const key of [alice, reader, root])
        for (const [operation, path] of asked) {
          // Explained first: what is removed is not there afterwards.
          const { decision, code = "ok" } = await explain(key, operation, path);
          const real = await on.outcome(() => run[operation](key, path));
          expect([operation, path, code, decision]).toEqual([
            operation,
            path,
            real,
            real === "ok" ? "allowed" : "denied",
          ]);
          if (key === root && operation === "remove" && real === "ok") await on.write(root, path);
        }
    });
  });
});
