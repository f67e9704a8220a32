/** Runs `act` on each item, at most `width` at a time, pulling items as there is room. Rejects with the first failure. */
export const pool = async <T>(
  items: AsyncIterable<T>,
  width: number,
  act: (item: T) => Promise<void>,
): Promise<void> => {
  const iterator = items[Symbol.asyncIterator]();
  let ended = false;
  const work = async (): Promise<void> => {
    while (!ended) {
      const next = await iterator.next();
      if (next.done === true) break;
      await act(next.value);
    }
  };
  const workers = Array.from({ length: width }, () =>
    work().catch((error: unknown) => {
      // The others finish what they hold and take nothing new.
      ended = true;
      throw error;
    }),
  );
  const results = await Promise.allSettled(workers);
  if (ended) await iterator.return?.();
  for (const result of results) if (result.status === "rejected") throw result.reason;
};
