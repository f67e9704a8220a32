import { FileError } from "@bulkhead/contract";
import { fairSlots } from "@bulkhead/kit";
import pg from "pg";
import { isConnectionFault, isTransient, toFileError } from "./errors.ts";

export type Role = "bulkhead_app" | "bulkhead_system";

/** A statement that is prepared once a connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Runs statements: in a transaction, or each in one of its own. */
export interface Queries {
  readonly rows: <T extends pg.QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ) => Promise<T[]>;
}

/** One pool of connections under one role. Rejects with `FileError` alone; deadlocks are tried three times. */
export interface Database extends Queries {
  /** Runs a named statement that answers one value. */
  readonly call: <T>(statement: Statement, values: readonly unknown[]) => Promise<T>;
  /** Runs a named statement that answers one row of several values, all of one snapshot. */
  readonly row: <T extends unknown[]>(
    statement: Statement,
    values: readonly unknown[],
  ) => Promise<T>;
  readonly transaction: <T>(work: (tx: Queries) => Promise<T>) => Promise<T>;
  readonly close: () => Promise<void>;
}

export interface DatabaseOptions {
  readonly url: string;
  readonly role: Role;
  readonly max: number;
  /** In milliseconds; the server gives up first, then the client. */
  readonly connectMs: number;
  readonly statementMs: number;
  readonly name: string;
  /** Plans each statement once a connection: for those that always look a few rows up by their keys. */
  readonly planOnce?: boolean;
  /**
   * For whom a statement runs, as it is begun; undefined for the server itself. One owner has half of the connections at
   * most, the last free one is for those that have none, and who waits is served in turn between owners.
   */
  readonly owner?: (() => string | undefined) | undefined;
}

const attempts = 3;
const longestWaitMs = 10_000;

const busy = (): FileError =>
  new FileError("unavailable", "The control plane has too much to do for this tenant; try again.", {
    fields: { retryAfter: 1 },
  });

/** Opens no connection before the first statement. Connections log in as the URL's user and take the role at once. */
export const openDatabase = (options: DatabaseOptions): Database => {
  const { role, max, connectMs, statementMs, name, planOnce = false } = options;
  const { url, extra } = splitOptions(options.url);
  const checked = new WeakSet<pg.PoolClient>();
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: connectMs,
    query_timeout: statementMs + 300,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    application_name: `bulkhead-${name}`,
    // A role's own settings do not apply where it is taken rather than logged in as, so they come along.
    options: `${extra}-c role=${role} -c statement_timeout=${statementMs} -c idle_in_transaction_session_timeout=5000 -c timezone=UTC -c plan_cache_mode=${planOnce ? "force_generic_plan" : "auto"} -c bulkhead.tenant=`,
  });
  // An idle connection that breaks is dropped by the pool; the next statement finds out for itself.
  pool.on("error", () => undefined);

  const places = fairSlots({
    total: max,
    each: Math.max(1, max >> 1),
    first: "kept",
    // Standing in line is no fault of the database: one waits as long as a statement may take, as before a request's door.
    waitMs: Math.min(statementMs, longestWaitMs),
    busy,
  });
  let own = 0;
  const place = (): Promise<() => void> | undefined =>
    // The server's own work stands in line as nobody's: each statement by itself.
    options.owner && places.take(options.owner() ?? `own ${(own += 1)}`);

  const once = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const give = await place();
    try {
      return await connected(work);
    } finally {
      give?.();
    }
  };

  const connected = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    const client = await pool.connect();
    let broken = false;
    const onError = (): void => {
      broken = true;
    };
    client.on("error", onError);
    try {
      if (!checked.has(client)) {
        await requireRole(client, role);
        checked.add(client);
      }
      return await work(client);
    } catch (error) {
      broken ||= isConnectionFault(error);
      throw error;
    } finally {
      client.off("error", onError);
      client.release(broken);
    }
  };

  const retried = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await once(work);
      } catch (error) {
        if (attempt === attempts || !isTransient(error)) throw toFileError(error);
      }
    }
  };

  const queriesOf = (client: pg.PoolClient): Queries => ({
    rows: async <T extends pg.QueryResultRow>(
      text: string,
      values: readonly unknown[] = [],
    ): Promise<T[]> => (await client.query<T>(text, [...values])).rows,
  });

  const row = <T extends unknown[]>(statement: Statement, values: readonly unknown[]): Promise<T> =>
    retried(async (client) => {
      const { rows } = await client.query<T>({
        ...statement,
        values: [...values],
        rowMode: "array",
      });
      const [first] = rows;
      if (first === undefined) throw new Error(`${statement.name} answered no row.`);
      return first;
    });

  return {
    row,
    rows: (text, values) => retried((client) => queriesOf(client).rows(text, values)),
    call: async <T>(statement: Statement, values: readonly unknown[]) =>
      (await row<[T]>(statement, values))[0],
    transaction: (work) =>
      retried(async (client) => {
        await client.query("begin");
        try {
          const result = await work(queriesOf(client));
          await client.query("commit");
          return result;
        } catch (error) {
          // A rollback that fails leaves a connection in an unknown state: reported as broken, it is closed.
          if (!isConnectionFault(error)) await client.query("rollback");
          throw error;
        }
      }),
    close: () => pool.end(),
  };
};

/** Takes `options` out of a URL, where they would replace the pool's own and with them the role. */
const splitOptions = (given: string): { readonly url: string; readonly extra: string } => {
  if (!/[?&]options=/.test(given)) return { url: given, extra: "" };
  const url = new URL(given);
  const extra = url.searchParams.get("options") ?? "";
  url.searchParams.delete("options");
  return { url: url.href, extra: `${extra} ` };
};

/** Refuses a connection on which row-level security would not hold, as behind a pooler that drops start-up options. */
const requireRole = async (client: pg.PoolClient, role: Role): Promise<void> => {
  const { rows } = await client.query<{ role: string }>("select current_user as role");
  if (rows[0]?.role !== role)
    throw new FileError(
      "internal",
      `The database gave the connection another role than ${role}; connect to PostgreSQL directly, or by a pooler that passes start-up options.`,
    );
};

/** For a text parameter: what text in PostgreSQL cannot hold becomes U+FFFD. */
export const toText = (value: string): string =>
  value.toWellFormed().replaceAll("\u0000", "\uFFFD");

/** Serialises for a jsonb parameter. What JSON in PostgreSQL cannot hold becomes U+FFFD. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) => (typeof item === "string" ? toText(item) : item));
