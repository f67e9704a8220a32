/** A stream on its way to the server. */
export interface Outgoing {
  readonly stream: ReadableStream<Uint8Array>;
  /** What the source itself failed with, if it did: the caller wants to see that as it is. */
  readonly broken: () => { readonly error: unknown } | undefined;
  /** Pulls nothing more, and ends the source. */
  readonly release: (reason: unknown) => void;
}

/** How many bytes pass before there is a pause: few at first, when refusals come, then so many that it costs nothing. */
const strides = { early: 65_536, late: 1_048_576, until: 1_048_576 };

/**
 * Stands between a source and `fetch`, so that the source ends when the request does. Node's `fetch` goes on pulling a
 * body whose request was given up, for ever where the body has no end. Now and then it lets the runtime
 * read what arrives: a source that is always ready would keep it writing, and a refusal that came early would be lost
 * with the connection that the server closes after it.
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
  let sent = 0;
  let pauseAt = strides.early;
  const breathe = async (): Promise<void> => {
    if (sent < pauseAt) return;
    pauseAt = sent + (sent < strides.until ? strides.early : strides.late);
    await new Promise((resolve) => setTimeout(resolve));
  };
  const abort = (): void => release(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted === true) abort();
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        let next: ReadableStreamReadResult<Uint8Array> | undefined;
        try {
          await breathe();
          if (released === undefined) next = await reader.read();
        } catch (error) {
          broken = { error };
          throw error;
        }
        // A source that was ended answers as if it were complete; what it leaves must not look whole.
        if (released !== undefined || next === undefined) throw released?.reason;
        if (next.done) return controller.close();
        sent += next.value.length;
        controller.enqueue(next.value);
      },
      cancel: (reason) => release(reason),
    },
    { highWaterMark: 0 },
  );
  return { stream, broken: () => broken, release };
};
