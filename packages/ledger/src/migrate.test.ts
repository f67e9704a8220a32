import { testDatabase } from "@bulkhead/harness";
import pg from "pg";
import { expect, test } from "vitest";
import { migrate } from "./migrate.ts";
import { migrations } from "./migrations/index.ts";
import { openLedger } from "./open-ledger.ts";
import { fixture } from "./test/fixture.ts";

const count = async (url: string): Promise<number> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ n: number }>(
      "select count(*)::int as n from bulkhead.schema_migration",
    );
    return rows[0]?.n ?? 0;
  } finally {
    await client.end();
  }
};

test("Four clients migrate each of three databases at once, and again", async () => {
  const databases = await Promise.all([testDatabase(), testDatabase(), testDatabase()]);
  try {
    const urls = databases.map((database) => database.url);
    await Promise.all(
      urls.flatMap((url) => [migrate(url), migrate(url), migrate(url), migrate(url)]),
    );
    for (const url of urls) expect(await count(url)).toBe(migrations.length);
    await migrate(urls[0] ?? "");
    expect(await count(urls[0] ?? "")).toBe(migrations.length);
  } finally {
    await Promise.all(databases.map((database) => database.close()));
  }
});

test("A step that fails leaves nothing of itself, and the next release goes on from there", async () => {
  const database = await testDatabase();
  try {
    const next = (migrations.at(-1)?.version ?? 0) + 1;
    const broken = {
      version: next,
      name: "broken",
      minCode: 1,
      sql: "create table bulkhead.half (a int); select 1/0;",
    };
    await expect(migrate(database.url, { steps: [...migrations, broken] })).rejects.toThrow();
    expect(await count(database.url)).toBe(migrations.length);
    await migrate(database.url, {
      steps: [...migrations, { ...broken, sql: "create table bulkhead.half (a int)" }],
    });
    expect(await count(database.url)).toBe(migrations.length + 1);
    // The older release runs on the schema of the next, as long as that allows it.
    await migrate(database.url);
  } finally {
    await database.close();
  }
});

test("Older code and another history are refused", async () => {
  const database = await testDatabase();
  try {
    const next = (migrations.at(-1)?.version ?? 0) + 1;
    const demanding = { version: next, name: "demanding", minCode: next, sql: "select 1" };
    await migrate(database.url, { steps: [...migrations, demanding] });
    await expect(migrate(database.url)).rejects.toThrow(/newer release/);
    const changed = [...migrations, demanding].map((step, i) =>
      i === 0 ? { ...step, sql: `${step.sql} ` } : step,
    );
    await expect(migrate(database.url, { steps: changed })).rejects.toThrow(
      /not the one of this release/,
    );
  } finally {
    await database.close();
  }
});

test("Another master key or region refuses to open, the same one does not", async () => {
  await using at = await fixture();
  const first = await openLedger({ url: at.url, masterKeyFingerprint: "one", region: "eu-1" });
  await first.close();
  await expect(openLedger({ url: at.url, masterKeyFingerprint: "two" })).rejects.toThrow(
    /BULKHEAD_MASTER_KEY/,
  );
  await expect(
    openLedger({ url: at.url, masterKeyFingerprint: "one", region: "us-1" }),
  ).rejects.toThrow(/region 'eu-1'/);
  expect(await at.ledger.ready()).toEqual([]);
});

test("A role that the URL sets never replaces the ledger's own", async () => {
  await using at = await fixture();
  const url = new URL(at.url);
  url.searchParams.set("options", "-c application_name=mine -c role=none");
  const ledger = await openLedger({ url: url.href, masterKeyFingerprint: "one" });
  try {
    await ledger.intents.discard(
      "00000000-0000-0000-0000-000000000000.00000000-0000-0000-0000-000000000000",
    );
    const rows = await at.sql<{ n: number }>(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and application_name = 'bulkhead-hot'",
    );
    expect(rows[0]?.n).toBeGreaterThan(0);
  } finally {
    await ledger.close();
  }
});
