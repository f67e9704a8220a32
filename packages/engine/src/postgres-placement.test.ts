import { type Context, parseRequestPath, type TenantRecord } from "@bulkhead/contract";
import { databaseUrl, deprovision } from "@bulkhead/backend-postgres";
import {
  query,
  tempDir,
  type TempDir,
  testDatabase,
  type TestDatabase,
  testServer,
  waitFor,
} from "@bulkhead/harness";
import { bytesBody, collect, textBody } from "@bulkhead/kit";
import { migrate } from "@bulkhead/ledger";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { Engine } from "./engine-options.ts";
import { openEngine } from "./open-engine.ts";
import { sealer } from "./seal.ts";

const platformKey = "operator-operator-operator-operator";
const path = parseRequestPath;

describe("a tenant placed in a database of its own", () => {
  let database: TestDatabase;
  let adminUrl: string;
  let dir: TempDir;
  let engines: readonly Engine[];
  const logged: string[] = [];

  beforeAll(async () => {
    database = await testDatabase({ migrate });
    adminUrl = await testServer();
    dir = await tempDir();
    const open = (): Promise<Engine> =>
      openEngine({
        databaseUrl: database.url,
        dataDir: dir.path,
        masterKeyFingerprint: "f".repeat(32),
        certificateKey: new Uint8Array(32),
        sealKeys: [new Uint8Array(32).fill(7)],
        platformKey,
        region: undefined,
        namespaceRoots: ["workspace", "tenants"],
        placements: {
          own: {
            backend: "postgres",
            options: {},
            durability: "strict",
            readOnly: false,
            provisioningSql:
              "create table orders (id int); insert into orders select 1 from pg_database limit 1",
          },
        },
        defaultPlacement: "own",
        mounts: [],
        log: (event, detail) => logged.push(JSON.stringify({ event, ...detail })),
      });
    engines = [await open(), await open()];
  });
  afterAll(async () => {
    await Promise.all(engines.map((engine) => engine.close()));
    const made = await query(database.url, "select database_name as name from bulkhead.tenant");
    await Promise.all(made.map(({ name }) => deprovision({ adminUrl, name: String(name) })));
    await database.close();
    await dir[Symbol.asyncDispose]();
  }, 60_000);

  const engineAt = (i: number): Engine => {
    const engine = engines[i];
    if (engine === undefined) throw new Error("There is no such engine.");
    return engine;
  };
  const as = (key: string, i = 0): Promise<Context> =>
    engineAt(i).control.authenticate({
      key,
      address: "127.0.0.1",
      front: "test",
      requestId: "r",
      signal: new AbortController().signal,
      cut: () => undefined,
    });
  const mint = async (prefix: string): Promise<string> =>
    (
      await engineAt(0).control.keys.mint(await as(platformKey), {
        name: "k",
        workspacePrefix: prefix,
      })
    ).key;
  const ended = async (
    job: string,
  ): Promise<{ state: string; result?: unknown; error: string | null }> =>
    waitFor(async () => {
      const found = await engineAt(0).control.jobs.get(await as(platformKey), job);
      return found.state === "done" || found.state === "dead" ? found : undefined;
    });
  const create = async (id: string): Promise<TenantRecord> => {
    const { tenants } = engineAt(0).control;
    const made = await tenants.create(await as(platformKey), { id });
    expect(await ended(made.provisioning ?? "")).toMatchObject({ state: "done" });
    return tenants.get(await as(platformKey), id);
  };
  const remove = async (id: string): Promise<unknown> => {
    const { tenants } = engineAt(0).control;
    const { job } = await tenants.remove(await as(platformKey), id, id, 0);
    return (await ended(job)).result;
  };
  const content = async (key: string, at: string, i = 0): Promise<string> => {
    await using read = await engineAt(i).control.session.read(await as(key, i), path(at));
    return new TextDecoder().decode(await collect(read.content));
  };
  const head = async (uid: string): Promise<unknown> =>
    (
      await query(
        database.url,
        "select used::int as used, files::int as files from bulkhead.tenant_head where uid = $1",
        [uid],
      )
    )[0];
  const there = async (name: string): Promise<unknown> =>
    (
      await query(
        adminUrl,
        "select (select count(*)::int from pg_database where datname = $1) as databases, (select count(*)::int from pg_roles where rolname = $1) as roles",
        [name],
      )
    )[0];

  it("serves once its database is there, by every process, and charges what is in it", async () => {
    const { tenants } = engineAt(0).control;
    const made = await tenants.create(await as(platformKey), { id: "acme" });
    expect(made).toMatchObject({ status: "provisioning" });
    const key = await mint("/workspace/acme");
    const early = engineAt(0).control.session.write(await as(key), path("/early"), textBody("x"));
    await expect(early).rejects.toMatchObject({ code: "unavailable", fields: { retryAfter: 5 } });
    await expect(
      engineAt(0).control.session.list(await as(platformKey), path("/workspace/acme")),
    ).rejects.toMatchObject({ code: "unavailable" });
    const job = await ended(made.provisioning ?? "");
    expect(job).toMatchObject({ state: "done", result: { databaseName: made.databaseName } });
    const tenant = await tenants.get(await as(platformKey), "acme");
    expect(tenant).toMatchObject({ status: "active", provisioning: null });

    const large = new Uint8Array(600_000).fill(7);
    const { session } = engineAt(0).control;
    await session.write(await as(key), path("/small"), textBody("hello"));
    await session.write(await as(key, 1), path("/deep/large"), bytesBody(large));
    expect(await content(key, "/small", 1)).toBe("hello");
    expect((await content(key, "/deep/large")).length).toBe(large.length);
    expect(await head(tenant.uid)).toEqual({ used: 600_005, files: 2 });
    await session.write(await as(key), path("/small"), textBody("hi"));
    await session.copy(await as(key), path("/deep/large"), path("/copy"));
    await session.move(await as(key), path("/small"), path("/moved"));
    expect(await head(tenant.uid)).toEqual({ used: 1_200_002, files: 3 });
    await engineAt(1).control.session.remove(await as(key, 1), path("/deep"), { recursive: true });
    expect(await head(tenant.uid)).toEqual({ used: 600_002, files: 2 });
    const entries = (await session.list(await as(key), path("/"))).entries;
    expect(entries.map((entry) => entry.name)).toEqual(["copy", "moved"]);
    const audit = await engineAt(0).control.audit.list(await as(platformKey), { tenant: "acme" });
    expect(audit.items.filter((one) => one.result === "SUCCESS").map((one) => one.action)).toEqual(
      expect.arrayContaining([
        "tenant.create",
        "tenant.provisioned",
        "write",
        "copy",
        "move",
        "remove",
      ]),
    );
  });

  it("keeps a root that it gets later apart, in the same database", async () => {
    await create("two-roots");
    const { session } = engineAt(0).control;
    await session.mkdir(await as(platformKey), path("/tenants/two-roots"));
    const key = await mint("/workspace/two-roots");
    await session.write(await as(key), path("/f"), textBody("one"));
    const other = await mint("/tenants/two-roots");
    await session.write(await as(other), path("/f"), textBody("other"));
    expect(await content(key, "/f")).toBe("one");
    expect(await content(other, "/f", 1)).toBe("other");
  });

  it("is made whole by the mkdir of its root", async () => {
    const { session } = engineAt(0).control;
    await session.mkdir(await as(platformKey), path("/workspace/by-mkdir"));
    await session.mkdir(await as(platformKey), path("/workspace/by-mkdir/users"));
    await remove("by-mkdir");
  });

  it("has another database than a tenant of a name alike, which its role cannot reach", async () => {
    const long = "a".repeat(62);
    const [one, other] = [await create(`${long}b`), await create(`${long}c`)];
    const [dash, line] = [await create("a-b"), await create("a_b")];
    const names = [one, other, dash, line].map((tenant) => tenant.databaseName ?? "");
    expect(new Set(names).size).toBe(4);
    for (const name of names) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(63);
    const keys = [await mint(`/workspace/${long}b`), await mint(`/workspace/${long}c`)];
    await engineAt(0).control.session.write(await as(keys[0] ?? ""), path("/f"), textBody("mine"));
    await expect(content(keys[1] ?? "", "/f")).rejects.toMatchObject({ code: "not-found" });
    for (const [role, target] of [
      [names[0], names[1]],
      [names[1], names[0]],
      [names[2], names[3]],
    ] as const) {
      const [row] = await query(
        adminUrl,
        "select has_database_privilege($1, $2, 'connect') as other, has_database_privilege($1, $1::text, 'connect') as own, rolsuper or rolcreatedb or rolcreaterole or rolbypassrls as more from pg_roles where rolname = $1",
        [role, target],
      );
      expect(row).toEqual({ other: false, own: true, more: false });
    }
  });

  it("tells its password to nobody, and keeps it sealed", async () => {
    const tenant = await create("secretive");
    const url = await passwordOf(tenant);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    onTestFinished(() => client.end());
    expect((await client.query("select count(*)::int as n from orders")).rows).toEqual([{ n: 1 }]);
  });

  it("is gone with its tenant: database, role, rows, and its id is free", async () => {
    const tenant = await create("gone");
    const key = await mint("/workspace/gone");
    await engineAt(0).control.session.write(await as(key), path("/f"), textBody("12345"));
    await engineAt(1).control.session.write(await as(key, 1), path("/g"), textBody("678"));
    expect(await there(tenant.databaseName ?? "")).toEqual({ databases: 1, roles: 1 });
    const certificate = await remove("gone");
    expect(certificate).toMatchObject({
      removed: expect.arrayContaining([
        { what: "files", where: "/workspace/gone", files: 2, bytes: 8 },
        { what: "database", name: tenant.databaseName, role: tenant.databaseName },
      ]),
    });
    expect(await there(tenant.databaseName ?? "")).toEqual({ databases: 0, roles: 0 });
    const left = await query(database.url, "select from bulkhead.secret where tenant = $1", [
      tenant.uid,
    ]);
    expect(left).toEqual([]);
    expect((await create("gone")).databaseName).not.toBe(tenant.databaseName);
  });

  it("is undone as a whole where a tenant is deleted while it is made", async () => {
    const { tenants } = engineAt(0).control;
    const made = await tenants.create(await as(platformKey), { id: "hasty" });
    await remove("hasty");
    await ended(made.provisioning ?? "");
    expect(await there(made.databaseName ?? "")).toEqual({ databases: 0, roles: 0 });
    await expect(tenants.get(await as(platformKey), "hasty")).rejects.toMatchObject({
      code: "not-found",
    });
  });

  /** As only the server can: by what it was given to seal with. */
  const passwordOf = async (tenant: TenantRecord): Promise<string> => {
    const [row] = await query(
      database.url,
      "select key_id, sealed from bulkhead.secret where tenant = $1",
      [tenant.uid],
    );
    const sealed = row?.["sealed"];
    if (!(sealed instanceof Uint8Array)) throw new Error("Nothing is sealed.");
    const password = sealer([new Uint8Array(32).fill(7)]).open(
      { tenantUid: tenant.uid, name: "database-password" },
      { keyId: String(row?.["key_id"]), sealed },
    );
    const everything = JSON.stringify([
      await engineAt(0).control.tenants.get(await as(platformKey), tenant.id),
      await engineAt(0).control.jobs.get(await as(platformKey), await jobOf(tenant)),
      logged,
      await query(
        database.url,
        "select payload::text, progress::text, result::text from bulkhead.job",
      ),
      await query(database.url, "select payload::text from bulkhead.changelog"),
    ]);
    expect(everything).not.toContain(password);
    expect(Buffer.from(sealed).includes(password)).toBe(false);
    return databaseUrl(adminUrl, tenant.databaseName ?? "", tenant.databaseName ?? "", password);
  };
  const jobOf = async (tenant: TenantRecord): Promise<string> =>
    String(
      (
        await query(
          database.url,
          "select provision_job::text as job from bulkhead.tenant where uid = $1",
          [tenant.uid],
        )
      )[0]?.["job"],
    );
});
