import { FileError, type OpContext, parseBackendPath } from "@bulkhead/contract";
import { openDatabases, pools } from "@bulkhead/backend-postgres";
import {
  query,
  tempDir,
  type TempDir,
  testDatabase,
  type TestDatabase,
  waitFor,
} from "@bulkhead/harness";
import { collect, plainContext, textBody } from "@bulkhead/kit";
import { migrate, startEmbedded } from "@bulkhead/ledger";
import pg from "pg";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { closePublic } from "./close-public.ts";
import { openPostgres } from "./open-postgres.ts";
import { tenantWorld } from "./test/tenant-world.ts";

type World = Awaited<ReturnType<typeof tenantWorld>>;

const path = parseBackendPath("d/f");

let database: TestDatabase;
let dir: TempDir;
let server: Awaited<ReturnType<typeof startEmbedded>>;
let world: World;
let uid: string;

const start = () => startEmbedded({ dataDir: dir.path, durability: "none" });

beforeAll(async () => {
  [database, dir] = await Promise.all([testDatabase({ migrate }), tempDir()]);
  server = await start();
  world = await tenantWorld({ url: database.url, adminUrl: server.url });
  ({ uid } = await world.create("acme"));
  await world.provision(uid);
}, 60_000);
afterAll(async () => {
  await world.close();
  await server.stop();
  await database.close();
  await dir[Symbol.asyncDispose]();
});

const ctx = (): OpContext => ({ ...plainContext(), settlement: world.settlement(uid) });

const head = async (): Promise<unknown> =>
  (
    await query(
      database.url,
      "select used::int, files::int from bulkhead.tenant_head where uid = $1",
      [uid],
    )
  )[0];

/** Lets transactions come as far as their effect, and no further, until it is let go or the server ends. */
const holdEffects = async (): Promise<() => Promise<void>> => {
  const { url } = await world.mountOf(uid).database();
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  await client.query("begin; lock table bulkhead.effect in share mode");
  const letGo = (): Promise<void> => client.end().catch(() => undefined);
  onTestFinished(letGo);
  return letGo;
};

const oneWaits = async (): Promise<void> => {
  await waitFor(
    async () =>
      (await query(server.url, "select from pg_stat_activity where wait_event_type = 'Lock'"))
        .length > 0,
  );
};

it("closes every database of a server of its own to tenants' roles, and tells an operator of those of theirs", async () => {
  const open = await openDatabases(server.url);
  expect(open).toEqual(expect.arrayContaining(["bulkhead", "postgres"]));
  const told: string[] = [];
  const elsewhere = closePublic(undefined, (event, detail) =>
    told.push(JSON.stringify([event, detail])),
  );
  await elsewhere(server.url);
  await elsewhere(server.url);
  expect(told).toEqual([expect.stringMatching(/databases-open.*postgres/)]);
  expect(await openDatabases(server.url)).toEqual(open);
  await closePublic(server.url, () => undefined)(server.url);
  expect(await openDatabases(server.url)).toEqual([]);
  expect(await query(server.url, "select 1 as one")).toEqual([{ one: 1 }]);
});

it("answers 503 while all connections are taken, loses nothing, and goes on by itself", async () => {
  const few = pools({ maxConnections: 1, waitMs: 150 });
  onTestFinished(() => few.close());
  const backend = openPostgres({ ...world.mountOf(uid), pools: few });
  onTestFinished(() => backend.close());
  await backend.write(ctx(), path, textBody("old"));
  const letGo = await holdEffects();
  const slow = backend.write(ctx(), path, textBody("newer"));
  await oneWaits();
  const others = await Promise.allSettled([
    backend.stat(ctx(), path),
    backend.write(ctx(), parseBackendPath("g"), textBody("x")),
  ]);
  for (const other of others)
    expect(other).toMatchObject({ status: "rejected", reason: { code: "unavailable" } });
  await letGo();
  expect(await slow).toMatchObject({ size: 5, replaced: { size: 3 } });
  expect(await backend.stat(ctx(), path)).toMatchObject({ size: 5 });
  expect(await head()).toEqual({ used: 5, files: 1 });
});

it("outlives a restart of the database in the middle of a transaction", async () => {
  const backend = openPostgres(world.mountOf(uid));
  onTestFinished(() => backend.close());
  await backend.write(ctx(), path, textBody("before"));
  await holdEffects();
  const writing = backend
    .write(ctx(), path, textBody("in the middle"))
    .catch((error: unknown) => error);
  await oneWaits();
  await server.stop();
  // The server ends who holds the lock and who waits for it in any order: what it acknowledged stays, or nothing changed.
  const outcome = await writing;
  const acknowledged = !(outcome instanceof FileError);
  if (!acknowledged) expect(outcome.code).toBe("unavailable");
  const down = await backend.stat(ctx(), path).catch((error: unknown) => error);
  expect(down).toBeInstanceOf(FileError);
  expect(down).toMatchObject({ code: "unavailable" });
  server = await start();
  await waitFor(async () => {
    await using read = await backend.read(ctx(), path).catch(() => undefined);
    return (
      read &&
      new TextDecoder().decode(await collect(read.content)) ===
        (acknowledged ? "in the middle" : "before")
    );
  });
  // What could not be decided without the server is decided by whoever opens the mount after its lease is over.
  await query(database.url, "update bulkhead.intent set lease = bulkhead.now()");
  const again = openPostgres(world.mountOf(uid));
  onTestFinished(() => again.close());
  await again.write(ctx(), path, textBody("after"));
  expect(await head()).toEqual({ used: 5, files: 1 });
  expect(await query(database.url, "select from bulkhead.intent")).toEqual([]);
}, 60_000);
