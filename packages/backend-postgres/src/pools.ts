import { FileError } from "@bulkhead/contract";
import { checkSignal } from "@bulkhead/kit";
import { connect } from "./connection.ts";
import { databaseUnavailable, isConnectionFault, toFileError } from "./errors.ts";
import type { Lease, Pools, PoolsOptions } from "./pools-types.ts";
import { type Held, type Pool, type Waiter, waitQueues } from "./wait-queues.ts";

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
  const open = options.open ?? ((url) => connect(url, { connectMs: 2000, statementMs: 7000 }));

  const known = new Map<string, Pool>();
  /** The first is the least recently used. */
  const idle = new Set<Held>();
  const waiting = waitQueues();
  /** Pools that give way to another database: no more leases, until they are gone. */
  const yielding = new Set<Pool>();
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
    if (pool.size === 0) {
      known.delete(pool.url);
      yielding.delete(pool);
    }
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
    waiting.take(waiter);
    held.pool.leased += 1;
    waiter.grant(held);
  };

  const start = (waiter: Waiter): void => {
    waiting.take(waiter);
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

  /** Makes pools give way, as many as databases wait for a place: those that nobody uses first. */
  const makePlace = (places: number): void => {
    const unused = [...idle].map(({ pool }) => pool).filter(({ leased }) => leased === 0);
    for (const pool of [...unused, ...known.values()]) {
      if ([...yielding].filter(({ leased }) => leased === 0).length >= places) break;
      if (yielding.has(pool) || (yielding.size >= places && pool.leased > 0)) continue;
      yielding.add(pool);
      for (const held of idle) if (held.pool === pool) end(held);
    }
    // One that is in use need not go where another does, or where nobody wants its place any more.
    for (const pool of yielding)
      if (yielding.size > places && pool.leased > 0) yielding.delete(pool);
  };

  /** Serves who waits; a database that has its share holds up no other. */
  const pump = (): void => {
    let wanted = 0;
    let places = 0;
    for (const [url, queue] of waiting.queues) {
      const [waiter] = queue;
      const own = known.get(url);
      if (waiter === undefined || (own !== undefined && yielding.has(own))) continue;
      const unused = idleOf(url);
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
      if (poolsFull) places += 1;
      else {
        wanted += 1;
        const [oldest] = idle;
        if (closing < wanted && oldest !== undefined) end(oldest);
      }
      // No more can come free than these: a long queue is not looked through each time.
      if (wanted + places >= maxConnections) break;
    }
    if (places > 0 || yielding.size > 0) makePlace(Math.min(places, maxPools));
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
    if (held.broken || closed || retired.has(held.pool.url) || yielding.has(held.pool)) end(held);
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
    return waiting.size() >= maxWaiting ? busy() : undefined;
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
    for (const queue of url === undefined
      ? [...waiting.queues.values()]
      : [waiting.queues.get(url) ?? []])
      for (const waiter of queue) {
        waiting.take(waiter);
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
          if (!waiting.take(waiter)) return;
          waiter.refuse(error);
          pump();
        };
        const onAbort = (): void => giveUp(new FileError("aborted", "The request was cancelled."));
        const timer = setTimeout(() => giveUp(busy()), waitMs);
        signal?.addEventListener("abort", onAbort, { once: true });
        waiting.add(waiter);
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
      waiting: waiting.size(),
    }),
    close: async () => {
      closed = true;
      clearTimeout(reaper);
      turnAway();
      await until(() => connections === 0);
    },
  };
};
