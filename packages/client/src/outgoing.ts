/** A stream on its way to the server. */
export interface Outgoing {
  readonly stream: ReadableStream<Uint8Array>;
  /** What the source itself failed with, if it did: the caller wants to see that as it is. */
  readonly broken: () => { readonly error: unknown } | undefined;
  /** Pulls nothing more, and ends the source. */
  readonly release: (reason: unknown) => void;
}

/**
 * Stands between a source and `fetch`, so that the source ends when the request does. Node's `fetch` goes on pulling a
 * body whose request was given up, for ever where the body has no end.
 */
export const outgoing = (
  source: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): Outgoing => {
  const reader = source.getReader();
  let broken: { readonly error: unknown } | undefined;
  let released: { readonly reason: unknown } | undefined;
  const release = (reason: unknown): void => {
    if (released !== undefined) return;
    released = { reason };
    signal?.removeEventListener("abort", abort);
    reader.cancel(reason).catch(() => undefined);
  };
  const abort = (): void => release(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted === true) abort();
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        let next: ReadableStreamReadResult<Uint8Array> | undefined;
        try {
          if (released === undefined) next = await reader.read();
        } catch (error) {
          broken = { error };
          throw error;
        }
        // A source that was ended answers as if it were complete; what it leaves must not look whole.
        if (released !== undefined || next === undefined) throw released?.reason;
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      },
      cancel: (reason) => release(reason),
    },
    { highWaterMark: 0 },
  );
  return { stream, broken: () => broken, release };
};
