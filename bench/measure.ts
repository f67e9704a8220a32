/** The value in the middle; of an even count the mean of the two. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
};

/** The value that `share` (0 to 1) of all values do not exceed. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
};

/** Runs `work` from `callers` loops for about `ms`, and answers how many ended a second. */
export const throughput = async (
  callers: number,
  ms: number,
  work: (caller: number, turn: number) => Promise<unknown>,
): Promise<number> => {
  const begun = performance.now();
  const end = begun + ms;
  let done = 0;
  const loop = async (caller: number): Promise<void> => {
    for (let turn = 0; performance.now() < end; turn++) {
      await work(caller, turn);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => loop(caller)));
  return (done * 1000) / (performance.now() - begun);
};

/** The milliseconds that `work` takes. */
export const elapsed = async (work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
};

/**
 * Measures several ways of doing one thing in rounds, each round in the opposite order of the one before, so that a
 * machine that grows warm or busy favours none; one round more at the start is thrown away. Answers medians, in order.
 */
export const alternate = async (
  rounds: number,
  ways: readonly (() => Promise<number>)[],
): Promise<readonly number[]> => {
  const measured: number[][] = ways.map(() => []);
  for (let round = -1; round < rounds; round++) {
    const order = [...ways.keys()];
    for (const i of round % 2 === 0 ? order : order.toReversed()) {
      const value = await ways[i]?.();
      if (round >= 0 && value !== undefined) measured[i]?.push(value);
    }
  }
  return measured.map(median);
};
