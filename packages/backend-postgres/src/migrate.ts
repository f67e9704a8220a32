import pg from "pg";
import { toFileError } from "./errors.ts";
import { type Migration, migrationHash, migrations } from "./schema/migrations.ts";
import { checkSchema, quoted } from "./schema/quoted.ts";

export interface MigrateTenantOptions {
  /** `bulkhead` by default. */
  readonly schema?: string;
  /** The steps this code knows; tests give fewer or more, as an older or newer release has. */
  readonly steps?: readonly Migration[];
}

/** The schema of a tree where nobody names another. */
export const defaultSchema = "bulkhead";

const refuse = (message: string): never => {
  throw new Error(message);
};

/**
 * Brings a tenant's database to this code's schema: forward only, each step in a transaction, all under an advisory
 * lock; nothing where nothing is missing. The URL's user has to own the schema, or be allowed to make it. Rejects with
 * an `Error` that says what to do if the database needs other code, and with `unavailable` without a database.
 */
export const migrateTenantDatabase = async (
  url: string,
  options: MigrateTenantOptions = {},
): Promise<void> => {
  const schema = checkSchema(options.schema ?? defaultSchema);
  const steps = options.steps ?? migrations;
  const s = quoted(schema);
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5000,
    application_name: "bulkhead-tenant-migrate",
  });
  client.on("error", () => undefined);
  try {
    await client.connect();
    // Released with the session, whatever happens.
    await client.query("select pg_advisory_lock(20262027, hashtext($1))", [schema]);
    await client.query("set client_min_messages = warning");
    const { rowCount } = await client.query("select from pg_namespace where nspname = $1", [
      schema,
    ]);
    // Asked first: whoever owns the schema need not be allowed to make one.
    if (rowCount === 0) await client.query(`create schema ${s}`);
    await client.query(
      `create table if not exists ${s}.migration (
         version integer primary key, hash text not null, applied_at timestamptz not null default now()
       )`,
    );
    const { rows } = await client.query<{ version: number; hash: string }>(
      `select version, hash from ${s}.migration order by version`,
    );
    const newest = rows.at(-1)?.version ?? 0;
    if (newest > (steps.at(-1)?.version ?? 0))
      refuse(
        `This tenant's database was migrated by a newer release (step ${newest}); run that release or a newer one.`,
      );
    for (const step of steps) {
      const applied = rows.find((row) => row.version === step.version);
      if (applied === undefined) await apply(client, s, step);
      else if (applied.hash !== migrationHash(step))
        refuse(
          `Step ${step.version} of this tenant's database is not the one of this release; use the release that made it.`,
        );
    }
  } catch (error) {
    throw toFileErrorOr(error);
  } finally {
    await client.end().catch(() => undefined);
  }
};

const apply = async (client: pg.Client, s: string, step: Migration): Promise<void> => {
  await client.query("begin");
  try {
    await client.query(step.sql(s));
    await client.query(`insert into ${s}.migration (version, hash) values ($1, $2)`, [
      step.version,
      migrationHash(step),
    ]);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
};

/** What the database says becomes `unavailable` where it is not there; our own refusals stay as they are. */
const toFileErrorOr = (error: unknown): unknown => {
  const file = toFileError(error);
  return file.code === "unavailable" ? file : error;
};
