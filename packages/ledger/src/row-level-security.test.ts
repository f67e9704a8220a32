import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fixture, fixture, settlement, writing } from "./test/fixture.ts";

let at: Fixture;
let app: pg.Client;
let system: pg.Client;
let alpha: string;
let beta: string;

const connect = async (role: string): Promise<pg.Client> => {
  const client = new pg.Client({ connectionString: at.url, options: `-c role=${role}` });
  await client.connect();
  return client;
};

beforeAll(async () => {
  at = await fixture();
  alpha = (await at.tenant("alpha")).uid;
  beta = (await at.tenant("beta")).uid;
  await at.key(await expectTenant("alpha"));
  await at.key(await expectTenant("beta"));
  await at.ledger.intents.begin(settlement(alpha), writing());
  await at.ledger.intents.begin(settlement(beta), writing());
  app = await connect("bulkhead_app");
  system = await connect("bulkhead_system");
});
afterAll(async () => {
  await app.end();
  await system.end();
  await at[Symbol.asyncDispose]();
});

const expectTenant = async (id: string): ReturnType<Fixture["tenant"]> => {
  const tenant = await at.ledger.tenants.get(id);
  if (tenant === undefined) throw new Error(`No ${id}.`);
  return tenant;
};

const readable = [
  "tenant",
  "root",
  "key",
  "revision",
  "tenant_head",
  "audit",
  "outbox",
  "change",
  "intent",
  "idempotency",
  "accounted",
];

const counts = async (client: pg.Client): Promise<Record<string, number>> => {
  const found: Record<string, number> = {};
  for (const table of readable) {
    const { rows } = await client.query<{ n: number }>(
      `select count(*)::int as n from bulkhead.${table}`,
    );
    found[table] = rows[0]?.n ?? -1;
  }
  return found;
};

const none = Object.fromEntries(readable.map((table) => [table, 0]));

test("Every table with a tenant's column is under forced row-level security", async () => {
  const open = await at.sql(
    `select distinct c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
     join pg_attribute a on a.attrelid = c.oid
     where n.nspname = 'bulkhead' and c.relkind in ('r', 'p') and not c.relispartition
       and (a.attname = 'tenant' or c.relname in ('tenant', 'tenant_head', 'idempotency'))
       and not (c.relrowsecurity and c.relforcerowsecurity)`,
  );
  expect(open).toEqual([]);
});

test("bulkhead_app sees nothing while no tenant is named, by nothing or by the empty string", async () => {
  expect(await counts(app)).toEqual(none);
  await app.query("select set_config('bulkhead.tenant', '', false)");
  expect(await counts(app)).toEqual(none);
});

test("bulkhead_app sees one tenant's rows, and can neither write nor take another's", async () => {
  await app.query("begin");
  try {
    await app.query("select bulkhead.enter_v1($1)", [alpha]);
    const seen = await counts(app);
    expect(seen).toMatchObject({
      tenant: 1,
      root: 1,
      key: 1,
      // Its own and the platform's.
      revision: 2,
      tenant_head: 1,
      intent: 1,
    });
    const { rowCount } = await app.query(
      "update bulkhead.intent set mount = 'x' where tenant = $1",
      [beta],
    );
    expect(rowCount).toBe(0);
    await app.query("savepoint s");
    await expect(app.query("update bulkhead.intent set tenant = $1", [beta])).rejects.toThrow(
      /row-level security/,
    );
    await app.query("rollback to s");
    const other = await app.query("select * from bulkhead.intent where tenant = $1", [beta]);
    expect(other.rows).toEqual([]);
  } finally {
    await app.query("rollback");
  }
  expect(await counts(app)).toEqual(none);
});

test.each([
  "delete from bulkhead.audit",
  "update bulkhead.audit set actor = 'x'",
  "insert into bulkhead.key default values",
  "update bulkhead.key set revoked_at = null",
  "update bulkhead.revision set n = 0",
  "update bulkhead.tenant set status = 'active'",
  "select * from bulkhead.meta",
  "update bulkhead.lease set holder = null",
  "select * from bulkhead.job",
  "select * from bulkhead.changelog",
  "select * from bulkhead.audit_default",
  "select * from bulkhead.change_default",
  "update bulkhead.change set seq = 0",
  "delete from bulkhead.change",
  "select bulkhead.change_heads_v1('{}')",
  "select bulkhead.admit_v1('{}', '{}')",
  "select bulkhead.bump_v1('00000000-0000-0000-0000-000000000000')",
  "select bulkhead.job_claim_v1('{}', 1, 1)",
  "select bulkhead.partitions_v1()",
  "create table bulkhead.mine (a int)",
])("bulkhead_app may not: %s", async (statement) => {
  await expect(app.query(statement)).rejects.toThrow(/permission denied/);
});

test("bulkhead_system sees every tenant, and changes no history", async () => {
  expect((await counts(system))["tenant"]).toBe(2);
  for (const statement of [
    "delete from bulkhead.audit",
    "update bulkhead.audit set actor = 'x'",
    "update bulkhead.changelog set n = 1",
    "update bulkhead.schema set min_code = 0",
    "drop table bulkhead.key",
  ])
    await expect(system.query(statement)).rejects.toThrow(/permission denied|must be owner/);
});
