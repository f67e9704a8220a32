import { tempDir, waitFor } from "@bulkhead/harness";
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EmbeddedPostgres, startEmbedded } from "./embedded/index.ts";
import { openDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";
import { openLedger } from "./open-ledger.ts";
import { draft, settlement, writing } from "./test/fixture.ts";
import type { Ledger } from "./types.ts";

let folder: Awaited<ReturnType<typeof tempDir>>;
let server: EmbeddedPostgres;
let ledger: Ledger;
let key: string;

beforeAll(async () => {
  folder = await tempDir();
  server = await startEmbedded({ dataDir: folder.path, durability: "none" });
  ledger = await openLedger({ url: server.url, masterKeyFingerprint: "one" });
  key = (await ledger.platformKeys.ensure({})).minted ?? "";
});
afterAll(async () => {
  await ledger?.close();
  await server?.stop();
  await folder?.[Symbol.asyncDispose]();
});

const failsInTime = async (work: Promise<unknown>): Promise<void> => {
  const began = performance.now();
  await expect(work).rejects.toMatchObject({ code: "unavailable", fields: { retryAfter: 1 } });
  expect(performance.now() - began).toBeLessThan(2000);
};

const everything = (): Promise<unknown> =>
  Promise.all([
    failsInTime(ledger.authority.admit(key)),
    failsInTime(ledger.authority.readmit("0000000000000000")),
    failsInTime(ledger.intents.begin(settlement(undefined), writing())),
  ]);

const works = async (): Promise<void> => {
  await waitFor(async () => {
    await ledger.authority.admit(key);
    await ledger.intents.settle(await ledger.intents.begin(settlement(undefined), writing()), {});
    return true;
  });
  expect(await ledger.ready()).toEqual([]);
};

test("A stopped server is unavailable within two seconds, and served again once it is back", async () => {
  await works();
  await server.stop();
  await everything();
  expect(await ledger.ready()).toEqual(["database"]);
  // Refusals wait for it meanwhile.
  ledger.denials.denied(undefined, draft("outage"), "during");
  await ledger.denials.flush();
  await failsInTime(migrate(server.url));
  server = await startEmbedded({ dataDir: folder.path, durability: "none" });
  await works();
  await ledger.denials.flush();
  expect((await ledger.auditLog.list(undefined, { result: "denied" })).items).toMatchObject([
    { key: "outage" },
  ]);
});

test("A server that hangs is unavailable within two seconds too, on connections that are open and on new ones", async () => {
  await works();
  const pids = execFileSync("pgrep", ["-f", folder.path], { encoding: "utf8" })
    .split("\n")
    .filter(Boolean)
    .flatMap((pid) => [
      pid,
      ...execFileSync("ps", ["-o", "pid=", "--ppid", pid], { encoding: "utf8" }).split("\n"),
    ])
    .map((pid) => Number(pid.trim()))
    .filter((pid) => pid > 0 && pid !== process.pid);
  const send = (signal: NodeJS.Signals): void => {
    for (const pid of new Set(pids)) process.kill(pid, signal);
  };
  send("SIGSTOP");
  try {
    await everything();
    await everything();
  } finally {
    send("SIGCONT");
  }
  await works();
});

test("A transaction that took too long leaves nothing on its connection", async () => {
  const database = openDatabase({
    url: server.url,
    role: "bulkhead_system",
    max: 1,
    connectMs: 1500,
    statementMs: 200,
    name: "slow",
  });
  try {
    await failsInTime(database.transaction((tx) => tx.rows("select pg_sleep(1)")));
    expect(await database.rows("select 1 as one")).toEqual([{ one: 1 }]);
    await expect(database.transaction((tx) => tx.rows("select 1/0"))).rejects.toMatchObject({
      code: "internal",
    });
    expect(await database.rows("select 1 as one")).toEqual([{ one: 1 }]);
  } finally {
    await database.close();
  }
});

test("Connections that the server ends are replaced", async () => {
  await works();
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  await client.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and application_name like 'bulkhead-%'",
  );
  await client.end();
  await works();
});
