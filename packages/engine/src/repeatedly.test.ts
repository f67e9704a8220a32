import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { repeatedly } from "./repeatedly.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("Never twice at a time, again after a failure, and no more once stopped", async () => {
  let begun = 0;
  let end = Promise.withResolvers<void>();
  const failures: unknown[] = [];
  let seen: AbortSignal | undefined;
  const stop = repeatedly(
    (signal) => {
      begun += 1;
      seen = signal;
      return end.promise;
    },
    1000,
    (error) => failures.push(error),
  );
  await vi.advanceTimersByTimeAsync(5500);
  expect(begun).toBe(1);
  end.reject("away");
  end = Promise.withResolvers<void>();
  await vi.advanceTimersByTimeAsync(1000);
  expect([begun, failures]).toEqual([2, ["away"]]);

  let stopped = false;
  const stopping = stop().then(() => (stopped = true));
  await vi.advanceTimersByTimeAsync(5000);
  expect([begun, seen?.aborted, stopped]).toEqual([2, true, false]);
  end.resolve();
  await stopping;
  await vi.advanceTimersByTimeAsync(5000);
  expect(begun).toBe(2);
});
