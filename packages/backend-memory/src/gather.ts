import { type Body, FileError } from "@bulkhead/contract";

/** Throws `aborted` once the signal is. */
export const checkSignal = (signal: AbortSignal): void => {
  if (signal.aborted)
    throw new FileError("aborted", "The request was cancelled.", { cause: signal.reason });
};

/**
 * Pulls a body into memory of its own. Throws `aborted` as soon as the signal is, even if the body never answers,
 * `invalid-request` where the body is not as long as it says, `too-large` past `limit`, and what the body throws.
 */
export const gather = async (
  body: Body,
  signal: AbortSignal,
  limit: number | undefined,
): Promise<Uint8Array> => {
  checkSignal(signal);
  let onAbort = (): void => undefined;
  const aborted = new Promise<"aborted">((resolve) => {
    onAbort = () => resolve("aborted");
    signal.addEventListener("abort", onAbort, { once: true });
  });
  const source = body.open()[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let ended = false;
  try {
    for (;;) {
      const step = await Promise.race([source.next(), aborted]);
      checkSignal(signal);
      if (step === "aborted") continue;
      if (step.done === true) break;
      size += step.value.length;
      if (limit !== undefined && size > limit)
        throw new FileError("too-large", `A file of this storage has at most ${limit} bytes.`, {
          fields: { limit },
        });
      if (body.size !== undefined && size > body.size) throw wrongSize(body.size);
      // A copy: the sender may fill the same buffer again.
      chunks.push(step.value.slice());
    }
    ended = true;
  } finally {
    signal.removeEventListener("abort", onAbort);
    // Not awaited: a sender that hangs would hold the refusal up.
    if (!ended) void source.return?.().then(undefined, () => undefined);
  }
  if (body.size !== undefined && size !== body.size) throw wrongSize(body.size);
  return join(chunks, size);
};

const wrongSize = (declared: number): FileError =>
  new FileError(
    "invalid-request",
    `The body was declared as ${declared} bytes and has another size.`,
  );

const join = (chunks: readonly Uint8Array[], size: number): Uint8Array => {
  if (chunks.length === 1 && chunks[0] !== undefined) return chunks[0];
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
};
