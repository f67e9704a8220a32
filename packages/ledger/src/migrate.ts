import pg from "pg";
import { codeOf, isConnectionFault, toFileError } from "./errors.ts";
import { type Migration, migrationHash, migrations } from "./migrations/index.ts";

export interface MigrateOptions {
  /** The steps this code knows; its own by default. Tests give fewer or more, as an older or newer release has. */
  readonly steps?: readonly Migration[] | undefined;
}

/** Raised where a database and this code do not belong together; the message says what to do. */
const refuse = (message: string): never => {
  throw new Error(message);
};

const latest = (steps: readonly Migration[]): number => steps.at(-1)?.version ?? 0;

/**
 * Brings a database to this code's schema: forward only, each step in a transaction, all under an advisory lock, and
 * nothing if nothing is missing. Rejects with an `Error` that says what to do if the database needs newer code, or if a
 * step that was applied is not the one this code has; with `unavailable` without a database.
 */
export const migrate = async (url: string, options: MigrateOptions = {}): Promise<void> => {
  const steps = options.steps ?? migrations;
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5000,
    application_name: "bulkhead-migrate",
    options: "-c timezone=UTC -c client_min_messages=warning",
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ n: number }>(
      "select current_setting('server_version_num')::int as n",
    );
    if ((rows[0]?.n ?? 0) < 150_000)
      refuse("The control plane needs PostgreSQL 15 or newer; upgrade the server.");
    if (await isCurrent(client, steps)) return;
    // Released with the session, whatever happens.
    await client.query("select pg_advisory_lock(20262026, 1)");
    await createRoles(client);
    await createBook(client);
    if (!(await isCurrent(client, steps))) await applyMissing(client, steps);
    // A function of the last step; older releases given by tests may lack it.
    const made = await client.query<{ ok: boolean }>(
      "select to_regprocedure('bulkhead.partitions_v1()') is not null as ok",
    );
    if (made.rows[0]?.ok === true) await client.query("select bulkhead.partitions_v1()");
  } catch (error) {
    throw isConnectionFault(error) ? toFileError(error) : error;
  } finally {
    await client.end().catch(() => undefined);
  }
};

/** Checks what was applied against `steps`; true if nothing is missing. */
const isCurrent = async (client: pg.Client, steps: readonly Migration[]): Promise<boolean> => {
  const book = await client.query<{ ok: boolean }>(
    "select to_regclass('bulkhead.schema_migration') is not null as ok",
  );
  if (book.rows[0]?.ok !== true) return false;
  const { rows: gates } = await client.query<{ min_code: number }>(
    "select min_code from bulkhead.schema",
  );
  const minCode = gates[0]?.min_code ?? 0;
  if (minCode > latest(steps))
    refuse(
      `This database was migrated by a newer release (it needs schema code ${minCode}, this release has ${latest(steps)}); run that release or a newer one.`,
    );
  const { rows: applied } = await client.query<{ version: number; hash: string }>(
    "select version, hash from bulkhead.schema_migration order by version",
  );
  for (const step of steps) {
    const row = applied.find((one) => one.version === step.version);
    if (row !== undefined && row.hash !== migrationHash(step))
      refuse(
        `Step ${step.version} (${step.name}) of this database's schema is not the one of this release; use the release that made it, or a fresh database.`,
      );
  }
  const known = new Set(applied.map((row) => row.version));
  return steps.every((step) => known.has(step.version));
};

const applyMissing = async (client: pg.Client, steps: readonly Migration[]): Promise<void> => {
  const { rows } = await client.query<{ version: number }>(
    "select version from bulkhead.schema_migration",
  );
  const known = new Set(rows.map((row) => row.version));
  for (const step of steps) {
    if (known.has(step.version)) continue;
    await client.query("begin");
    try {
      await client.query(step.sql);
      await client.query(
        "insert into bulkhead.schema_migration (version, name, hash) values ($1, $2, $3)",
        [step.version, step.name, migrationHash(step)],
      );
      await client.query("update bulkhead.schema set min_code = greatest(min_code, $1)", [
        step.minCode,
      ]);
      await client.query("commit");
    } catch (error) {
      await client.query("rollback");
      throw error;
    }
  }
};

const createBook = async (client: pg.Client): Promise<void> => {
  const { rows } = await client.query<{ ok: boolean }>(
    "select to_regclass('bulkhead.schema') is not null as ok",
  );
  if (rows[0]?.ok === true) return;
  await client.query(`
    begin;
    create schema if not exists bulkhead;
    create table bulkhead.schema (one boolean primary key default true check (one), min_code integer not null);
    insert into bulkhead.schema (min_code) values (0);
    create table bulkhead.schema_migration (
      version integer primary key, name text not null, hash text not null, applied_at timestamptz not null default now()
    );
    commit;
  `);
};

/**
 * Roles belong to the cluster, advisory locks to a database: migrations of two databases do meet here. Whoever comes
 * second finds the role made.
 */
const createRoles = async (client: pg.Client): Promise<void> => {
  for (const role of ["bulkhead_app", "bulkhead_system"]) {
    await tolerant(
      client,
      `create role ${role} nologin`,
      "select 1 from pg_roles where rolname = $1",
      role,
    );
    await tolerant(
      client,
      `grant ${role} to current_user`,
      "select 1 where pg_has_role(current_user, $1, 'member')",
      role,
    );
  }
};

const tolerant = async (
  client: pg.Client,
  statement: string,
  test: string,
  role: string,
): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    if (((await client.query(test, [role])).rowCount ?? 0) > 0) return;
    try {
      await client.query(statement);
      return;
    } catch (error) {
      // Exists already, or two sessions wrote one catalog row ("tuple concurrently updated").
      if (attempt === 5 || !["42710", "23505", "XX000"].includes(codeOf(error))) throw error;
    }
  }
};
