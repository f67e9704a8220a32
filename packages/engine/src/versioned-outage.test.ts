import { parseBackendPath, parseVirtualPath, type OpContext } from "@bulkhead/contract";
import { local } from "@bulkhead/backend-local";
import { versioned, type VersionedBackend } from "@bulkhead/backend-versioned";
import { openSql, type Sql, tempDir, type TempDir, waitFor } from "@bulkhead/harness";
import { bytesBody, collect, plainContext, textBody } from "@bulkhead/kit";
import { type Ledger, migrate, openLedger, startEmbedded } from "@bulkhead/ledger";
import { afterAll, beforeAll, expect, it } from "vitest";

const path = parseBackendPath;

let dir: TempDir;
let server: Awaited<ReturnType<typeof startEmbedded>>;
let ledger: Ledger;

const start = () => startEmbedded({ dataDir: dir.path, durability: "none" });

beforeAll(async () => {
  dir = await tempDir();
  server = await start();
  await migrate(server.url);
  ledger = await openLedger({ url: server.url, masterKeyFingerprint: "f".repeat(32) });
}, 60_000);
afterAll(async () => {
  await ledger.close();
  await server.stop();
  await dir[Symbol.asyncDispose]();
});

interface Tenant {
  readonly uid: string;
  readonly backend: VersionedBackend;
  readonly ctx: () => OpContext;
}

const create = async (id: string): Promise<Tenant> => {
  const { uid } = await ledger.tenants.create(plainContext().settlement, {
    id,
    name: id,
    root: parseVirtualPath(`/workspace/${id}`),
    placement: "versioned",
    subdomain: undefined,
    allowedRegions: undefined,
    limits: {},
    settings: {},
  });
  const tree = await ledger.trees.ensure(uid, `root:${uid}`, `root:${uid}`);
  const content = await local({ root: `${dir.path}/content/${uid}`, durability: "relaxed" });
  return {
    uid,
    backend: versioned({ tree, content, ledger: ledger.trees }),
    ctx: () => ({
      ...plainContext(),
      settlement: { ...plainContext().settlement, tenant: uid },
    }),
  };
};

const text = async ({ backend, ctx }: Tenant, name: string): Promise<string> => {
  await using read = await backend.read(ctx(), path(name));
  return new TextDecoder().decode(await collect(read.content));
};

/** Lets commits come as far as the counters of these tenants, in the middle of their transactions, and no further. */
const hold = async (uids: readonly string[]): Promise<Sql> => {
  const sql = await openSql(server.url);
  await sql.run("begin");
  await sql.run("select from bulkhead.tenant_head where uid = any ($1) for update", [uids]);
  return sql;
};

/** From outside a transaction, which would be shown the same for ever. */
const waiting = async (count: number): Promise<void> => {
  const sql = await openSql(server.url);
  await waitFor(
    async () =>
      (
        await sql.run(
          "select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
        )
      ).length >= count,
  );
  await sql.close();
};

const exact = async ({ uid }: Tenant): Promise<void> => {
  const { counted, found } = await ledger.trees.recount(uid);
  expect(counted).toEqual(found);
  expect(await ledger.auditLog.verify(uid)).toBeUndefined();
};

const failureOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (reason: unknown) => reason,
  );

it("all connections taken: 503 in time, nothing lost, and it goes on by itself", async () => {
  const tenants = await Promise.all(Array.from({ length: 5 }, (_, i) => create(`taken-${i}`)));
  const [free, ...held] = tenants;
  if (free === undefined) throw new Error("There are five.");
  for (const { backend, ctx } of tenants)
    await backend.write(ctx(), path("f"), bytesBody(new Uint8Array(50_000)));
  const copy = ({ backend, ctx }: Tenant): Promise<unknown> =>
    failureOf(backend.copy(ctx(), path("f"), path("g")));
  const holder = await hold(held.map(({ uid }) => uid));
  // As many as there are connections for what may take long, each in the middle of its commit.
  const copying = held.map(copy);
  await waiting(held.length);
  expect(await copy(free)).toMatchObject({ code: "unavailable", retry: "safe" });
  // What is short has others.
  await free.backend.write(free.ctx(), path("f"), textBody("meanwhile"));
  // And where those wait as well, they are told so, too.
  expect(
    await failureOf(
      held[0]?.backend.write(held[0].ctx(), path("f"), textBody("late")) ?? Promise.resolve(),
    ),
  ).toMatchObject({ code: "unavailable", retry: "safe" });
  await holder.run("rollback");
  await holder.close();
  expect(await Promise.all(copying)).toEqual(held.map(() => undefined));
  expect(await copy(free)).toBeUndefined();
  expect(await text(free, "g")).toBe("meanwhile");
  for (const tenant of held) {
    expect((await text(tenant, "f")).length).toBe(50_000);
    expect((await text(tenant, "g")).length).toBe(50_000);
  }
  for (const tenant of tenants) await exact(tenant);
}, 60_000);

it("a restart of the ledger's database in the middle of commits: 503, old content stands, and it goes on by itself", async () => {
  const tenant = await create("restarted");
  const { backend, ctx, uid } = tenant;
  const large = new Uint8Array(50_000).fill(1);
  await backend.write(ctx(), path("f"), textBody("before"));
  await backend.write(ctx(), path("d/g"), bytesBody(large));
  const holder = await hold([uid]);
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    small: () => backend.write(ctx(), path("f"), textBody("in the middle")),
    large: () => backend.write(ctx(), path("d/g"), bytesBody(new Uint8Array(60_000))),
    remove: () => backend.remove(ctx(), path("d"), { recursive: true }),
    copy: () => backend.copy(ctx(), path("d"), path("e")),
  };
  const under = Object.values(calls).map((call) => failureOf(call()));
  await waiting(under.length);
  // The lock is held until the server is gone, or a commit would be let through before.
  await server.stop();
  await holder.close().catch(() => undefined);
  for (const error of await Promise.all(under))
    expect(error).toMatchObject({ code: "unavailable", retry: "safe" });
  expect(await failureOf(backend.stat(ctx(), path("f")))).toMatchObject({ code: "unavailable" });
  server = await start();
  await waitFor(async () => (await text(tenant, "f")) === "before");
  await using read = await backend.read(ctx(), path("d/g"));
  expect(Buffer.compare(await collect(read.content), large)).toBe(0);
  expect(await failureOf(backend.stat(ctx(), path("e")))).toMatchObject({ code: "not-found" });
  await exact(tenant);
  // Repeated, each is done, once.
  await calls["small"]?.();
  await calls["large"]?.();
  await calls["copy"]?.();
  await calls["remove"]?.();
  expect(await text(tenant, "f")).toBe("in the middle");
  expect((await text(tenant, "e/g")).length).toBe(60_000);
  expect(await failureOf(backend.stat(ctx(), path("d")))).toMatchObject({ code: "not-found" });
  await exact(tenant);
}, 60_000);
