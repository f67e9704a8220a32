import { BulkheadError } from "@bulkhead/client";
import { setTimeout as sleep } from "node:timers/promises";

const tries = 8;
const longestPauseMs = 5000;

/** Another try may go better. */
const isTemporary = (error: unknown): error is BulkheadError =>
  error instanceof BulkheadError && error.retryable && error.code !== "conflict";

/** Does it again where the server is away for a moment or says so. */
export const patiently = async <T>(
  signal: AbortSignal | undefined,
  act: () => Promise<T>,
): Promise<T> => {
  for (let i = 1; ; i++)
    try {
      return await act();
    } catch (error) {
      signal?.throwIfAborted();
      if (i === tries || !isTemporary(error)) throw error;
      const ms = Math.min(longestPauseMs, (error.fields.retryAfter ?? 0) * 1000 || 50 * 2 ** i);
      await sleep(ms, undefined, signal === undefined ? {} : { signal });
    }
};
