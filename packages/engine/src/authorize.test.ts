import { type ErrorCode, parseRequestPath, type RelationInput } from "@bulkhead/contract";
import { bytesBody, chunksOf, textBody } from "@bulkhead/kit";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Authorized, authorized, platformKey } from "./test/authorized.ts";

const at = parseRequestPath;

describe("an identity", () => {
  let on: Authorized;
  let alice: string;

  beforeAll(async () => {
    on = await authorized();
    const { tenants } = on.engine.control;
    await tenants.create(await on.as(platformKey), { id: "acme" });
    await tenants.create(await on.as(platformKey), { id: "beta" });
    for (const path of ["docs/a", "docs/b", "docs/deep/c", "docs/secret/s", "other/o", "drop/x"])
      await on.write(platformKey, `/workspace/acme/${path}`);
    alice = await on.user("acme", "alice");
  });
  // Each begins with nothing granted.
  afterEach(() => on.revokeAll("acme", "beta"));
  afterAll(() => on[Symbol.asyncDispose]());

  /** What alice gets for each operation on a path. */
  const table = async (path: string): Promise<Readonly<Record<string, ErrorCode | "ok">>> => {
    const { control } = on.engine;
    const ctx = (): ReturnType<Authorized["as"]> => on.as(alice);
    return {
      stat: await on.outcome(async () => control.session.stat(await ctx(), at(path))),
      read: await on.outcome(async () => on.text(alice, path)),
      write: await on.outcome(async () => on.write(alice, path)),
      mkdir: await on.outcome(async () => control.session.mkdir(await ctx(), at(`${path}-dir`))),
      remove: await on.outcome(async () => control.session.remove(await ctx(), at(path))),
      missing: await on.outcome(async () =>
        control.session.remove(await ctx(), at(`${path}-missing`)),
      ),
    };
  };
  const nothing = {
    stat: "not-found",
    read: "not-found",
    write: "not-found",
    mkdir: "not-found",
    remove: "not-found",
    missing: "not-found",
  };

  it("finds nothing without a relation, not even its tenant's root", async () => {
    expect(await table("/workspace/acme/docs/a")).toEqual(nothing);
    expect(await on.outcome(() => on.names(alice, "/"))).toBe("not-found");
    expect(await on.outcome(() => on.names(alice, "/workspace/beta"))).toBe("outside-workspace");
  });

  it("reads what it views, and is forbidden what it sees but may not do", async () => {
    const id = await on.grant("user:alice", "viewer", "/workspace/acme/docs");
    expect(await table("/workspace/acme/docs/a")).toEqual({
      stat: "ok",
      read: "ok",
      write: "forbidden",
      mkdir: "forbidden",
      remove: "forbidden",
      missing: "not-found",
    });
    expect(await table("/workspace/acme/other/o")).toEqual(nothing);
    expect(await on.names(alice, "/")).toEqual(["docs/"]);
    const stat = await on.engine.control.session.stat(await on.as(alice), at("/"));
    expect(stat).toEqual({ name: "", kind: "directory", size: 0, modifiedAt: 0 });
    expect(await on.names(alice, "/docs")).toEqual(["a", "b", "deep/", "secret/"]);
    const copied = async (from: string, to: string): Promise<string> =>
      on.outcome(async () => on.engine.control.session.copy(await on.as(alice), at(from), at(to)));
    expect(await copied("/docs/a", "/docs/z")).toBe("forbidden");
    expect(await copied("/other/o", "/docs/z")).toBe("not-found");
    expect(await copied("/docs/a", "/other/z")).toBe("not-found");
    await on.revoke(id);
    expect(await table("/workspace/acme/docs/a")).toEqual(nothing);
  });

  it("is shown a directory that leads on, and may do nothing else with it", async () => {
    await on.grant("user:alice", "viewer", "/workspace/acme/docs/deep");
    await on.grant("user:alice", "editor", "/workspace/acme/drop");
    expect(await table("/workspace/acme/docs")).toEqual({ ...nothing, stat: "ok" });
    const copied = await on.outcome(async () =>
      on.engine.control.session.copy(await on.as(alice), at("/docs"), at("/drop/docs")),
    );
    expect(copied).toBe("not-found");
    expect(await on.names(alice, "/docs")).toEqual(["deep/"]);
    expect(await on.outcome(() => on.names(alice, "/other"))).toBe("not-found");
  });

  it("ends where the key does that it was minted with", async () => {
    const { keys } = on.engine.control;
    const parent = await on.mint(platformKey, {
      workspacePrefix: "/workspace/acme",
      scopes: ["read", "write", "admin"],
    });
    const child = await on.mint(parent, { subject: { type: "user", id: "alice" } });
    await on.grant("user:alice", "viewer", "/workspace/acme/docs");
    await on.grant("user:alice", "viewer", "/workspace/acme/other");
    await on.write(platformKey, "/workspace/beta/gift/g");
    await on.grant("user:alice", "viewer", "/workspace/beta/gift", { subjectTenant: "acme" });
    const reads = (path: string): Promise<string> => on.outcome(() => on.text(child, path));
    expect(await reads("/workspace/beta/gift/g")).toBe("ok");
    const { keyId } = (await on.as(parent)).principal;
    await keys.narrow(await on.as(platformKey), keyId, {
      workspacePrefix: "/workspace/acme/docs",
    });
    expect(await reads("/workspace/acme/docs/a")).toBe("ok");
    expect(await reads("/workspace/acme/other/o")).toBe("outside-workspace");
    expect(await reads("/workspace/beta/gift/g")).toBe("outside-workspace");
  });

  it("edits what it is editor of, at both ends of a copy and a move", async () => {
    const viewer = await on.grant("user:alice", "viewer", "/workspace/acme/docs");
    const editor = await on.grant("user:alice", "editor", "/workspace/acme/drop");
    const { session: files } = on.engine.control;
    await files.copy(await on.as(alice), at("/docs/a"), at("/drop/copy"));
    const move = (from: string, to: string): Promise<string> =>
      on.outcome(async () => files.move(await on.as(alice), at(from), at(to)));
    expect(await move("/docs/a", "/drop/moved")).toBe("forbidden");
    expect(await move("/drop/copy", "/docs/moved")).toBe("forbidden");
    expect(await move("/drop/copy", "/other/moved")).toBe("not-found");
    expect(await move("/drop/copy", "/drop/made/up/moved")).toBe("ok");
    await files.remove(await on.as(alice), at("/drop/made"), { recursive: true });
    await on.revoke(viewer);
    await on.revoke(editor);
  });

  it("is kept out of what it is blocked on, which nobody takes away or copies out past it", async () => {
    await on.grant("user:alice", "owner", "/workspace/acme/docs");
    await on.grant("user:alice", "blocked", "/workspace/acme/docs/secret");
    const { session: files } = on.engine.control;
    expect(await table("/workspace/acme/docs/secret/s")).toEqual(nothing);
    expect(await on.names(alice, "/docs")).toEqual(["a", "b", "deep/"]);
    const done = (run: () => Promise<unknown>): Promise<string> => on.outcome(run);
    expect(
      await done(async () => files.remove(await on.as(alice), at("/docs"), { recursive: true })),
    ).toBe("forbidden");
    await on.grant("user:alice", "editor", "/workspace/acme/drop");
    expect(
      await done(async () => files.copy(await on.as(alice), at("/docs"), at("/drop/docs"))),
    ).toBe("forbidden");
    expect(
      await done(async () => files.move(await on.as(alice), at("/docs"), at("/drop/docs"))),
    ).toBe("forbidden");
  });

  it("moves nothing out of where somebody is blocked unless it could share it", async () => {
    await on.grant("user:bob", "blocked", "/workspace/acme/docs");
    await on.grant("user:alice", "editor", "/workspace/acme");
    const { session: files } = on.engine.control;
    const move = async (from: string, to: string): Promise<string> =>
      on.outcome(async () => files.move(await on.as(alice), at(from), at(to)));
    expect(await move("/docs/b", "/drop/b")).toBe("forbidden");
    expect(await move("/docs/b", "/docs/deep/b")).toBe("ok");
    await on.grant("user:alice", "owner", "/workspace/acme/docs");
    expect(await move("/docs/deep/b", "/drop/b")).toBe("ok");
    expect(await move("/drop/b", "/docs/b")).toBe("ok");
  });

  it("has what its groups, its tenant and everybody have", async () => {
    const { groups } = on.engine.control;
    await groups.create(await on.as(platformKey), "acme", "staff");
    await groups.create(await on.as(platformKey), "acme", "all");
    const reads = (): Promise<string> => on.outcome(() => on.text(alice, "/workspace/acme/docs/a"));
    const member = (subject: string, group: string): Promise<string> =>
      on.grant(subject, "member", `group:${group}`, { tenant: "acme" });
    const viewer = await on.grant("group:all", "viewer", "/workspace/acme/docs");
    expect(await reads()).toBe("not-found");
    const inner = await member("user:alice", "staff");
    expect(await reads()).toBe("not-found");
    await member("group:staff", "all");
    expect(await reads()).toBe("ok");
    await on.revoke(inner);
    expect(await reads()).toBe("not-found");
    await member("user:alice", "staff");
    expect(await reads()).toBe("ok");
    await groups.remove(await on.as(platformKey), "acme", "staff");
    expect(await reads()).toBe("not-found");
    await on.revoke(viewer);
    for (const subject of ["tenant:acme", "user:*"]) {
      const id = await on.grant(subject, "viewer", "/workspace/acme/docs");
      expect(await reads()).toBe("ok");
      await on.revoke(id);
      expect(await reads()).toBe("not-found");
    }
    const agents = await on.grant("agent:*", "viewer", "/workspace/acme/docs");
    expect(await reads()).toBe("not-found");
    await on.revoke(agents);
  });

  it("reaches what another tenant gives it, and only that", async () => {
    await on.write(platformKey, "/workspace/beta/gift/g");
    await on.write(platformKey, "/workspace/beta/private/p");
    const more: Partial<RelationInput> = { subjectTenant: "acme" };
    const id = await on.grant("user:alice", "editor", "/workspace/beta/gift", more);
    expect(await on.text(alice, "/workspace/beta/gift/g")).toBe("text");
    await on.write(alice, "/workspace/beta/gift/new");
    expect(await on.names(alice, "/workspace")).toEqual(["acme/", "beta/"]);
    expect(await on.names(alice, "/workspace/beta")).toEqual(["gift/"]);
    expect(await on.outcome(() => on.text(alice, "/workspace/beta/private/p"))).toBe(
      "outside-workspace",
    );
    const { tenants } = on.engine.control;
    for (const tenant of ["beta", "acme"]) {
      await tenants.suspend(await on.as(platformKey), tenant, undefined);
      expect(await on.outcome(() => on.text(alice, "/workspace/beta/gift/g"))).toBe(
        "tenant-suspended",
      );
      await tenants.reactivate(await on.as(platformKey), tenant);
    }
    await on.revoke(id);
    expect(await on.outcome(() => on.text(alice, "/workspace/beta/gift/g"))).toBe(
      "outside-workspace",
    );
  });

  it("loses what ends, without anybody doing anything", async () => {
    const expiresAt = Date.now() + 2500;
    await on.grant("user:alice", "viewer", "/workspace/acme/docs", { expiresAt });
    expect(await on.text(alice, "/workspace/acme/docs/a")).toBe("text");
    let reason: unknown;
    const slow = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10);
      await new Promise((resolve) => setTimeout(resolve, 10_000).unref());
    };
    await on.grant("user:alice", "editor", "/workspace/acme/drop", { expiresAt });
    const upload = on.engine.control.session
      .write(await on.as(alice), at("/drop/slow"), {
        size: undefined,
        replayable: false,
        open: slow,
      })
      .catch((error: unknown) => {
        reason = error;
      });
    await upload;
    const late = Date.now() - expiresAt;
    expect(reason).toMatchObject({ code: "not-found" });
    expect(late).toBeGreaterThan(-50);
    expect(late).toBeLessThan(1000);
    expect(await table("/workspace/acme/docs/a")).toEqual(nothing);
  });

  it("commits nothing that was begun before a revoke", async () => {
    const id = await on.grant("user:alice", "editor", "/workspace/acme/drop");
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const writing = on.engine.control.session.write(await on.as(alice), at("/drop/late"), {
      size: undefined,
      replayable: false,
      open: async function* () {
        yield new Uint8Array(10);
        await gate;
      },
    });
    const settled = on.outcome(() => writing);
    await on.revoke(id);
    release();
    expect(await settled).toBe("not-found");
    expect(await on.outcome(() => on.text(platformKey, "/workspace/acme/drop/late"))).toBe(
      "not-found",
    );
  });

  it("is cut off what it is sent, by a revoke and by an end", async () => {
    const ended = async (until: number | undefined, end: (id: string) => Promise<void>) => {
      const more = until === undefined ? {} : { expiresAt: until };
      const id = await on.grant("user:alice", "viewer", "/workspace/acme/big", more);
      let cut = (): void => undefined;
      const wasCut = new Promise<void>((resolve) => (cut = resolve));
      const ctx = await on.as(alice, { cut: () => cut() });
      await using result = await on.engine.control.session.read(ctx, at("/big"));
      const chunks = chunksOf(result.content)[Symbol.asyncIterator]();
      await chunks.next();
      await end(id);
      const from = performance.now();
      await wasCut;
      const rest = async (): Promise<void> => {
        while ((await chunks.next()).done !== true);
      };
      await expect(rest()).rejects.toMatchObject({ code: "not-found" });
      return performance.now() - from;
    };
    await on.engine.control.session.write(
      await on.as(platformKey),
      at("/workspace/acme/big"),
      bytesBody(new Uint8Array(6 << 20)),
    );
    expect(await ended(undefined, on.revoke)).toBeLessThan(1500);
    const until = Date.now() + 1500;
    await ended(until, () => Promise.resolve());
    expect(Date.now() - until).toBeLessThan(1000);
  });

  it("is shown nothing more of a walk that a revoke overtakes", async () => {
    const id = await on.grant("user:alice", "viewer", "/workspace/acme/docs");
    const key = await on.mint(platformKey, { workspacePrefix: "/workspace/acme" });
    const ctx = { alice: await on.as(alice), key: await on.as(key) };
    const look = (who: "alice" | "key"): Promise<string> =>
      on.outcome(() => on.engine.control.session.list(ctx[who], at("/docs")));
    expect([await look("alice"), await look("key")]).toEqual(["ok", "ok"]);
    await on.revoke(id);
    await on.engine.control.keys.revoke(await on.as(platformKey), ctx.key.principal.keyId);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect([await look("alice"), await look("key")]).toEqual(["not-found", "unauthenticated"]);
  });

  it("administers its tenant where it is an admin of it, within its key's scopes", async () => {
    const { keys, tenants, users } = on.engine.control;
    const boss = await on.user("acme", "boss");
    expect(await on.outcome(async () => tenants.get(await on.as(boss), "acme"))).toBe("forbidden");
    expect(await on.outcome(() => on.mint(boss, { workspacePrefix: "/workspace/acme/docs" }))).toBe(
      "forbidden",
    );
    const id = await on.grant("user:boss", "admin", "tenant:acme");
    expect((await tenants.get(await on.as(boss), "acme")).id).toBe("acme");
    expect(await on.outcome(async () => tenants.get(await on.as(boss), "beta"))).toBe("not-found");
    const scoped = await on.user("acme", "boss", ["read"]);
    expect(await on.outcome(async () => tenants.get(await on.as(scoped), "acme"))).toBe(
      "scope-required",
    );
    await on.mint(boss, { subject: { type: "user", id: "carol" }, scopes: ["read"] });
    expect((await keys.list(await on.as(boss), {})).items.length).toBeGreaterThan(0);
    expect(await on.text(boss, "/docs/a")).toBe("text");
    await users.create(await on.as(boss), "acme", { id: "dan", role: "editor" });
    const dan = await on.mint(boss, { subject: { type: "user", id: "dan" } });
    await on.write(dan, "/users/dan/note");
    await on.write(dan, "/shared/note");
    expect(await on.names(dan, "/")).toEqual(["shared/", "users/"]);
    await users.patch(await on.as(boss), "acme", "dan", { role: "member" });
    expect(await on.outcome(() => on.write(dan, "/shared/note"))).toBe("forbidden");
    expect(await on.text(dan, "/shared/note")).toBe("text");
    await users.remove(await on.as(boss), "acme", "dan");
    expect(await on.outcome(() => on.text(dan, "/shared/note"))).toBe("unauthenticated");
    const part = await on.mint(boss, {
      workspacePrefix: "/workspace/acme",
      scopes: ["read", "admin"],
    });
    const deeper = await on.mint(part, {
      workspacePrefix: "/workspace/acme/docs",
      scopes: ["read"],
    });
    const carol = await on.mint(boss, { subject: { type: "user", id: "carol" }, scopes: ["read"] });
    for (const key of [part, deeper])
      expect(await on.names(key, "/workspace/acme/docs")).toContain("a");
    await on.revoke(id);
    expect(await on.outcome(async () => tenants.get(await on.as(boss), "acme"))).toBe("forbidden");
    expect(await on.outcome(() => on.text(boss, "/docs/a"))).toBe("not-found");
    // What it gave for a part of the tree ends with its being an admin; who is judged by relations goes on.
    for (const key of [part, deeper])
      expect(await on.outcome(() => on.as(key))).toBe("unauthenticated");
    expect(await on.outcome(() => on.as(carol))).toBe("ok");
  });

  it("is told pages that are full, whose cursors tell nothing of what is left out", async () => {
    for (let i = 0; i < 30; i++)
      await on.engine.control.session.write(
        await on.as(platformKey),
        at(`/workspace/acme/many/f${String(i).padStart(2, "0")}`),
        textBody("x"),
      );
    for (const n of ["03", "11", "12", "20"])
      await on.grant("user:alice", "viewer", `/workspace/acme/many/f${n}`);
    const { session: files } = on.engine.control;
    const first = await files.list(await on.as(alice), at("/many"), { limit: 2 });
    expect(first).toMatchObject({ entries: [{ name: "f03" }, { name: "f11" }], next: "f11" });
    const second = await files.list(await on.as(alice), at("/many"), { limit: 2, after: "f11" });
    expect(second.entries.map(({ name }) => name)).toEqual(["f12", "f20"]);
    expect(second.next).toBeUndefined();
  });
});
