import { setTimeout as sleep } from "node:timers/promises";

export interface WaitOptions {
  /** In ms; default 10,000. */
  readonly timeout?: number;
  /** Between two attempts, in ms; default 10. */
  readonly interval?: number;
}

/**
 * Repeats `fn` until it answers something other than `undefined`, `null` and `false`, and answers
 * that. Errors count as not yet; after the time is up the last one is the cause of the rejection.
 */
export async function waitFor<T>(
  fn: () => T | Promise<T>,
  { timeout = 10_000, interval = 10 }: WaitOptions = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeout;
  for (;;) {
    let failure: unknown;
    try {
      const value = await fn();
      if (value !== undefined && value !== null && value !== false) return value;
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= deadline) {
      throw new Error(`Not within ${timeout} ms.`, failure === undefined ? {} : { cause: failure });
    }
    await sleep(interval);
  }
}
