import { createHash, randomBytes } from "node:crypto";
import { FileError } from "@bulkhead/contract";
import type pg from "pg";
import { adminOf, databaseUrl, withAdmin } from "./admin.ts";
import { codeOf, isConnectionFault } from "./errors.ts";
import { defaultSchema, migrateTenantDatabase } from "./migrate.ts";
import { checkSchema, literal, quoted } from "./schema/quoted.ts";
import { scramVerifier } from "./scram.ts";

export interface ProvisionOptions {
  /** A server, as a user who may make databases and roles. */
  readonly adminUrl: string;
  /** The database, as `databaseName` makes it. */
  readonly name: string;
  /** The login that uses it; `name` by default. */
  readonly role?: string;
  /** Printable ASCII. Kept, sealed, before the first call; the same at every further one. `newPassword` makes one. */
  readonly password: string;
  /** `bulkhead` by default. */
  readonly schema?: string;
  /** Run once in the new database, as the tenant's role, in one transaction. */
  readonly provisioningSql?: string | undefined;
  /**
   * Told before each step, while nobody else can make or drop this database; nothing more happens once it rejects.
   */
  readonly onStep?: (step: ProvisionStep) => Promise<void>;
}

/** What `provision` does, in this order. `sql` is the operator's. */
export type ProvisionStep = "role" | "database" | "schema" | "tree" | "sql";

export interface Provisioned {
  readonly database: string;
  readonly role: string;
  /** With the password: to be sealed, never to be logged. */
  readonly url: string;
}

/** Makes a password for a role: 192 random bits. */
export const newPassword = (): string => randomBytes(24).toString("base64url");

const checkPassword = (password: string): void => {
  if (!/^[\u0021-\u007e]{16,128}$/.test(password))
    throw new FileError(
      "invalid-request",
      "A role's password has 16 to 128 printable ASCII characters.",
    );
};

/** Lets nobody else make or drop the same database meanwhile; the lock goes with the connection. */
const alone = <R>(
  adminUrl: string,
  name: string,
  work: (client: pg.Client) => Promise<R>,
): Promise<R> =>
  withAdmin(adminUrl, async (client) => {
    await client.query("select pg_advisory_lock(20262029, hashtext($1))", [name]);
    return work(client);
  });

const exists = async (
  client: pg.Client,
  table: string,
  column: string,
  name: string,
): Promise<boolean> =>
  (await client.query(`select from ${table} where ${column} = $1`, [name])).rowCount === 1;

/** A login that can do nothing by itself. Made or brought to what it should be. */
const ensureRole = async (client: pg.Client, role: string, password: string): Promise<void> => {
  const verb = (await exists(client, "pg_roles", "rolname", role)) ? "alter" : "create";
  await client.query(
    `${verb} role ${quoted(role)} login noinherit nocreatedb nocreaterole password ${literal(scramVerifier(password))}`,
  );
  // Who makes a schema for a role has to be a member of it, unless a superuser.
  const { rowCount } = await client.query("select where pg_has_role(current_user, $1, 'member')", [
    role,
  ]);
  if (rowCount === 0) await client.query(`grant ${quoted(role)} to current_user`);
};

/** A database that lets nobody in before it is closed to everybody but the role. */
const ensureDatabase = async (client: pg.Client, name: string, role: string): Promise<void> => {
  const database = quoted(name);
  if (!(await exists(client, "pg_database", "datname", name)))
    await client.query(
      `create database ${database} template template0 encoding 'UTF8' allow_connections false`,
    );
  await client.query(`revoke all on database ${database} from public`);
  await client.query(`grant connect on database ${database} to ${quoted(role)}`);
  await client.query(`alter database ${database} allow_connections true`);
};

/** The schema is the role's own: it migrates it, and can do nothing outside it and `public`. */
const ensureSchemas = async (client: pg.Client, role: string, schema: string): Promise<void> => {
  await client.query(`create schema if not exists ${quoted(schema)} authorization ${quoted(role)}`);
  await client.query("revoke all on schema public from public");
  await client.query(`grant usage, create on schema public to ${quoted(role)}`);
};

/** Runs the operator's SQL, and in the same transaction notes that it ran. */
const runOnce = async (
  client: pg.Client,
  schema: string,
  role: string,
  sql: string,
): Promise<void> => {
  const book = `${quoted(schema)}.provisioned`;
  const hash = createHash("sha256").update(sql).digest("hex");
  await client.query(`set role ${quoted(role)}`);
  await client.query("begin");
  try {
    await client.query(`create table if not exists ${book} (hash text primary key)`);
    const noted = await client.query(
      `insert into ${book} (hash) values ($1) on conflict do nothing`,
      [hash],
    );
    if (noted.rowCount === 1) await client.query(sql);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    if (isConnectionFault(error)) throw error;
    throw new FileError(
      "internal",
      `The database refused the configured provisioning SQL (${codeOf(error)}); correct it and provision again.`,
      { cause: error },
    );
  }
};

/**
 * Makes a role, a database that it alone may connect to, and the tree's schema. Every step finds out whether it has been
 * done: after a crash, call it again with the same options, or `deprovision`. Rejects with `unavailable` without a
 * server, and with `internal` where the server, or `provisioningSql`, refuses; no error holds the password.
 */
export const provision = async (options: ProvisionOptions): Promise<Provisioned> => {
  const { adminUrl, name, role = name, password, provisioningSql } = options;
  const schema = checkSchema(options.schema ?? defaultSchema);
  checkPassword(password);
  const url = databaseUrl(adminUrl, name, role, password);
  const onStep = options.onStep ?? (() => Promise.resolve());
  await alone(adminUrl, name, async (server) => {
    await onStep("role");
    await ensureRole(server, role, password);
    await onStep("database");
    await ensureDatabase(server, name, role);
    await onStep("schema");
    await withAdmin(adminOf(adminUrl, name), (client) => ensureSchemas(client, role, schema));
    await onStep("tree");
    await migrateTenantDatabase(url, { schema });
    await onStep("sql");
    if (provisioningSql !== undefined && provisioningSql.trim() !== "")
      await withAdmin(adminOf(adminUrl, name), (client) =>
        runOnce(client, schema, role, provisioningSql),
      );
  });
  return { database: name, role, url };
};

/** Undoes `provision`, however far it came: the database with all in it and whoever is connected, then the role. Idempotent. */
export const deprovision = async (
  options: Pick<ProvisionOptions, "adminUrl" | "name" | "role">,
): Promise<void> => {
  const { adminUrl, name, role = name } = options;
  await alone(adminUrl, name, async (client) => {
    await client.query(`drop database if exists ${quoted(name)} with (force)`);
    await client.query(`drop role if exists ${quoted(role)}`);
  });
};

/** The databases of a server that any login may connect to, a tenant's role among them: for the operator to close. */
export const openDatabases = (adminUrl: string): Promise<readonly string[]> =>
  withAdmin(adminUrl, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `select datname as name from pg_database
       where datallowconn and has_database_privilege('public', oid, 'connect') order by datname collate "C"`,
    );
    return rows.map((row) => row.name);
  });

/** Lets nobody connect to these databases who was not allowed to by name, except their owners and superusers. Idempotent. */
export const closeDatabases = (adminUrl: string, names: readonly string[]): Promise<void> =>
  withAdmin(adminUrl, async (client) => {
    for (const name of names)
      await client.query(`revoke connect on database ${quoted(name)} from public`);
  });

/** Makes a schema for a further tree in a tenant's database; the role alone could not. Idempotent. */
export const provisionSchema = ({
  adminUrl,
  name,
  role = name,
  schema,
}: Pick<ProvisionOptions, "adminUrl" | "name" | "role"> & {
  readonly schema: string;
}): Promise<void> =>
  withAdmin(adminOf(adminUrl, name), (client) => ensureSchemas(client, role, checkSchema(schema)));
