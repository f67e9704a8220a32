/**
 * Makes a stream out of a function that sends one. Writing waits for the sender to pull; closing resolves once `send` has,
 * and rejects with what it rejected with.
 */
export const writingStream = (
  send: (data: ReadableStream<Uint8Array>) => Promise<unknown>,
): WritableStream<Uint8Array> => {
  const pipe = new TransformStream<Uint8Array, Uint8Array>();
  const writer = pipe.writable.getWriter();
  let ended = false;
  const sent = send(pipe.readable).finally(() => (ended = true));
  // Whoever writes learns of a failure by `write` or `close`, not by an unhandled rejection.
  const failed = sent.then(() => new Promise<never>(() => undefined));
  failed.catch(() => undefined);
  writer.closed.catch(() => undefined);
  // What the pipe says when the sender let go of it is no reason; the sender's own answer is.
  const orWhySent = async (step: Promise<void>): Promise<void> => {
    try {
      await Promise.race([step, failed]);
    } catch (error) {
      await sent;
      throw error;
    }
  };
  return new WritableStream<Uint8Array>({
    // A sender that has failed pulls no more: without the race a write would wait for ever.
    write: (chunk) => orWhySent(writer.write(chunk)),
    close: async () => {
      if (!ended) await orWhySent(writer.close());
      await sent;
    },
    abort: async (reason) => {
      await writer.abort(reason).catch(() => undefined);
      await sent.catch(() => undefined);
    },
  });
};
