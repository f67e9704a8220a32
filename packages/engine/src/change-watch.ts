import type { FileChanges } from "@bulkhead/ledger";
import type { ChangeLog } from "@bulkhead/policy";

interface Waiter {
  readonly tenant: string;
  readonly seq: number;
  readonly wake: (arrived: boolean) => void;
}

export interface ChangeWatch {
  readonly arrived: ChangeLog["arrived"];
  /** How many wait. */
  readonly waiting: () => number;
  /** Lets all go. */
  readonly close: () => void;
}

const platform = "00000000-0000-0000-0000-000000000000";

/** Wakes whoever waits for a tenant's next commit: one look at the heads of all that are waited for, every `everyMs`. */
export const changeWatch = (heads: FileChanges["heads"], everyMs: number = 200): ChangeWatch => {
  const waiters = new Set<Waiter>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const look = async (): Promise<void> => {
    try {
      const found = await heads([...new Set([...waiters].map(({ tenant }) => tenant))]);
      for (const waiter of waiters)
        if ((found.get(waiter.tenant) ?? 0) > waiter.seq) waiter.wake(true);
    } catch {
      // A ledger that does not answer is for the request to report, once its time is over.
    }
    timer = undefined;
    arm();
  };
  const arm = (): void => {
    if (waiters.size > 0 && timer === undefined && !closed)
      timer = setTimeout(() => void look(), everyMs).unref();
  };

  return {
    arrived: (tenant, seq, ms, signals) =>
      new Promise((resolve) => {
        const wake = (arrived: boolean): void => {
          waiters.delete(waiter);
          clearTimeout(over);
          for (const signal of signals) signal.removeEventListener("abort", stop);
          resolve(arrived);
        };
        const stop = (): void => wake(false);
        const waiter: Waiter = { tenant: tenant ?? platform, seq, wake };
        const over = setTimeout(stop, ms);
        if (closed || signals.some((signal) => signal.aborted)) return stop();
        for (const signal of signals) signal.addEventListener("abort", stop, { once: true });
        waiters.add(waiter);
        arm();
      }),
    waiting: () => waiters.size,
    close: () => {
      closed = true;
      clearTimeout(timer);
      for (const waiter of waiters) waiter.wake(false);
    },
  };
};
