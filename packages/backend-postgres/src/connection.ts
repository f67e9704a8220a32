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

/** Rows come in PostgreSQL's binary format: as text, content would be twice as long. */
const types = {
  getTypeParser: (
    oid: number,
    format?: "text" | "binary",
  ): ((value: Buffer | string) => unknown) => {
    // The driver has copied it out of its own buffer.
    if (oid === 17 && format === "binary") return (value) => value;
    if (oid === 2950 && format === "binary")
      return (value) => (typeof value === "string" ? value : uuidOf(value));
    // Functions that answer nothing.
    if (oid === 2278) return () => null;
    return pg.types.getTypeParser(oid, format);
  },
};

const uuidOf = (bytes: Buffer): string =>
  bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

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
    query: async (statement, values) => {
      const config = {
        ...statement,
        values: [...values],
        rowMode: "array" as const,
        binary: true,
        types,
      };
      return (await client.query<unknown[]>(config)).rows;
    },
    end: () => client.end(),
    onBroken: (listener) => {
      broken = listener;
      if (isBroken) listener();
    },
  };
};
