import { join } from "node:path";
import {
  type Context,
  type Credential,
  type ErrorCode,
  type KeyInput,
  parseRequestPath,
} from "@bulkhead/contract";
import { tempDir, type TempDir, testDatabase, type TestDatabase, waitFor } from "@bulkhead/harness";
import { collect, streamBody, textBody } from "@bulkhead/kit";
import { migrate } from "@bulkhead/ledger";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "./engine-options.ts";
import { openEngine } from "./open-engine.ts";

const platformKey = "operator-operator-operator-operator";
const path = parseRequestPath;

describe("the engine over a real ledger", () => {
  let database: TestDatabase;
  let dir: TempDir;
  let engine: Engine;

  beforeAll(async () => {
    database = await testDatabase({ migrate });
    dir = await tempDir();
    engine = await openEngine({
      databaseUrl: database.url,
      dataDir: dir.path,
      masterKeyFingerprint: "f".repeat(32),
      certificateKey: new Uint8Array(32),
      platformKey,
      region: "eu-west-1",
      namespaceRoots: ["workspace", "tenants"],
      placements: {
        local: { backend: "local", options: {}, durability: "strict", readOnly: false },
      },
      defaultPlacement: "local",
      mounts: [
        {
          path: "/workspace/acme/archive",
          backend: "local",
          options: { root: join(dir.path, "archive") },
          durability: "relaxed",
          readOnly: false,
          tenant: "acme",
          priority: 0,
        },
        {
          path: "/workspace/acme/frozen",
          backend: "memory",
          options: {},
          durability: "strict",
          readOnly: true,
          priority: 0,
        },
        {
          path: "/workspace/late/extra",
          backend: "memory",
          options: {},
          durability: "strict",
          readOnly: false,
          priority: 0,
        },
        {
          path: "/workspace/acme/elsewhere",
          backend: "memory",
          options: {},
          durability: "strict",
          readOnly: false,
          region: "us-east-1",
          priority: 0,
        },
      ],
      log: () => undefined,
    });
    await engine.control.tenants.create(await as(platformKey), { id: "acme" });
    await engine.control.tenants.create(await as(platformKey), { id: "beta" });
  });
  afterAll(async () => {
    await engine.close();
    await database.close();
    await dir[Symbol.asyncDispose]();
  });

  const as = (key: string | undefined, extra: Partial<Credential> = {}): Promise<Context> =>
    engine.control.authenticate({
      key,
      address: "127.0.0.1",
      front: "test",
      requestId: "r",
      signal: new AbortController().signal,
      cut: () => undefined,
      ...extra,
    });
  const mint = async (by: string, input: Omit<KeyInput, "name">): Promise<string> =>
    (await engine.control.keys.mint(await as(by), { name: "k", ...input })).key;
  const refused = async (code: ErrorCode, run: () => Promise<unknown>): Promise<void> => {
    await expect(run()).rejects.toMatchObject({ code });
  };
  const text = async (key: string, at: string): Promise<string> => {
    await using result = await engine.control.session.read(await as(key), path(at));
    return new TextDecoder().decode(await collect(result.content));
  };

  it("gives a key no more than the key it was minted with", async () => {
    const admin = await mint(platformKey, {
      workspacePrefix: "/workspace/acme/team",
      scopes: ["read", "admin"],
    });
    const cases: readonly (readonly [ErrorCode, Omit<KeyInput, "name">])[] = [
      ["forbidden", { workspacePrefix: "/workspace/acme/team", scopes: ["write"] }],
      ["outside-workspace", { workspacePrefix: "/workspace/acme" }],
      ["outside-workspace", { workspacePrefix: "/workspace/acme/teammates" }],
      ["outside-workspace", { workspacePrefix: "/workspace/beta" }],
      ["tenant-mismatch", { tenant: "beta", workspacePrefix: "/workspace/acme/team" }],
      ["tenant-mismatch", { tenant: "nobody", workspacePrefix: "/workspace/acme/team" }],
      ["forbidden", { subject: { type: "user", id: "alice" }, scopes: ["read"] }],
      ["invalid-request", { workspacePrefix: "/" }],
      ["invalid-request", { workspacePrefix: "/workspace" }],
      ["invalid-request", { workspacePrefix: "/tenants" }],
      ["invalid-path", { workspacePrefix: "/workspace/acme/team/../x" }],
      ["invalid-request", {}],
      ["invalid-request", { workspacePrefix: "/workspace/acme/team", scopes: [] }],
      [
        "invalid-request",
        { workspacePrefix: "/workspace/acme/team", scopes: ["read"], expiresAt: 1 },
      ],
    ];
    for (const [code, input] of cases) await refused(code, () => mint(admin, input));
    const sub = await mint(admin, {
      workspacePrefix: "/workspace/acme/team/one",
      scopes: ["read"],
    });
    expect((await as(sub)).principal.reach.home).toBe("/workspace/acme/team/one");
    await refused("scope-required", async () =>
      mint(sub, { workspacePrefix: "/workspace/acme/team/one" }),
    );
  });

  it("shows and revokes only the keys inside the caller's bounds", async () => {
    const admin = await mint(platformKey, {
      workspacePrefix: "/workspace/acme/a",
      scopes: ["read", "admin"],
    });
    const inside = await mint(platformKey, { workspacePrefix: "/workspace/acme/a/b" });
    const outside = await mint(platformKey, { workspacePrefix: "/workspace/acme/c" });
    const ids = (await engine.control.keys.list(await as(admin), {})).items.map((key) => key.id);
    expect(ids).toContain((await as(inside)).principal.keyId);
    expect(ids).not.toContain((await as(outside)).principal.keyId);
    await refused("not-found", async () =>
      engine.control.keys.revoke(await as(admin), (await as(outside)).principal.keyId),
    );
    await engine.control.keys.revoke(await as(admin), (await as(inside)).principal.keyId);
    await refused("unauthenticated", () => as(inside));
    await as(outside);
  });

  it("revokes with a key all that were minted with it", async () => {
    const admin = await mint(platformKey, {
      workspacePrefix: "/workspace/acme",
      scopes: ["read", "admin"],
    });
    const sub = await mint(admin, {
      workspacePrefix: "/workspace/acme/x",
      scopes: ["read", "admin"],
    });
    const leaf = await mint(sub, { workspacePrefix: "/workspace/acme/x/y", scopes: ["read"] });
    await as(leaf);
    await engine.control.keys.revoke(await as(platformKey), (await as(admin)).principal.keyId);
    for (const key of [admin, sub, leaf]) await refused("unauthenticated", () => as(key));
  });

  it("lets a header narrow and never widen", async () => {
    const key = await mint(platformKey, { workspacePrefix: "/workspace/acme/n" });
    const narrowed = await as(key, { workspacePrefix: "/workspace/acme/n/inner" });
    await engine.control.session.write(narrowed, path("/f"), textBody("narrow"));
    expect(await text(key, "/inner/f")).toBe("narrow");
    await refused("outside-workspace", async () =>
      engine.control.session.write(
        await as(key, { workspacePrefix: "/workspace/acme/n/inner" }),
        path("/workspace/acme/n/other"),
        textBody(""),
      ),
    );
    for (const prefix of ["/workspace/acme", "/workspace/acme/nn", "/workspace/beta", "/"])
      await refused("outside-workspace", () => as(key, { workspacePrefix: prefix }));
    await refused("invalid-path", () => as(key, { workspacePrefix: "/workspace/acme/n/" }));
    await refused("tenant-mismatch", () => as(key, { tenant: "beta" }));
    await refused("tenant-mismatch", () => as(key, { tenant: "nobody" }));
    await as(key, { tenant: "acme" });
  });

  it("appends with the scope to write alone, and shows nothing by it", async () => {
    const key = await mint(platformKey, {
      workspacePrefix: "/workspace/acme/log",
      scopes: ["write"],
    });
    const ctx = await as(key);
    await engine.control.append(ctx, path("/day"), textBody("one\n"));
    await engine.control.append(ctx, path("/day"), textBody("two\n"));
    expect(await text(platformKey, "/workspace/acme/log/day")).toBe("one\ntwo\n");
    await refused("scope-required", () => engine.control.session.read(ctx, path("/day")));
    const reader = await as(
      await mint(platformKey, { workspacePrefix: "/workspace/acme/log", scopes: ["read"] }),
    );
    let pulled = false;
    const body = streamBody(
      (async function* () {
        pulled = true;
        yield new Uint8Array(1);
      })(),
    );
    await refused("scope-required", () => engine.control.append(reader, path("/day"), body));
    await refused("outside-workspace", () =>
      engine.control.append(ctx, path("/workspace/beta/x"), body),
    );
    expect(pulled).toBe(false);
  });

  it("answers an identity 404 for every file operation, and only whoami", async () => {
    const key = await mint(platformKey, { tenant: "acme", subject: { type: "user", id: "alice" } });
    const { session } = engine.control;
    const ctx = await as(key);
    const calls: readonly (() => Promise<unknown>)[] = [
      () => session.stat(ctx, path("/")),
      () => session.read(ctx, path("/x")),
      () => session.list(ctx, path("/")),
      () => session.write(ctx, path("/x"), textBody("")),
      () => session.mkdir(ctx, path("/x")),
      () => session.remove(ctx, path("/x")),
      () => session.copy(ctx, path("/x"), path("/y")),
      () => session.move(ctx, path("/x"), path("/y")),
    ];
    for (const call of calls) await refused("not-found", call);
    expect((await engine.control.whoami(ctx)).principal).toMatchObject({
      kind: "identity",
      subject: { type: "user", id: "alice" },
    });
    await refused("outside-workspace", () => session.stat(ctx, path("/workspace/beta/x")));
  });

  it("records on a configured mount in the log of the tenant that is there now", async () => {
    const { control } = engine;
    // Opens the mounts, as whoever asks for readiness does, before there is a tenant below them.
    await control.unready();
    const seen = async (id: string): Promise<readonly string[]> => {
      await control.tenants.create(await as(platformKey), { id: "late" });
      const key = await mint(platformKey, {
        workspacePrefix: "/workspace/late",
        scopes: ["write", "admin"],
      });
      await control.session.write(await as(key), path(`/extra/${id}`), textBody("x"));
      const { items } = await control.audit.list(await as(key), { action: "write" });
      return items.map((entry) => entry.resource);
    };
    expect(await seen("one")).toEqual(["/workspace/late/extra/one"]);
    const { job } = await control.tenants.remove(await as(platformKey), "late", "late", 0);
    await waitFor(
      async () => (await control.jobs.get(await as(platformKey), job)).state === "done",
    );
    expect(await seen("two")).toEqual(["/workspace/late/extra/two"]);
  });

  it("keeps the first level of a namespace to tenants", async () => {
    const { session } = engine.control;
    const ctx = await as(platformKey);
    await session.mkdir(ctx, path("/tenants/acme"));
    expect((await engine.control.tenants.get(ctx, "acme")).roots).toEqual([
      "/workspace/acme",
      "/tenants/acme",
    ]);
    await session.mkdir(ctx, path("/tenants/gamma"));
    const later = await as(platformKey);
    expect((await engine.control.tenants.get(later, "gamma")).roots).toEqual(["/tenants/gamma"]);
    await refused("already-exists", () => session.mkdir(later, path("/tenants/gamma")));
    await refused("invalid-request", () => session.mkdir(later, path("/tenants/Not Legal")));
    await refused("forbidden", () => session.write(later, path("/workspace/file"), textBody("")));
    await refused("not-found", () =>
      session.write(later, path("/workspace/nobody/f"), textBody("")),
    );
    await refused("not-found", () => session.mkdir(later, path("/workspace/nobody/d")));
    await refused("not-found", () =>
      session.copy(later, path("/workspace/acme"), path("/workspace/nobody/d")),
    );
    await refused("forbidden", () => session.move(later, path("/workspace/acme"), path("/x")));
    await refused("forbidden", () =>
      session.remove(later, path("/workspace"), { recursive: true }),
    );
    const names = (await session.list(later, path("/"))).entries.map((entry) => entry.name);
    expect(names).toEqual(["tenants", "workspace"]);
    await session.write(later, path("/notes"), textBody("the platform's own"));
  });

  it("empties a tenant's root for the platform key alone, and keeps the mount point", async () => {
    const key = await mint(platformKey, { workspacePrefix: "/workspace/beta" });
    const { session } = engine.control;
    await session.write(await as(key), path("/d/f"), textBody("12345"));
    await refused("forbidden", async () =>
      session.remove(await as(key), path("/"), { recursive: true }),
    );
    expect(
      await session.remove(await as(platformKey), path("/workspace/beta"), { recursive: true }),
    ).toEqual({ files: 1, bytes: 5 });
    expect((await session.list(await as(key), path("/"))).entries).toEqual([]);
  });

  it("ends an upload that waits for its sender when its key ends, and lets go of what it held", async () => {
    const record = await engine.control.keys.mint(await as(platformKey), {
      name: "k",
      workspacePrefix: "/workspace/beta",
    });
    const ctx = await as(record.key);
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10);
      await new Promise(() => undefined);
    }
    const begun = performance.now();
    const upload = engine.control.session.write(ctx, path("/slow"), streamBody(slow()));
    const refusal = refused("unauthenticated", () => upload);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await engine.control.keys.revoke(await as(platformKey), record.id);
    await refusal;
    expect(performance.now() - begun).toBeLessThan(4000);
    await refused("not-found", async () =>
      engine.control.session.stat(await as(platformKey), path("/workspace/beta/slow")),
    );
  });

  it("cuts a suspended tenant off and goes on for the platform", async () => {
    const key = await mint(platformKey, {
      workspacePrefix: "/workspace/beta",
      scopes: ["read", "write", "admin"],
    });
    const { session, tenants } = engine.control;
    await session.write(await as(key), path("/kept"), textBody("kept"));
    await tenants.suspend(await as(platformKey), "beta", "unpaid");
    const ctx = await as(key);
    await refused("tenant-suspended", () => session.read(ctx, path("/kept")));
    await refused("tenant-suspended", () => engine.control.whoami(ctx));
    await refused("tenant-suspended", () => engine.control.keys.list(ctx, {}));
    // What it could never reach is still the first answer.
    await refused("outside-workspace", () => session.read(ctx, path("/workspace/acme/x")));
    expect(await text(platformKey, "/workspace/beta/kept")).toBe("kept");
    await tenants.reactivate(await as(platformKey), "beta");
    expect(await text(key, "/kept")).toBe("kept");
  });

  it("mounts further storages: moves between them, read-only ones, and none in another region", async () => {
    const key = await mint(platformKey, { workspacePrefix: "/workspace/acme" });
    const { session } = engine.control;
    const ctx = await as(key);
    await session.write(ctx, path("/report"), textBody("to be archived"));
    await session.move(ctx, path("/report"), path("/archive/report"));
    expect(await text(key, "/archive/report")).toBe("to be archived");
    await refused("not-found", () => session.stat(ctx, path("/report")));
    await refused("forbidden", () => session.write(ctx, path("/frozen/x"), textBody("")));
    await refused("unavailable", () => session.write(ctx, path("/elsewhere/x"), textBody("")));
    await refused("unavailable", () => session.list(ctx, path("/elsewhere")));
    const names = (await session.list(ctx, path("/"))).entries.map((entry) => entry.name);
    expect(names).toEqual(expect.arrayContaining(["archive", "elsewhere", "frozen"]));
  });

  it("moves a directory between storages by a job", async () => {
    const key = await mint(platformKey, { workspacePrefix: "/workspace/acme" });
    const { session, jobs } = engine.control;
    const ctx = await as(key);
    await session.write(ctx, path("/tree/a/one"), textBody("1"));
    await session.write(ctx, path("/tree/two"), textBody("22"));
    const accepted = await session.move(ctx, path("/tree"), path("/archive/tree"));
    const job = "job" in accepted ? accepted.job : "none";
    await waitFor(async () => (await jobs.get(await as(key), job)).state === "done");
    expect(await text(key, "/archive/tree/a/one")).toBe("1");
    expect(await text(key, "/archive/tree/two")).toBe("22");
    await refused("not-found", async () => session.stat(await as(key), path("/tree")));
    await refused("not-found", async () =>
      jobs.get(await as(await mint(platformKey, { workspacePrefix: "/workspace/beta" })), job),
    );
  });

  it("asked twice under one idempotency row, makes one job of a directory's move", async () => {
    const key = await mint(platformKey, { workspacePrefix: "/workspace/acme" });
    const { session, idempotency } = engine.control;
    const ctx = await as(key);
    await session.write(ctx, path("/again/f"), textBody("x"));
    const claim = await idempotency.claim(ctx, "POST /v1/copy", "once", "digest");
    if (claim.state !== "new") throw new Error(claim.state);
    const claimed: Context = {
      ...ctx,
      settlement: { ...ctx.settlement, idempotency: claim.id },
    };
    await session.copy(claimed, path("/again"), path("/archive/again"));
    expect((await idempotency.claim(ctx, "POST /v1/copy", "once", "digest")).state).toBe(
      "committed",
    );
  });

  it("records mutations and denials with who did them, and no tenant's in another's log", async () => {
    const key = await mint(platformKey, {
      workspacePrefix: "/workspace/acme/audited",
      scopes: ["read", "write", "admin"],
    });
    const { session, audit } = engine.control;
    await session.write(await as(key, { requestId: "req-1" }), path("/f"), textBody("x"));
    await refused("outside-workspace", async () =>
      session.read(await as(key, { requestId: "req-2" }), path("/workspace/beta/secret")),
    );
    // The log is the tenant's: a key that administers a part of it does not read the rest.
    await refused("forbidden", async () => audit.list(await as(key), {}));
    const mine = async (requestId: string): Promise<unknown[]> =>
      (await audit.list(await as(platformKey), { tenant: "acme" })).items.filter(
        (entry) => entry.requestId === requestId,
      );
    await waitFor(async () => (await mine("req-2")).length === 1);
    expect(await mine("req-1")).toMatchObject([
      { action: "write", result: "SUCCESS", resource: "/workspace/acme/audited/f", tenant: "acme" },
    ]);
    expect(await mine("req-2")).toMatchObject([
      { action: "read", result: "DENIED: outside-workspace", resource: "/workspace/beta/secret" },
    ]);
    const beta = await mint(platformKey, { workspacePrefix: "/workspace/beta", scopes: ["admin"] });
    const others = (await audit.list(await as(beta), {})).items.filter(
      (entry) => entry.tenant !== "beta",
    );
    expect(others).toEqual([]);
    await refused("tenant-mismatch", async () => audit.list(await as(beta), { tenant: "acme" }));
  });

  it("deletes a tenant with a certificate; its id meets nothing of the one before", async () => {
    const { session, tenants, jobs } = engine.control;
    await tenants.create(await as(platformKey), { id: "gone" });
    const key = await mint(platformKey, { workspacePrefix: "/workspace/gone" });
    await session.write(await as(key), path("/secret"), textBody("12345678"));
    await refused("confirmation-required", async () =>
      tenants.remove(await as(platformKey), "gone", undefined, 0),
    );
    await refused("confirmation-required", async () =>
      tenants.remove(await as(platformKey), "gone", "acme", 0),
    );
    const { job } = await tenants.remove(await as(platformKey), "gone", "gone", 0);
    await refused("unauthenticated", () => as(key));
    await waitFor(async () => (await jobs.get(await as(platformKey), job)).state === "done");
    expect((await jobs.get(await as(platformKey), job)).result).toMatchObject({
      tenant: "gone",
      removed: expect.arrayContaining([
        { what: "files", where: "/workspace/gone", files: 1, bytes: 8 },
        { what: "keys", count: 1 },
      ]),
      signature: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    await tenants.create(await as(platformKey), { id: "gone" });
    const successor = await mint(platformKey, { workspacePrefix: "/workspace/gone" });
    expect((await session.list(await as(successor), path("/"))).entries).toEqual([]);
    await refused("unauthenticated", () => as(key));
  });

  it("refuses a tenant whose regions exclude the ledger's", async () => {
    await refused("residency", async () =>
      engine.control.tenants.create(await as(platformKey), {
        id: "far",
        allowedRegions: ["us-east-1"],
      }),
    );
    await engine.control.tenants.create(await as(platformKey), {
      id: "near",
      allowedRegions: ["eu-west-1"],
    });
  });
});
