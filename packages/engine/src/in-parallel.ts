/** Does the same to each, so many at a time; after a failure nothing further begins. */
export const inParallel = async <T>(
  items: AsyncIterable<T>,
  width: number,
  act: (item: T) => Promise<void>,
): Promise<void> => {
  const iterator = items[Symbol.asyncIterator]();
  let failed = false;
  const work = async (): Promise<void> => {
    while (!failed) {
      const next = await iterator.next();
      if (next.done === true) return;
      await act(next.value);
    }
  };
  const results = await Promise.allSettled(
    Array.from({ length: width }, () =>
      work().catch((error: unknown) => {
        failed = true;
        throw error;
      }),
    ),
  );
  await iterator.return?.();
  const first = results.find((result) => result.status === "rejected");
  if (first !== undefined) throw first.reason;
};
