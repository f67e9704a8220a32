import { FileError } from "@bulkhead/contract";
import { checkSignal } from "@bulkhead/kit";
import { connect, type Connection } from "./connection.ts";
import { databaseUnavailable, isConnectionFault, toFileError } from "./errors.ts";
import type { Lease, Pools, PoolsOptions } from "./pools-types.ts";

interface Pool {
  readonly url: string;
  /** Connections open, opening or closing. */
  size: number;
  leased: number;
}

interface Held {
  readonly pool: Pool;
  readonly connection: Connection;
  /** When it was last given back, in milliseconds of `performance.now`. */
  since: number;
  broken: boolean;
}

interface Waiter {
  readonly url: string;
  readonly grant: (held: Held) => void;
  readonly refuse: (error: unknown) => void;
}

const busy = (): FileError =>
  new FileError("unavailable", "All connections to tenants' databases are in use; try again.", {
    fields: { retryAfter: 1 },
  });

/** Makes a pool of pools. A connection that nobody uses is closed when another database needs its place. */
export const pools = (options: PoolsOptions = {}): Pools => {
  const maxConnections = options.maxConnections ?? 50;
  const maxPools = options.maxPools ?? maxConnections;
  const maxPerDatabase = options.maxPerDatabase ?? 8;
  const idleMs = options.idleMs ?? 30_000;
  const waitMs = options.waitMs ?? 5000;
  const maxWaiting = options.maxWaiting ?? 10_000;
  const open = options.open ?? ((url) => connect(url, { connectMs: 2000, statementMs: 10_000 }));

  const known = new Map<string, Pool>();
  /** In the order in which they were given back: the first is the least recently used. */
  const idle = new Set<Held>();
  const waiters = new Set<Waiter>();
  const retired = new Set<string>();
  let connections = 0;
  let closing = 0;
  let closed = false;
  let reaper: NodeJS.Timeout | undefined;
  const quiet = new Set<() => void>();

  const poolOf = (url: string): Pool => {
    const pool = known.get(url) ?? { url, size: 0, leased: 0 };
    known.set(url, pool);
    return pool;
  };

  /** A connection less. A database without any is forgotten. */
  const shrink = (pool: Pool): void => {
    connections -= 1;
    pool.size -= 1;
    if (pool.size === 0) known.delete(pool.url);
    for (const check of quiet) check();
    pump();
  };

  const end = (held: Held): void => {
    idle.delete(held);
    closing += 1;
    const gone = (): void => {
      closing -= 1;
      shrink(held.pool);
    };
    held.connection.end().then(gone, gone);
  };

  const grant = (waiter: Waiter, held: Held): void => {
    waiters.delete(waiter);
    held.pool.leased += 1;
    waiter.grant(held);
  };

  const start = (waiter: Waiter): void => {
    waiters.delete(waiter);
    const pool = poolOf(waiter.url);
    connections += 1;
    pool.size += 1;
    pool.leased += 1;
    open(waiter.url).then(
      (connection) => {
        const held: Held = { pool, connection, since: 0, broken: false };
        connection.onBroken(() => {
          held.broken = true;
          if (idle.has(held)) end(held);
        });
        waiter.grant(held);
      },
      (error: unknown) => {
        pool.leased -= 1;
        waiter.refuse(toFileError(error));
        shrink(pool);
      },
    );
  };

  const idleOf = (url: string): Held | undefined => {
    // The one used last: the others may fall idle.
    let found: Held | undefined;
    if ((known.get(url)?.size ?? 0) > 0)
      for (const held of idle) if (held.pool.url === url && !held.broken) found = held;
    return found;
  };

  /** Closes unused connections of others until one more may be opened; false if there is none to close. */
  const makeRoom = (poolsFull: boolean): boolean => {
    for (const held of idle) {
      if (poolsFull && held.pool.leased > 0) continue;
      for (const other of poolsFull ? [...idle] : [held]) if (other.pool === held.pool) end(other);
      return true;
    }
    return false;
  };

  /** Serves who waits, in order; one whose database has its share does not hold up the others. */
  const pump = (): void => {
    let wanted = 0;
    for (const waiter of waiters) {
      const own = known.get(waiter.url);
      const unused = idleOf(waiter.url);
      if (unused !== undefined) {
        idle.delete(unused);
        grant(waiter, unused);
        continue;
      }
      if ((own?.size ?? 0) >= maxPerDatabase) continue;
      const poolsFull = own === undefined && known.size >= maxPools;
      if (connections < maxConnections && !poolsFull) {
        start(waiter);
        continue;
      }
      wanted += 1;
      if (
        closing < wanted &&
        !makeRoom(poolsFull) &&
        idle.size === 0 &&
        connections >= maxConnections
      )
        return;
    }
  };

  const reap = (): void => {
    reaper = undefined;
    const before = performance.now() - idleMs;
    for (const held of idle) if (held.since <= before) end(held);
    if (idle.size > 0) watch();
  };
  const watch = (): void => {
    reaper ??= setTimeout(reap, Math.max(idleMs / 2, 1)).unref();
  };

  const release = (held: Held): void => {
    held.pool.leased -= 1;
    if (held.broken || closed || retired.has(held.pool.url)) end(held);
    else {
      held.since = performance.now();
      idle.add(held);
      watch();
      pump();
    }
    for (const check of quiet) check();
  };

  const leaseOf = (held: Held): Lease => {
    let released = false;
    return {
      query: async (statement, values) => {
        try {
          return await held.connection.query(statement, values);
        } catch (error) {
          held.broken ||= isConnectionFault(error);
          throw error;
        }
      },
      release: () => {
        if (!released) release(held);
        released = true;
      },
    };
  };

  const refusal = (url: string): FileError | undefined => {
    if (closed || retired.has(url)) return databaseUnavailable();
    return waiters.size >= maxWaiting ? busy() : undefined;
  };

  /** Resolves once `done`, which is asked whenever a connection was given back or ended. */
  const until = (done: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!done()) return;
        quiet.delete(check);
        resolve();
      };
      quiet.add(check);
      check();
    });

  const turnAway = (url?: string): void => {
    for (const waiter of waiters)
      if (url === undefined || waiter.url === url) {
        waiters.delete(waiter);
        waiter.refuse(databaseUnavailable());
      }
    for (const held of idle) if (url === undefined || held.pool.url === url) end(held);
  };

  return {
    lease: (url, signal) =>
      new Promise<Held>((resolve, reject) => {
        if (signal !== undefined) checkSignal(signal);
        const refused = refusal(url);
        if (refused !== undefined) throw refused;
        const settle = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", onAbort);
        };
        const waiter: Waiter = {
          url,
          grant: (held) => {
            settle();
            resolve(held);
          },
          refuse: (error) => {
            settle();
            reject(error);
          },
        };
        const giveUp = (error: unknown): void => {
          // One whose connection is being opened gets it all the same.
          if (waiters.delete(waiter)) waiter.refuse(error);
        };
        const onAbort = (): void => giveUp(new FileError("aborted", "The request was cancelled."));
        const timer = setTimeout(() => giveUp(busy()), waitMs);
        signal?.addEventListener("abort", onAbort, { once: true });
        waiters.add(waiter);
        pump();
      }).then(leaseOf),
    retire: async (url) => {
      retired.add(url);
      turnAway(url);
      await until(() => !known.has(url));
    },
    readmit: (url) => void retired.delete(url),
    count: () => ({
      databases: known.size,
      connections,
      idle: idle.size,
      leased: [...known.values()].reduce((sum, pool) => sum + pool.leased, 0),
      waiting: waiters.size,
    }),
    close: async () => {
      closed = true;
      clearTimeout(reaper);
      turnAway();
      await until(() => connections === 0);
    },
  };
};
