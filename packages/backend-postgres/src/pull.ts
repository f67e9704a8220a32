import { type Body, FileError } from "@bulkhead/contract";
import { checkSignal } from "@bulkhead/kit";

/** The next chunk, or the signal's refusal as soon as it fires: a sender that stalls is not waited for. */
const next = (
  chunks: AsyncIterator<Uint8Array>,
  signal: AbortSignal,
): Promise<IteratorResult<Uint8Array, unknown>> =>
  new Promise((resolve, reject) => {
    const refuse = (error: unknown): void => {
      try {
        checkSignal(signal);
        reject(error);
      } catch (aborted) {
        reject(aborted);
      }
    };
    const onAbort = (): void => refuse(undefined);
    signal.addEventListener("abort", onAbort, { once: true });
    chunks
      .next()
      .then(resolve, refuse)
      .finally(() => signal.removeEventListener("abort", onAbort));
  });

/**
 * Pulls a body in pieces of exactly `bytes` bytes, the last one shorter; each is a copy, for the sender may use its
 * buffer again. Throws `invalid-request` if the body is not as long as it says, `aborted`, and the body's own error as
 * it is.
 */
export async function* pull(
  body: Body,
  bytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const wrong = (): FileError =>
    new FileError(
      "invalid-request",
      `The body does not have the ${body.size} bytes it declared; nothing was stored.`,
    );
  checkSignal(signal);
  const chunks = body.open()[Symbol.asyncIterator]();
  let piece = new Uint8Array(Math.min(body.size ?? bytes, bytes));
  let filled = 0;
  let total = 0;
  let ended = false;
  try {
    for (;;) {
      const step = await next(chunks, signal).catch((error: unknown) => {
        ended = !signal.aborted;
        throw error;
      });
      checkSignal(signal);
      if (step.done === true) {
        ended = true;
        break;
      }
      total += step.value.length;
      if (body.size !== undefined && total > body.size) throw wrong();
      for (let at = 0; at < step.value.length;) {
        if (filled === piece.length) {
          yield piece;
          piece = new Uint8Array(bytes);
          filled = 0;
        }
        const some = step.value.subarray(at, at + piece.length - filled);
        piece.set(some, filled);
        filled += some.length;
        at += some.length;
      }
    }
  } finally {
    // Not awaited: a generator that hangs in its own `next` would never answer.
    if (!ended) void Promise.resolve(chunks.return?.()).catch(() => undefined);
  }
  if (body.size !== undefined && total !== body.size) throw wrong();
  if (filled > 0) yield piece.subarray(0, filled);
}
