import type { Connection } from "./connection.ts";

/** The connections to one database. */
export interface Pool {
  readonly url: string;
  /** Connections open, opening or closing. */
  size: number;
  leased: number;
}

/** One connection of a pool. */
export interface Held {
  readonly pool: Pool;
  readonly connection: Connection;
  /** When it was last given back, in milliseconds of `performance.now`. */
  since: number;
  broken: boolean;
}

/** Somebody who asked for a connection. */
export interface Waiter {
  readonly url: string;
  readonly grant: (held: Held) => void;
  readonly refuse: (error: unknown) => void;
}

/** Who waits, by database; the databases in the order in which they are served, one caller at a turn. */
export interface WaitQueues {
  readonly queues: ReadonlyMap<string, ReadonlySet<Waiter>>;
  readonly size: () => number;
  readonly add: (waiter: Waiter) => void;
  /** False if it does not wait any more. */
  readonly take: (waiter: Waiter) => boolean;
}

export const waitQueues = (): WaitQueues => {
  const queues = new Map<string, Set<Waiter>>();
  let size = 0;
  return {
    queues,
    size: () => size,
    add: (waiter) => {
      const queue = queues.get(waiter.url) ?? new Set();
      queues.set(waiter.url, queue.add(waiter));
      size += 1;
    },
    take: (waiter) => {
      const queue = queues.get(waiter.url);
      if (queue?.delete(waiter) !== true) return false;
      size -= 1;
      // The next of this database comes after one of every other.
      queues.delete(waiter.url);
      if (queue.size > 0) queues.set(waiter.url, queue);
      return true;
    },
  };
};
