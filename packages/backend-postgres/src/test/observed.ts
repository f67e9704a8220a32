import { connect, type Connection, type Row, type Statement } from "../connection.ts";
import { pools } from "../pools.ts";
import type { Pools, PoolsOptions } from "../pools-types.ts";

/** Sees every query; makes it by `go`, or does something else. `name` is without the mark of the schema. */
export type Observer = (name: string, go: () => Promise<readonly Row[]>) => Promise<readonly Row[]>;

/** What a driver says whose connection went. */
export const cut = (): Error =>
  Object.assign(new Error("Connection terminated unexpectedly"), { code: "ECONNRESET" });

/** Pools whose queries go through `see`. */
export const observedPools = (see: Observer, options: PoolsOptions = {}): Pools =>
  pools({
    maxConnections: 8,
    ...options,
    open: async (url): Promise<Connection> => {
      const inner = await connect(url, { connectMs: 5000, statementMs: 10_000 });
      return {
        ...inner,
        query: (statement: Statement, values) =>
          see(statement.name.replace(/_[0-9a-f]{8}$/, ""), () => inner.query(statement, values)),
      };
    },
  });
