import { FileError, type OpContext } from "@bulkhead/contract";
import { context } from "./bench.ts";
import { sleep } from "./gate.ts";

/** Resolves to the code of a refusal, or to `won`. */
export const outcome = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => "won",
    (error: unknown) => (error instanceof FileError ? error.code : String(error)),
  );

/** A commit that takes its time, so that racers meet in it. */
export const slowly = (): OpContext => context({ commit: () => sleep(5) });

export const tally = (outcomes: readonly string[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const one of outcomes) counts[one] = (counts[one] ?? 0) + 1;
  return counts;
};

export const racers = 8;
export const times = <R>(n: number, make: (i: number) => R): R[] =>
  Array.from({ length: n }, (_, i) => make(i));
export const race = (attempts: readonly Promise<unknown>[]): Promise<string[]> =>
  Promise.all(attempts.map(outcome));
