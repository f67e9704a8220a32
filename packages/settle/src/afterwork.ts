import { FileError } from "@bulkhead/contract";
import type { Intents } from "./ports.ts";

/** What has to happen to intents beside and after requests: renewing leases, and settling what could not be settled at once. */
export interface Afterwork {
  /** Keeps the intent's lease until the returned function is called. */
  readonly streaming: (id: string) => () => void;
  /**
   * Ends an intent by `work`, which may be run again. If it fails or takes longer than five seconds, it is gone on with
   * behind the caller, who gets `unavailable`: the effect stands, its answer is lost.
   */
  readonly finish: (id: string, work: () => Promise<void>) => Promise<void>;
  /** Removes an intent without an effect, never making the caller wait. */
  readonly discard: (id: string) => void;
  /** Waits for what is under way; what the ledger does not take in `ms` is left to the sweeper. */
  readonly close: (ms?: number) => Promise<void>;
}

const renewEveryMs = 20_000;
const retryEveryMs = 500;
const patienceMs = 5000;

/** Waits for a run that is under way before it begins another. */
const goingOn = (first: Promise<void>, work: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | undefined = first;
  return async () => {
    const run = running ?? work();
    running = undefined;
    await run;
  };
};

const soon = async (work: Promise<void>): Promise<"done" | "late"> => {
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(() => resolve("late"), patienceMs).unref();
  try {
    return await Promise.race([work.then(() => "done" as const), late]);
  } finally {
    clearTimeout(timer);
  }
};

export const afterwork = (intents: Intents): Afterwork => {
  const streaming = new Set<string>();
  const unsettled = new Map<string, () => Promise<void>>();
  const running = new Set<Promise<void>>();
  let renewing: NodeJS.Timeout | undefined;
  let retrying: NodeJS.Timeout | undefined;

  const track = (work: Promise<void>): void => {
    running.add(work);
    void work.finally(() => running.delete(work));
  };

  const renew = (): void => {
    renewing ??= setTimeout(() => {
      renewing = undefined;
      if (streaming.size === 0) return;
      // A lease that could not be renewed is noticed at the commit, which then refuses.
      track(intents.renew([...streaming]).catch(() => undefined));
      renew();
    }, renewEveryMs).unref();
  };

  const retry = (): void => {
    retrying ??= setTimeout(() => {
      retrying = undefined;
      track(
        Promise.all(
          [...unsettled].map(([id, work]) =>
            work().then(
              () => unsettled.delete(id),
              () => undefined,
            ),
          ),
        ).then(() => (unsettled.size > 0 ? retry() : undefined)),
      );
    }, retryEveryMs).unref();
  };

  const later = (id: string, work: () => Promise<void>): void => {
    unsettled.set(id, work);
    retry();
  };

  return {
    streaming: (id) => {
      streaming.add(id);
      renew();
      return () => streaming.delete(id);
    },
    finish: async (id, work) => {
      const first = work();
      let cause: unknown;
      try {
        if ((await soon(first)) === "done") return;
        later(id, goingOn(first, work));
      } catch (error) {
        cause = error;
        later(id, work);
      }
      throw new FileError(
        "unavailable",
        "The change was made, but could not be confirmed; look before you repeat it.",
        { cause },
      );
    },
    discard: (id) => {
      track(intents.discard(id).catch(() => later(id, () => intents.discard(id))));
    },
    close: async (ms = 5000) => {
      clearTimeout(renewing);
      const end = Date.now() + ms;
      while ((unsettled.size > 0 || running.size > 0) && Date.now() < end)
        await new Promise((resolve) => setTimeout(resolve, 20));
      clearTimeout(retrying);
    },
  };
};
