import {
  type ChangeRecord,
  type ChangesQuery,
  type Context,
  isFileError,
  type KeyInput,
  parseRequestPath,
} from "@bulkhead/contract";
import { tempDir, type TempDir, testDatabase, type TestDatabase, waitFor } from "@bulkhead/harness";
import { collect, textBody } from "@bulkhead/kit";
import { migrate } from "@bulkhead/ledger";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "./engine-options.ts";
import { openEngine } from "./open-engine.ts";

const platformKey = "operator-operator-operator-operator";
const path = parseRequestPath;
const storage = { options: {}, durability: "strict", readOnly: false } as const;

let database: TestDatabase;
let dir: TempDir;
let engine: Engine;
let tenants = 0;

beforeAll(async () => {
  database = await testDatabase({ migrate });
  dir = await tempDir();
  engine = await openEngine({
    databaseUrl: database.url,
    dataDir: dir.path,
    masterKeyFingerprint: "f".repeat(32),
    certificateKey: new Uint8Array(32),
    platformKey,
    region: undefined,
    namespaceRoots: ["workspace", "tenants"],
    placements: { versioned: { backend: "versioned", ...storage } },
    defaultPlacement: "versioned",
    mounts: [
      {
        path: "/workspace/t1/plain",
        backend: "local",
        ...storage,
        options: { root: `${dir.path}/plain` },
        tenant: undefined,
        priority: 0,
      },
    ],
    log: () => undefined,
  });
});
afterAll(async () => {
  await engine.close();
  await database.close();
  await dir[Symbol.asyncDispose]();
});

const as = (key: string, workspacePrefix?: string): Promise<Context> =>
  engine.control.authenticate({
    key,
    address: "127.0.0.1",
    front: "test",
    requestId: "r",
    signal: new AbortController().signal,
    cut: () => undefined,
    workspacePrefix,
  });
const admin = (): Promise<Context> => as(platformKey);
const mint = async (input: Partial<KeyInput> & { readonly name?: string }) =>
  engine.control.keys.mint(await admin(), { name: "k", ...input });

/** A tenant of its own, its key, and short calls with it. */
const tenant = async () => {
  const id = `t${++tenants}`;
  await engine.control.tenants.create(await admin(), { id });
  const { key, id: keyId } = await mint({ workspacePrefix: `/workspace/${id}` });
  const { session, history } = engine.control;
  return {
    id,
    key,
    keyId,
    put: async (at: string, text: string) => session.write(await as(key), path(at), textBody(text)),
    text: async (at: string, version?: string): Promise<string> => {
      await using read = await session.read(
        await as(key),
        path(at),
        version === undefined ? {} : { version },
      );
      return Buffer.from(await collect(read.content)).toString();
    },
    versions: async (at: string) => (await history.versions(await as(key), path(at))).entries,
    changes: async (query: ChangesQuery = {}, by = key, prefix?: string) =>
      history.changes(await as(by, prefix), query),
  };
};
const brief = (items: readonly ChangeRecord[]): readonly string[] =>
  items.map(({ kind, from, path: at }) =>
    [kind, ...(from === undefined ? [] : [from]), at].join(" "),
  );

describe("versions and restore", () => {
  it("read back and restore what was overwritten, removed, and removed with its directory", async () => {
    const t = await tenant();
    const { session, history } = engine.control;
    await t.put("/d/f", "one");
    await t.put("/d/f", "two");
    await session.remove(await as(t.key), path("/d"), { recursive: true });
    const past = await t.versions("/d/f");
    expect(past.map(({ kind, current }) => [kind, current])).toEqual([
      ["remove", false],
      ["write", false],
      ["write", false],
    ]);
    const oldest = past[2]?.version ?? "";
    expect(await t.text("/d/f", oldest)).toBe("one");
    const restored = await history.restore(await as(t.key), path("/d/f"), oldest);
    expect(restored).toMatchObject({ created: true, size: 3 });
    expect(await t.text("/d/f")).toBe("one");
    const { items } = await engine.control.audit.list(await admin(), {
      tenant: t.id,
      action: "restore",
    });
    expect(items).toMatchObject([
      { resource: `/workspace/${t.id}/d/f`, result: "SUCCESS", detail: { restored: oldest } },
    ]);
  });

  it("ask bounds, tenant, scopes and relations as file operations do, and record what they refuse", async () => {
    const t = await tenant();
    const other = await tenant();
    await t.put("/f", "one");
    const [entry] = await t.versions("/f");
    const version = entry?.version ?? "";
    const outcome = async (key: string, at: string): Promise<readonly unknown[]> => {
      const ctx = await as(key);
      const { history } = engine.control;
      const ends = await Promise.allSettled([
        history.versions(ctx, path(at)),
        history.restore(ctx, path(at), version),
      ]);
      return ends.map((end) => (end.status === "fulfilled" ? "done" : end.reason.code));
    };
    const inTree = `/workspace/${t.id}/f`;
    expect(await outcome(t.key, "/f")).toEqual(["done", "done"]);
    expect(await outcome(other.key, inTree)).toEqual(["outside-workspace", "outside-workspace"]);
    const reader = await mint({ workspacePrefix: `/workspace/${t.id}`, scopes: ["read"] });
    expect(await outcome(reader.key, "/f")).toEqual(["done", "scope-required"]);
    const writer = await mint({ workspacePrefix: `/workspace/${t.id}`, scopes: ["write"] });
    expect(await outcome(writer.key, "/f")).toEqual(["scope-required", "done"]);
    const alice = await mint({ tenant: t.id, subject: { type: "user", id: "alice" } });
    expect(await outcome(alice.key, "/f")).toEqual(["not-found", "not-found"]);
    expect(await outcome(t.key, "/")).toEqual(["is-directory", "is-directory"]);
    expect(await outcome(t.key, "/none")).toEqual(["not-found", "not-found"]);
    const denials = async (): Promise<readonly string[]> =>
      (
        await engine.control.audit.list(await admin(), {
          tenant: t.id,
          action: "restore",
          result: "denied",
        })
      ).items.map(({ result }) => result);
    await waitFor(async () => (await denials()).includes("DENIED: scope-required"));
    await engine.control.tenants.suspend(await admin(), t.id, undefined);
    expect(await outcome(t.key, "/f")).toEqual(["tenant-suspended", "tenant-suspended"]);
  });

  it("restores nothing for a key that was revoked after it was decided", async () => {
    const t = await tenant();
    await t.put("/f", "one");
    await t.put("/f", "two");
    const [, before] = await t.versions("/f");
    const late = await as(t.key);
    await engine.control.keys.revoke(await admin(), t.keyId);
    await expect(
      engine.control.history.restore(late, path("/f"), before?.version ?? ""),
    ).rejects.toMatchObject({ code: "unauthenticated" });
    await using read = await engine.control.session.read(
      await admin(),
      path(`/workspace/${t.id}/f`),
    );
    expect(Buffer.from(await collect(read.content)).toString()).toBe("two");
  });

  it("are refused where a storage keeps the latest content alone", async () => {
    const { history, session } = engine.control;
    const at = path("/workspace/t1/plain/f");
    await session.write(await admin(), at, textBody("x"));
    for (const call of [
      async () => history.versions(await admin(), at),
      async () => history.restore(await admin(), at, "1"),
      async () => session.read(await admin(), at, { version: "1" }),
    ])
      await expect(call()).rejects.toMatchObject({ code: "invalid-request" });
    // What happened there is told all the same.
    const { items } = await history.changes(await admin(), { tenant: "t1" });
    expect(items.at(-1)).toMatchObject({ kind: "write", path: "/workspace/t1/plain/f" });
    expect(items.at(-1)).not.toHaveProperty("version");
  });
});

describe("changes", () => {
  it("are told in commit order, page by page, as the caller addresses them", async () => {
    const t = await tenant();
    const { session } = engine.control;
    expect(await t.changes()).toEqual({ items: [], next: "0" });
    const one = await t.put("/a/f", "1");
    await session.mkdir(await as(t.key), path(`/workspace/${t.id}/tenants`));
    await session.copy(await as(t.key), path("/a/f"), path(`/workspace/${t.id}/tenants/f`));
    await session.move(await as(t.key), path("/a"), path("/b"));
    await session.remove(await as(t.key), path("/b"), { recursive: true });
    const all = await t.changes();
    expect(brief(all.items)).toEqual([
      "write /a/f",
      `mkdir /workspace/${t.id}/tenants`,
      `copy /a/f /workspace/${t.id}/tenants/f`,
      "move /a /b",
      "remove /b",
    ]);
    expect(all.items[0]).toMatchObject({ etag: one.etag, version: one.version });
    const first = await t.changes({ limit: 2 });
    expect(first.items).toHaveLength(2);
    const rest = await t.changes({ after: first.next });
    expect([...first.items, ...rest.items]).toEqual(all.items);
    expect(await t.changes({ after: all.next })).toEqual({ items: [], next: all.next });
    const byPlatform = await t.changes({ tenant: t.id }, platformKey);
    expect(byPlatform.items[0]?.path).toBe(`/workspace/${t.id}/a/f`);
  });

  it("tell nobody what it may not read, at either end of a move", async () => {
    const t = await tenant();
    const { session } = engine.control;
    await t.put("/in/x/f", "1");
    await t.put("/out/f", "2");
    const move = async (from: string, to: string): Promise<unknown> =>
      session.move(await as(t.key), path(from), path(to));
    await move("/in/x", "/out/x");
    await move("/out/f", "/in/f");
    await session.copy(await as(t.key), path("/in/f"), path("/out/g"));
    await session.copy(await as(t.key), path("/out/g"), path("/in/g"));
    await move("/in", "/gone");
    await move("/gone", "/in");
    const inside = ["write /x/f", "remove /x", "move /f", "copy /g", "remove /", "move /"];
    const narrow = await mint({ workspacePrefix: `/workspace/${t.id}/in` });
    expect(brief((await t.changes({}, narrow.key)).items)).toEqual(inside);
    const narrowed = await t.changes({}, t.key, `/workspace/${t.id}/in`);
    expect(brief(narrowed.items)).toEqual(inside);
    const alice = await mint({ tenant: t.id, subject: { type: "user", id: "alice" } });
    const hers = await t.changes({}, alice.key);
    expect(hers.items).toEqual([]);
    const stranger = await tenant();
    await expect(t.changes({ tenant: t.id }, stranger.key)).rejects.toMatchObject({
      code: "tenant-mismatch",
    });
    expect((await t.changes({}, stranger.key)).items).toEqual([]);
    await expect(t.changes({}, platformKey)).rejects.toMatchObject({ code: "invalid-request" });
    const writer = await mint({ workspacePrefix: `/workspace/${t.id}`, scopes: ["write"] });
    await expect(t.changes({}, writer.key)).rejects.toMatchObject({ code: "scope-required" });
    await expect(t.changes({ after: "x" })).rejects.toMatchObject({ code: "invalid-request" });
    await expect(t.changes({ limit: 0 })).rejects.toMatchObject({ code: "invalid-request" });
    await expect(t.changes({ waitMs: 30_001 })).rejects.toMatchObject({ code: "invalid-request" });
  });

  it("and the past follow relations, from the next request on", async () => {
    const t = await tenant();
    await t.put("/in/f", "one");
    await t.put("/in/f", "two");
    await t.put("/out/f", "hidden");
    const alice = await mint({ tenant: t.id, subject: { type: "user", id: "alice" } });
    const root = await mint({
      workspacePrefix: `/workspace/${t.id}`,
      scopes: ["read", "write", "share", "admin"],
    });
    const { history, relations, session } = engine.control;
    const grant = async (relation: "viewer" | "editor") =>
      relations.grant(await as(root.key), {
        subject: "user:alice",
        relation,
        object: `file:/workspace/${t.id}/in`,
      });
    const restore = async (): Promise<unknown> => {
      const [, before] = (await history.versions(await as(alice.key), path("/in/f"))).entries;
      return history.restore(await as(alice.key), path("/in/f"), before?.version ?? "");
    };
    await expect(restore()).rejects.toMatchObject({ code: "not-found" });
    await grant("viewer");
    const seen = ["write /in/f", "write /in/f"];
    expect(brief((await t.changes({}, alice.key)).items)).toEqual(seen);
    await expect(restore()).rejects.toMatchObject({ code: "forbidden" });
    await grant("editor");
    expect(await restore()).toMatchObject({ size: 3, created: false });
    await session.move(await as(t.key), path("/in/f"), path("/out/g"));
    const later = (await t.changes({}, alice.key)).items;
    expect(brief(later).slice(0, 3)).toEqual([...seen, "write /in/f"]);
    expect(JSON.stringify(later)).not.toContain("/out");
  });

  it("fill a page with what is to be seen, however much of it is hidden", async () => {
    const t = await tenant();
    for (let i = 0; i < 6; i++) await t.put(i % 3 === 2 ? "/in/f" : "/out/f", `${i}`);
    const narrow = await mint({ workspacePrefix: `/workspace/${t.id}/in` });
    const first = await t.changes({ limit: 1 }, narrow.key);
    expect(brief(first.items)).toEqual(["write /f"]);
    const second = await t.changes({ limit: 1, after: first.next }, narrow.key);
    expect(second.items[0]?.seq).toBeGreaterThan(first.items[0]?.seq ?? 0);
    expect((await t.changes({ after: second.next }, narrow.key)).items).toEqual([]);
  });

  it("wait for the next commit that the caller may see, from 'latest' on", async () => {
    const t = await tenant();
    await t.put("/out/before", "x");
    const { next } = await t.changes({ after: "latest" });
    expect((await t.changes({ after: next })).items).toEqual([]);
    const narrow = await mint({ workspacePrefix: `/workspace/${t.id}/in` });
    const waiting = t.changes({ after: next, waitMs: 20_000 }, narrow.key);
    await t.put("/out/hidden", "x");
    await new Promise((resolve) => setTimeout(resolve, 300));
    await t.put("/in/seen", "x");
    expect(brief((await waiting).items)).toEqual(["write /seen"]);
    const over = await t.changes({ after: (await waiting).next, waitMs: 20 });
    expect(over.items).toEqual([]);
  });

  it("end a wait that is given up, and tell nothing to a key that was revoked meanwhile", async () => {
    const t = await tenant();
    const giveUp = new AbortController();
    const given = t.changes({ waitMs: 20_000, enough: giveUp.signal });
    const revoked = t.changes({ waitMs: 20_000 });
    const outcome = revoked.then(
      () => "told",
      (error: unknown) => (isFileError(error) ? error.code : error),
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    giveUp.abort();
    expect(await given).toEqual({ items: [], next: "0" });
    await engine.control.keys.revoke(await admin(), t.keyId);
    const at = path(`/workspace/${t.id}/f`);
    await engine.control.session.write(await admin(), at, textBody("x"));
    expect(await outcome).toBe("unauthenticated");
  });
});
