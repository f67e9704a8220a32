import { fileURLToPath } from "node:url";
import { FileError, parseBackendPath, type TenantRecord } from "@bulkhead/contract";
import { deprovision } from "@bulkhead/backend-postgres";
import { query, runSource, testDatabase, type TestDatabase } from "@bulkhead/harness";
import { plainContext, textBody } from "@bulkhead/kit";
import { JobGivenUp, migrate } from "@bulkhead/ledger";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { openPostgres, replayPostgres } from "./open-postgres.ts";
import type { TenantStep } from "./provision-tenant.ts";
import { tenantWorld } from "./test/tenant-world.ts";

type World = Awaited<ReturnType<typeof tenantWorld>>;

const script = fileURLToPath(new URL("test/dies.ts", import.meta.url));
const steps: readonly TenantStep[] = [
  "role",
  "database",
  "schema",
  "tree",
  "sql",
  "verify",
  "activate",
];

let database: TestDatabase;
let world: World;
const once = "create table once (at timestamptz default now()); insert into once default values";

beforeAll(async () => {
  database = await testDatabase({ migrate });
  world = await tenantWorld({ url: database.url, sql: once });
});
afterAll(async () => {
  await world.close();
  const made = await query(database.url, "select database_name as name from bulkhead.tenant");
  for (const { name } of made) await deprovision({ adminUrl: database.url, name: String(name) });
  await database.close();
});

const dies = async (uid: string, step: string, sql?: string): Promise<void> => {
  const child = runSource(script, [database.url, uid, step, ...(sql === undefined ? [] : [sql])]);
  const { signal } = await child.exited;
  expect([signal, child.stdout, child.stderr]).toEqual(["SIGKILL", [], []]);
};

const left = async ({ databaseName }: TenantRecord): Promise<unknown> =>
  (
    await query(
      database.url,
      "select (select count(*)::int from pg_database where datname = $1) as databases, (select count(*)::int from pg_roles where rolname = $1) as roles",
      [databaseName],
    )
  )[0];

const head = async (uid: string): Promise<unknown> =>
  (
    await query(
      database.url,
      "select used::int, files::int, seq::int from bulkhead.tenant_head where uid = $1",
      [uid],
    )
  )[0];

const lapse = (uid: string): Promise<unknown> =>
  query(database.url, "update bulkhead.intent set lease = bulkhead.now() where tenant = $1", [uid]);

const intents = (uid: string): Promise<readonly unknown[]> =>
  query(database.url, "select state from bulkhead.intent where tenant = $1", [uid]);

describe("a provisioning", () => {
  it("goes on after kill -9 at every step, and leaves one database whose SQL ran once", async () => {
    const tenant = await world.create("killed");
    for (const step of steps) {
      await dies(tenant.uid, step, once);
      expect(await world.ledger.tenants.get("killed")).toMatchObject({ status: "provisioning" });
      await expect(world.mountOf(tenant.uid).database()).rejects.toMatchObject({
        code: "unavailable",
      });
    }
    await world.provision(tenant.uid);
    expect(await world.ledger.tenants.get("killed")).toMatchObject({ status: "active" });
    expect(await left(tenant)).toEqual({ databases: 1, roles: 1 });
    const root = await world.rootOf(tenant.uid);
    const { url } = await world.databases.open(root ?? never());
    expect(await query(url, "select count(*)::int as n from once")).toEqual([{ n: 1 }]);
    // Where the answer was lost, the job runs once more.
    await world.provision(tenant.uid);
    expect(await world.ledger.tenants.get("killed")).toMatchObject({ status: "active" });
  }, 60_000);

  it.each(steps)("leaves nothing where it is given up at the step '%s'", async (step) => {
    const tenant = await world.create("undone");
    const failing = world.provision(
      tenant.uid,
      async (progress) => {
        if (progress["step"] === step) throw new FileError("unavailable", "no server");
      },
      { attempt: 7 },
    );
    await expect(failing).rejects.toThrow(JobGivenUp);
    expect(await left(tenant)).toEqual({ databases: 0, roles: 0 });
    expect(await world.ledger.tenants.get("undone")).toBeUndefined();
    expect(await world.ledger.provisioning.database(tenant.uid)).toBeUndefined();
  });

  it("is tried again while that may help, and not where the server has refused", async () => {
    const tenant = await world.create("tried");
    const failing = world.provision(tenant.uid, () =>
      Promise.reject(new FileError("unavailable", "no server")),
    );
    await expect(failing).rejects.not.toThrow(JobGivenUp);
    expect(await world.ledger.tenants.get("tried")).toMatchObject({ status: "provisioning" });
    await world.provision(tenant.uid);

    const refusing = await tenantWorld({ url: database.url, sql: "select 1 / 0" });
    onTestFinished(() => refusing.close());
    const refused = await refusing.create("refused");
    await expect(refusing.provision(refused.uid)).rejects.toThrow(/provisioning SQL.*22012/);
    expect(await left(refused)).toEqual({ databases: 0, roles: 0 });
    expect((await refusing.create("refused")).uid).not.toBe(refused.uid);
  });

  it.each(["undo", "abandoned"])(
    "is undone after kill -9 while it was undone: %s",
    async (step) => {
      const tenant = await world.create("half-undone");
      await dies(tenant.uid, step, "select 1 / 0");
      expect(await left(tenant)).toEqual({ databases: 1, roles: 1 });
      const progress = { step: "undo", undoing: "why" };
      await expect(
        world.provision(tenant.uid, undefined, { progress, attempt: 2 }),
      ).rejects.toThrow("why");
      expect(await left(tenant)).toEqual({ databases: 0, roles: 0 });
      // And once more, where that answer was lost.
      await expect(
        world.provision(tenant.uid, undefined, { progress, attempt: 3 }),
      ).rejects.toThrow("why");
      expect(await world.ledger.tenants.get("half-undone")).toBeUndefined();
    },
  );

  it("makes nothing for a tenant that was deleted meanwhile", async () => {
    const tenant = await world.create("deleted");
    const provisioning = world.provision(tenant.uid, async ({ step }) => {
      if (step === "schema")
        await world.ledger.tenants.remove(world.settlement(tenant.uid), tenant.uid, 0);
    });
    await expect(provisioning).rejects.toThrow(/deleted meanwhile/);
    expect(await world.ledger.tenants.get("deleted")).toMatchObject({ status: "deleting" });
    await world.databases.drop((await world.rootOf(tenant.uid)) ?? never());
    expect(await left(tenant)).toEqual({ databases: 0, roles: 0 });
    await expect(world.provision(tenant.uid)).rejects.toThrow(/deleted meanwhile/);
    expect(await left(tenant)).toEqual({ databases: 0, roles: 0 });
  });
});

describe("a write in a tenant's own database", () => {
  it("is charged once if the process is killed before it could tell the ledger", async () => {
    const { uid } = await world.create("charged");
    await world.provision(uid);
    await dies(uid, "committed");
    expect(await intents(uid)).toEqual([{ state: "committing" }]);
    // It may be somebody's who is only slow: until its lease is over.
    await replayPostgres(world.mountOf(uid));
    expect(await head(uid)).toMatchObject({ used: 0, files: 0 });
    await lapse(uid);
    await Promise.all([replayPostgres(world.mountOf(uid)), replayPostgres(world.mountOf(uid))]);
    expect(await head(uid)).toMatchObject({ used: 5, files: 1 });
    expect(await intents(uid)).toEqual([]);
    await replayPostgres(world.mountOf(uid));
    expect(await head(uid)).toMatchObject({ used: 5, files: 1 });
    const [outbox] = await query(
      database.url,
      "select count(*)::int as n from bulkhead.outbox where tenant = $1 and kind = 'file.write'",
      [uid],
    );
    expect(outbox).toEqual({ n: 1 });
  });

  it("is charged with nothing if the process is killed before it commits, and never appears", async () => {
    const { uid } = await world.create("uncommitted");
    await world.provision(uid);
    await dies(uid, "granted");
    await lapse(uid);
    const backend = openPostgres(world.mountOf(uid));
    onTestFinished(() => backend.close());
    const ctx = { ...plainContext(), settlement: world.settlement(uid) };
    await expect(backend.stat(ctx, parseBackendPath("d/f"))).rejects.toMatchObject({
      code: "not-found",
    });
    expect(await intents(uid)).toEqual([]);
    expect(await head(uid)).toMatchObject({ used: 0, files: 0 });
    await backend.write(ctx, parseBackendPath("d/f"), textBody("12"));
    expect(await head(uid)).toMatchObject({ used: 2, files: 1 });
    await backend.close();
    // What is settled leaves no effect behind.
    const { url } = await world.mountOf(uid).database();
    expect(await query(url, "select from bulkhead.effect where not undone")).toEqual([]);
  });
});

const never = (): never => {
  throw new Error("There is no such root.");
};
