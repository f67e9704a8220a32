import { Client } from "pg";
import { afterAll, expect, test } from "vitest";
import { type TestDatabase, testDatabase } from "./index.ts";

const open: TestDatabase[] = [];
afterAll(() => Promise.all(open.map((database) => database.close())));

let migrations = 0;
const migrate = async (url: string): Promise<void> => {
  migrations += 1;
  await query(url, "create table here (n int); insert into here values (1)");
};

async function query(url: string, sql: string): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test("each database is a copy of its own, of one migration", async () => {
  open.push(...(await Promise.all([1, 2, 3].map(() => testDatabase({ migrate })))));
  const [first, second] = open;
  if (first === undefined || second === undefined) throw new Error("unreachable");
  await query(first.url, "insert into here values (2)");
  expect(await query(first.url, "select n from here order by n")).toEqual([{ n: 1 }, { n: 2 }]);
  expect(await query(second.url, "select n from here")).toEqual([{ n: 1 }]);
  expect(migrations).toBe(1);
});

test("a migration that fails leaves no template", async () => {
  let fail = true;
  const once = async (url: string): Promise<void> => {
    await query(url, "create table half (n int)");
    if (fail) throw new Error("half way");
  };
  await expect(testDatabase({ migrate: once, template: "fails" })).rejects.toThrow("half way");
  fail = false;
  const database = await testDatabase({ migrate: once, template: "fails" });
  open.push(database);
  expect(await query(database.url, "select n from half")).toEqual([]);
});

test("closing drops the database though somebody is connected", async () => {
  const database = await testDatabase();
  const client = new Client({ connectionString: database.url });
  client.on("error", () => {});
  await client.connect();
  await database.close();
  await database.close();
  await expect(query(database.url, "select 1")).rejects.toThrow(/does not exist/);
});

test("the server holds more connections than the default", async () => {
  const database = await testDatabase();
  open.push(database);
  const [row] = await query(database.url, "select current_setting('max_connections')::int as n");
  expect(row).toEqual({ n: 300 });
});
