import type { BackendPath } from "@bulkhead/contract";
import { parent } from "@bulkhead/contract";
import { compareUtf8 } from "./order.ts";

type Claim = "shared" | "exclusive";

interface Waiter {
  readonly claim: Claim;
  readonly grant: () => void;
}

interface Lock {
  shared: number;
  exclusive: boolean;
  readonly queue: Waiter[];
}

/** Which paths an operation decides over: `exclusive` ones it changes, `shared` ones have to stay as they are. */
export interface Claims {
  readonly exclusive: readonly BackendPath[];
  readonly shared?: readonly BackendPath[];
}

export interface PathLocks {
  /** Runs `act` while it holds every claimed path, and all their ancestors as shared. */
  readonly hold: <R>(claims: Claims, act: () => Promise<R>) => Promise<R>;
  /** As `hold` where nobody is in the way just now; else answers undefined at once. */
  readonly tryHold: <R>(claims: Claims, act: () => Promise<R>) => Promise<R | undefined>;
}

/** Expands claims to one claim a path, the stronger where there are two, in byte order: no two holders can wait in a circle. */
const planOf = (claims: Claims): readonly (readonly [BackendPath, Claim])[] => {
  const plan = new Map<BackendPath, Claim>();
  for (const path of [...claims.exclusive, ...(claims.shared ?? [])])
    for (let at: BackendPath | undefined = path; at !== undefined; at = parent(at))
      plan.set(at, "shared");
  for (const path of claims.exclusive) plan.set(path, "exclusive");
  return [...plan].sort(([a], [b]) => compareUtf8(a, b));
};

const admits = (lock: Lock, claim: Claim): boolean =>
  !lock.exclusive && (claim === "shared" || lock.shared === 0);

const enter = (lock: Lock, claim: Claim): void => {
  if (claim === "shared") lock.shared += 1;
  else lock.exclusive = true;
};

/** Readers-writer locks by path, first come, first served, so that nobody starves. */
export const pathLocks = (): PathLocks => {
  const locks = new Map<BackendPath, Lock>();

  const acquire = async (path: BackendPath, claim: Claim): Promise<void> => {
    const lock = locks.get(path) ?? { shared: 0, exclusive: false, queue: [] };
    locks.set(path, lock);
    if (lock.queue.length === 0 && admits(lock, claim)) enter(lock, claim);
    else await new Promise<void>((grant) => lock.queue.push({ claim, grant }));
  };

  const release = (path: BackendPath, claim: Claim): void => {
    const lock = locks.get(path);
    if (lock === undefined) return;
    if (claim === "shared") lock.shared -= 1;
    else lock.exclusive = false;
    for (
      let next = lock.queue[0];
      next !== undefined && admits(lock, next.claim);
      next = lock.queue[0]
    ) {
      lock.queue.shift();
      enter(lock, next.claim);
      next.grant();
    }
    if (lock.shared === 0 && !lock.exclusive) locks.delete(path);
  };

  /** Runs `act` with all of the plan acquired, and lets go of it. */
  const within = async <R>(plan: ReturnType<typeof planOf>, act: () => Promise<R>): Promise<R> => {
    try {
      return await act();
    } finally {
      for (const [path, claim] of plan.toReversed()) release(path, claim);
    }
  };

  return {
    hold: async (claims, act) => {
      const plan = planOf(claims);
      for (const [path, claim] of plan) await acquire(path, claim);
      return within(plan, act);
    },
    tryHold: async (claims, act) => {
      const plan = planOf(claims);
      const free = plan.every(([path, claim]) => {
        const lock = locks.get(path);
        return lock === undefined || (lock.queue.length === 0 && admits(lock, claim));
      });
      if (!free) return undefined;
      // All at once, before anybody else comes.
      await Promise.all(plan.map(([path, claim]) => acquire(path, claim)));
      return within(plan, act);
    },
  };
};
