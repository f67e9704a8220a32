import { checkSignal } from "./pace.ts";

export interface FairSlotsOptions {
  /** Places in all. */
  readonly total: number;
  /** How many of them one owner has at most, as of when one is given; all by default. */
  readonly each?: number | ((owner: string) => number);
  /**
   * What an owner that holds nothing can count on: `kept`, the last free place is only for such; `beyond`, a place of its
   * own on top of the total, so that it never waits for others. Without, it waits for its turn.
   */
  readonly first?: "kept" | "beyond";
  /** How many of one owner may wait; any number by default. */
  readonly queue?: number;
  /** How long one waits at most, in milliseconds; for ever by default. */
  readonly waitMs?: number;
  /** What is thrown where the queue is full or the wait too long. */
  readonly busy: () => Error;
}

/** Places that owners share: who waits is served in turn between owners, and in order within one. */
export interface FairSlots {
  /** Waits for a place and answers how to give it back, which counts once. Throws `aborted` if `signal` fires first. */
  readonly take: (owner: string, signal?: AbortSignal) => Promise<() => void>;
  /** Lets those go on who may, after a limit that is a function has grown. */
  readonly serve: () => void;
  readonly taken: (owner?: string) => number;
  readonly waiting: (owner?: string) => number;
}

interface Waiter {
  readonly resolve: (give: () => void) => void;
  readonly reject: (error: unknown) => void;
  /** Ends what would make it leave. */
  readonly settle: () => void;
}

interface Owner {
  held: number;
  readonly queue: Set<Waiter>;
}

/** Makes the places. Throws `RangeError` unless the limits are positive. */
export const fairSlots = (options: FairSlotsOptions): FairSlots => {
  const { total, each = total, first, queue: most = Infinity, waitMs, busy } = options;
  if (!(total >= 1) || (typeof each === "number" && !(each >= 1)))
    throw new RangeError("A limit of slots is positive.");
  const owners = new Map<string, Owner>();
  /** Those of whom somebody waits; the first is next. */
  const line = new Set<string>();
  let taken = 0;

  const ownerOf = (name: string): Owner => {
    const known = owners.get(name) ?? { held: 0, queue: new Set() };
    owners.set(name, known);
    return known;
  };
  const forget = (name: string, { held, queue }: Owner): void => {
    if (queue.size === 0) line.delete(name);
    if (held === 0 && queue.size === 0) owners.delete(name);
  };

  const eachOf = typeof each === "number" ? () => each : each;
  const may = (name: string, { held }: Owner): boolean => {
    if (held >= eachOf(name)) return false;
    if (held === 0) return first === "beyond" || taken < total;
    return taken < (first === "kept" ? total - 1 : total);
  };

  const hold = (name: string, owner: Owner): (() => void) => {
    owner.held += 1;
    taken += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      owner.held -= 1;
      taken -= 1;
      serve();
      forget(name, owner);
    };
  };

  const serve = (): void => {
    for (let served = true; served;) {
      served = false;
      for (const name of line) {
        if (first !== "beyond" && taken >= total) return;
        const owner = ownerOf(name);
        const [waiter] = owner.queue;
        if (waiter === undefined || !may(name, owner)) continue;
        owner.queue.delete(waiter);
        // To the end of the line: the others come first.
        line.delete(name);
        if (owner.queue.size > 0) line.add(name);
        waiter.settle();
        waiter.resolve(hold(name, owner));
        served = true;
        break;
      }
    }
  };

  const wait = (
    name: string,
    owner: Owner,
    signal: AbortSignal | undefined,
  ): Promise<() => void> => {
    if (owner.queue.size >= most) {
      forget(name, owner);
      throw busy();
    }
    return new Promise((resolve, reject) => {
      const leave = (refuse: () => void): void => {
        owner.queue.delete(waiter);
        waiter.settle();
        forget(name, owner);
        try {
          refuse();
        } catch (error) {
          reject(error);
        }
      };
      const abort = (): void => leave(() => signal && checkSignal(signal));
      const late = (): void =>
        leave(() => {
          throw busy();
        });
      const timer = waitMs === undefined ? undefined : setTimeout(late, waitMs);
      const waiter: Waiter = {
        resolve,
        reject,
        settle: () => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", abort);
        },
      };
      signal?.addEventListener("abort", abort, { once: true });
      owner.queue.add(waiter);
      line.add(name);
    });
  };

  return {
    take: async (name, signal) => {
      if (signal !== undefined) checkSignal(signal);
      const owner = ownerOf(name);
      return owner.queue.size === 0 && may(name, owner)
        ? hold(name, owner)
        : wait(name, owner, signal);
    },
    serve,
    taken: (name) => (name === undefined ? taken : (owners.get(name)?.held ?? 0)),
    waiting: (name) => {
      if (name !== undefined) return owners.get(name)?.queue.size ?? 0;
      let count = 0;
      for (const { queue } of owners.values()) count += queue.size;
      return count;
    },
  };
};
