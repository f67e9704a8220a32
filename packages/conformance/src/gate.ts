/** A door that opens once: who waits goes on, who comes later does not wait. */
export interface Gate {
  readonly open: () => void;
  readonly passed: Promise<void>;
}

export const gate = (): Gate => {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { open: () => resolve(), passed: promise };
};

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** Settles like `work`, or rejects with `late` after so many milliseconds. */
export const within = async <R>(ms: number, work: Promise<R>, late: () => Error): Promise<R> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
};
