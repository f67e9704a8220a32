import { query, testServer } from "@bulkhead/harness";
import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { adminOf } from "./admin.ts";
import { pools } from "./pools.ts";

const names = Array.from(
  { length: 200 },
  (_, i) => `test_many_${randomBytes(4).toString("hex")}_${i}`,
);
let server: string;

const each = async (statement: (name: string) => string): Promise<void> => {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    for (const name of names) await client.query(statement(name));
  } finally {
    await client.end();
  }
};

beforeAll(async () => {
  server = await testServer();
  await each((name) => `create database "${name}"`);
}, 180_000);
afterAll(() => each((name) => `drop database if exists "${name}" with (force)`), 180_000);

it("two hundred databases are served behind fifty connections", async () => {
  const all = pools({ maxConnections: 50, maxPerDatabase: 2, waitMs: 60_000 });
  const current = { name: "current", text: "select current_database()::text" };
  let most = 0;
  const look = async (): Promise<void> => {
    const [row] = await query(
      server,
      "select count(*)::int as n from pg_stat_activity where datname like 'test_many_%' and application_name = 'bulkhead-tenant'",
    );
    most = Math.max(most, Number(row?.["n"]));
  };
  const watch = setInterval(() => void look(), 50);
  try {
    const asked = [...names, ...names.toReversed(), ...names];
    const answers = await Promise.all(
      asked.map(async (name) => {
        const lease = await all.lease(adminOf(server, name));
        const [row] = await lease.query(current, []);
        lease.release();
        return row?.[0];
      }),
    );
    expect(answers).toEqual(asked);
    expect(most).toBeGreaterThan(10);
    expect(most).toBeLessThanOrEqual(50);
    expect(all.count().databases).toBeLessThanOrEqual(50);
  } finally {
    clearInterval(watch);
    await all.close();
  }
}, 120_000);
