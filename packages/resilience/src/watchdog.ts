import { FileError } from "@bulkhead/contract";

/** Bounds the waits within one call; at any moment at most one of them is running. */
export interface Watchdog {
  /** Runs `work`; rejects with `late` after `ms` or once the watchdog has fired, while `work` goes on unheard. */
  readonly within: <R>(work: () => Promise<R>, ms: number, late: () => FileError) => Promise<R>;
  /** Fires unless the next `arm` or `disarm` comes within `ms`. */
  readonly arm: (ms: number, late: () => FileError) => void;
  readonly disarm: () => void;
  /** Nothing is timed any more. */
  readonly stop: () => void;
  readonly fired: () => FileError | undefined;
  /** Rejects when it fires. */
  readonly expired: Promise<never>;
}

/** Makes a watchdog; `onLate` is told once. */
export const watchdog = (onLate: (error: FileError) => void): Watchdog => {
  const expired = Promise.withResolvers<never>();
  // Nobody may be waiting when it fires.
  expired.promise.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  let fired: FileError | undefined;
  let stopped = false;
  const waiting = new Set<(late: FileError) => void>();

  const disarm = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  const arm = (ms: number, late: () => FileError): void => {
    disarm();
    if (fired !== undefined || stopped) return;
    timer = setTimeout(() => {
      fired = late();
      for (const reject of waiting) reject(fired);
      expired.reject(fired);
      onLate(fired);
    }, ms);
  };
  return {
    arm,
    disarm,
    expired: expired.promise,
    stop: () => {
      stopped = true;
      disarm();
    },
    fired: () => fired,
    within: async (work, ms, late) => {
      arm(ms, late);
      // Not raced against `expired`: that promise would keep every chunk of a long reading.
      let give: (late: FileError) => void = () => undefined;
      try {
        return await new Promise((resolve, reject) => {
          give = reject;
          waiting.add(reject);
          work().then(resolve, reject);
          if (fired !== undefined) reject(fired);
        });
      } finally {
        waiting.delete(give);
        disarm();
      }
    },
  };
};

/** The storage did not go on. Worth another try, and counted against the storage. */
export const storageLate = (): FileError =>
  new FileError("timeout", "The storage did not answer in time; try again.");

/** The sender of a body did not go on. Not the storage's failure, and another try has nothing to send. */
export const bodyLate = (): FileError =>
  new FileError("timeout", "The content stopped coming; send it again.", { retry: "never" });
