/** What may go on side by side, and what has to be alone. */
export interface Turns {
  readonly shared: <T>(work: () => Promise<T>) => Promise<T>;
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
}

export const createTurns = (): Turns => {
  const going = new Set<Promise<unknown>>();
  /** Settles once the last that asked to be alone has been. */
  let last: Promise<unknown> = Promise.resolve();
  const begin = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = work();
    const over: Promise<unknown> = turn
      .catch(() => undefined)
      .finally(() => {
        going.delete(over);
      });
    going.add(over);
    return turn;
  };
  return {
    shared: async (work) => {
      for (let seen: typeof last | undefined; seen !== last;) await (seen = last);
      return begin(work);
    },
    alone: async (work) => {
      const before = last;
      let done = (): void => undefined;
      last = new Promise<void>((resolve) => (done = resolve));
      await before;
      await Promise.all(going);
      try {
        return await work();
      } finally {
        done();
      }
    },
  };
};
