import { createHash, randomBytes } from "node:crypto";
import { Client } from "pg";
import { testServer } from "./test-server.ts";

export interface TestDatabaseOptions {
  /** Brings an empty database to the schema; runs once a run, and every database after it is a copy. */
  readonly migrate?: (url: string) => Promise<void>;
  /** Tells apart migrations whose source text is the same; by default that text. */
  readonly template?: string;
}

export interface TestDatabase {
  readonly url: string;
  /** Drops the database, whoever is connected. */
  close(): Promise<void>;
}

/** Any number; one for all templates, because migrations also make roles, which are the server's. */
const migrating = 5_126_701;

/** Makes a database of its own on the server of this run. */
export async function testDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const server = await testServer();
  const run = process.env["BULKHEAD_TEST_RUN"] ?? "alone";
  const name = `test_${run}_${randomBytes(6).toString("hex")}`;
  const template = await templateFor(server, run, options);
  // WAL is not what makes a copy slow here: nothing is synced, and a file copy needs two checkpoints.
  await execute(server, `create database "${name}" template "${template}"`);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closed ??= execute(server, `drop database if exists "${name}" with (force)`));
  return { url: withDatabase(server, name), close };
}

const templates = new Map<string, Promise<string>>();

function templateFor(server: string, run: string, options: TestDatabaseOptions): Promise<string> {
  const { migrate, template } = options;
  if (migrate === undefined) return Promise.resolve("template1");
  const key = createHash("sha256")
    .update(template ?? String(migrate))
    .digest("hex")
    .slice(0, 12);
  const name = `test_${run}_template_${key}`;
  const made = templates.get(name) ?? makeTemplate(server, name, migrate);
  templates.set(name, made);
  made.catch(() => templates.delete(name));
  return made;
}

// Under one lock for every process of the run; it has its final name only when the migration is through.
async function makeTemplate(
  server: string,
  name: string,
  migrate: (url: string) => Promise<void>,
): Promise<string> {
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await client.query("select pg_catalog.pg_advisory_lock($1)", [migrating]);
    const found = await client.query("select from pg_catalog.pg_database where datname = $1", [
      name,
    ]);
    if (found.rowCount === 1) return name;
    const unfinished = `${name}_unfinished`;
    await client.query(`drop database if exists "${unfinished}" with (force)`);
    await client.query(`create database "${unfinished}" template template1`);
    await migrate(withDatabase(server, unfinished));
    // A connection that the migration forgot would keep every copy from being made.
    await client.query(`alter database "${unfinished}" allow_connections false`);
    await client.query(
      `select pg_catalog.pg_terminate_backend(pid, 5000) from pg_catalog.pg_stat_activity where datname = $1`,
      [unfinished],
    );
    await client.query(`alter database "${unfinished}" rename to "${name}"`);
    return name;
  } finally {
    await client.end();
  }
}

async function execute(server: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function withDatabase(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}
