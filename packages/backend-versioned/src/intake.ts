import { type Body, FileError } from "@bulkhead/contract";
import { checkSignal, orCancelled } from "./cancelled.ts";

/** A body that is either all here, or whose beginning is, with the way to the rest. */
export type Intake =
  | { readonly whole: Uint8Array }
  | {
      readonly rest: () => AsyncGenerator<Uint8Array>;
      /** Lets the body go where nobody will read the rest. */
      readonly release: () => void;
    };

const wrongSize = (declared: number): FileError =>
  new FileError(
    "invalid-request",
    `The body was declared as ${declared} bytes and has another size.`,
  );

const joined = (chunks: readonly Uint8Array[], size: number): Uint8Array => {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
};

/**
 * Pulls a body up to `limit` bytes; what is longer is handed on as a stream. Throws `aborted` as soon as the signal is,
 * `invalid-request` where the body is not as long as it says, and what the body throws.
 */
export const intake = async (body: Body, limit: number, signal: AbortSignal): Promise<Intake> => {
  checkSignal(signal);
  const source = body.open()[Symbol.asyncIterator]();
  // Not awaited: a sender that hangs would hold the refusal up.
  const release = (): void => void source.return?.().then(undefined, () => undefined);
  const head: Uint8Array[] = [];
  let size = 0;
  let ended = false;

  const next = async (): Promise<Uint8Array | undefined> => {
    const step = await orCancelled(signal, source.next());
    checkSignal(signal);
    if (step.done === true) {
      ended = true;
      if (body.size !== undefined && size !== body.size) throw wrongSize(body.size);
      return undefined;
    }
    size += step.value.length;
    if (body.size !== undefined && size > body.size) throw wrongSize(body.size);
    return step.value;
  };

  async function* rest(): AsyncGenerator<Uint8Array> {
    try {
      yield* head;
      for (let chunk = await next(); chunk !== undefined; chunk = await next()) yield chunk;
    } finally {
      if (!ended) release();
    }
  }

  try {
    while (size <= limit) {
      const chunk = await next();
      if (chunk === undefined) return { whole: joined(head, size) };
      // A copy: the sender may fill the same buffer again.
      head.push(chunk.slice());
    }
  } catch (error) {
    if (!ended) release();
    throw error;
  }
  return { rest, release };
};
