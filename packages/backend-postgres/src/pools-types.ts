import type { Connection, Row, Statement } from "./connection.ts";

export interface PoolsOptions {
  /** Databases that may have connections open at once; as many as `maxConnections` by default. */
  readonly maxPools?: number;
  /** Connections to all databases together, those being opened and closed among them. 50 by default. */
  readonly maxConnections?: number;
  /** Connections to one database, so that none takes them all. 8 by default. */
  readonly maxPerDatabase?: number;
  /** How long an unused connection stays open, in milliseconds. 30,000 by default. */
  readonly idleMs?: number;
  /** How long a lease is waited for, in milliseconds. 5,000 by default. */
  readonly waitMs?: number;
  /** Callers that may wait for a lease; more are refused at once. 10,000 by default. */
  readonly maxWaiting?: number;
  /** Opens a connection; by default to PostgreSQL, within 2 s, statements within 7 s. */
  readonly open?: (url: string) => Promise<Connection>;
}

/** One connection, for one caller, until it is released. */
export interface Lease {
  /** Rejects with what `pg` says. */
  readonly query: (statement: Statement, values: readonly unknown[]) => Promise<readonly Row[]>;
  /** Gives the connection back; closed if it broke. */
  readonly release: () => void;
}

export interface PoolsCount {
  readonly databases: number;
  readonly connections: number;
  readonly idle: number;
  readonly leased: number;
  readonly waiting: number;
}

/** Connections to many databases under one bound, the least recently used making room. */
export interface Pools {
  /** Rejects with `unavailable` where none is free in time, and with `aborted`. First come, first served. */
  readonly lease: (url: string, signal?: AbortSignal) => Promise<Lease>;
  /** Refuses new leases of a database, waits for those that are out, and ends its connections. For good, or until `readmit`. */
  readonly retire: (url: string) => Promise<void>;
  readonly readmit: (url: string) => void;
  readonly count: () => PoolsCount;
  /** Refuses everything, waits for the leases that are out, and ends all connections. */
  readonly close: () => Promise<void>;
}
