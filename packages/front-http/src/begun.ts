import { orAborted } from "./or-aborted.ts";

/**
 * Waits for the first chunk of a content, and answers the whole of it: what it takes to open it is done before anything is
 * answered, and a failure is still an answer. Pull the result once, or return it.
 */
export const begun = async (
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<AsyncIterableIterator<Uint8Array>> => {
  const source = content[Symbol.asyncIterator]();
  const end = async (): Promise<IteratorResult<Uint8Array>> => {
    await source.return?.();
    return { done: true, value: undefined };
  };
  let first: IteratorResult<Uint8Array> | undefined;
  try {
    first = await orAborted(source.next(), signal);
  } catch (error) {
    // Not awaited: a source that hangs would hold this request for ever.
    void end().catch(() => undefined);
    throw error;
  }
  const iterator: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => iterator,
    next: () => {
      const step = first;
      first = undefined;
      return step === undefined ? source.next() : Promise.resolve(step);
    },
    return: end,
  };
  return iterator;
};
