import pg from "pg";

/** A statement that is prepared once a connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** One row: its columns as text, number, boolean, bytes or null. */
export type Row = readonly unknown[];

/** A connection to one database. */
export interface Connection {
  readonly query: (statement: Statement, values: readonly unknown[]) => Promise<readonly Row[]>;
  /** Ends it, whatever it is doing. */
  readonly end: () => Promise<void>;
  /** Calls `listener` once, if it breaks while nobody uses it. */
  readonly onBroken: (listener: () => void) => void;
}

export interface ConnectOptions {
  /** In milliseconds; the server gives up on a statement first, then the client. */
  readonly connectMs: number;
  readonly statementMs: number;
}

/** Takes `options` out of a URL, where they would replace ours. */
const splitOptions = (given: string): { readonly url: string; readonly extra: string } => {
  if (!/[?&]options=/.test(given)) return { url: given, extra: "" };
  const url = new URL(given);
  const extra = url.searchParams.get("options") ?? "";
  url.searchParams.delete("options");
  return { url: url.href, extra: `${extra} ` };
};

/** Opens a connection. Rejects with what `pg` says. */
export const connect = async (given: string, options: ConnectOptions): Promise<Connection> => {
  const { url, extra } = splitOptions(given);
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: options.connectMs,
    query_timeout: options.statementMs + 300,
    keepAlive: true,
    application_name: "bulkhead-tenant",
    options: `${extra}-c statement_timeout=${options.statementMs} -c idle_in_transaction_session_timeout=5000 -c timezone=UTC`,
  });
  let broken: (() => void) | undefined;
  let isBroken = false;
  const breaks = (): void => {
    if (isBroken) return;
    isBroken = true;
    broken?.();
  };
  client.on("error", breaks);
  client.on("end", breaks);
  try {
    await client.connect();
  } catch (error) {
    void client.end().catch(() => undefined);
    throw error;
  }
  return {
    query: async (statement, values) =>
      (await client.query<unknown[]>({ ...statement, values: [...values], rowMode: "array" })).rows,
    end: () => client.end(),
    onBroken: (listener) => {
      broken = listener;
      if (isBroken) listener();
    },
  };
};
