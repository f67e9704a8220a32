import { type Body, type Context, isFileError, type ReadResult } from "@bulkhead/contract";

/** When a decision ends that was made at `now`, both in milliseconds by the ledger's clock. */
export interface Lasting {
  readonly until: number;
  readonly now: number;
}

/** Decides again, on what the ledger says after the call. Rejects with the refusal. */
type DecideAgain = () => Promise<Lasting>;

export interface StreamWatch {
  /** The same answer, ended with an error within a second of its key losing what it was opened with. */
  readonly watch: (
    ctx: Context,
    result: ReadResult,
    lasting: Lasting,
    again: DecideAgain,
  ) => ReadResult;
  /**
   * Runs a write with the same body, which ends with the refusal within a second of its key losing what it was begun
   * with: a slow sender holds nothing for somebody who may not store it.
   */
  readonly during: <R>(
    ctx: Context,
    body: Body,
    lasting: Lasting,
    again: DecideAgain,
    run: (body: Body) => Promise<R>,
  ) => Promise<R>;
  /** How many streams are open. */
  readonly open: () => number;
  readonly close: () => void;
}

interface Watched {
  /** When time ends it, by this process's clock in milliseconds. */
  until: number;
  readonly again: DecideAgain;
  readonly onCut: (reason: Error) => void;
  /** A ledger that does not answer ends it as well: nobody can say that the key still holds. */
  readonly failsClosed: boolean;
}

/** What the clock of this process will show then. */
const onOwnClock = ({ until, now }: Lasting): number => performance.now() + (until - now);

/** Decides for all open streams again once a second, and whenever what allowed one ends, in one shared read. */
export const streamWatch = (everyMs: number = 1000): StreamWatch => {
  const watched = new Set<Watched>();
  let timer: NodeJS.Timeout | undefined;

  const check = async (stream: Watched): Promise<void> => {
    try {
      stream.until = onOwnClock(await stream.again());
    } catch (error) {
      if (!stream.failsClosed && isFileError(error, "unavailable")) return;
      // What ended while it was asked for is nobody's to cut: the connection may carry another request by now.
      if (!watched.delete(stream)) return;
      stream.onCut(error instanceof Error ? error : new Error("The stream was cut."));
    }
  };
  let due = Infinity;
  let ticking = false;

  const tick = (): void => {
    timer = undefined;
    due = Infinity;
    ticking = true;
    void Promise.all([...watched].map(check)).then(() => {
      ticking = false;
      arm();
    });
  };
  const arm = (): void => {
    if (watched.size === 0 || ticking) return;
    const now = performance.now();
    let next = now + everyMs;
    for (const { until } of watched) next = Math.min(next, Math.max(until, now));
    if (timer !== undefined && next >= due) return;
    clearTimeout(timer);
    due = next;
    // Rounded up: asked a moment early, what ends would still be there.
    timer = setTimeout(tick, Math.ceil(next - now)).unref();
  };

  const add = (stream: Watched): void => {
    watched.add(stream);
    if (timer === undefined || stream.until < due) arm();
  };

  return {
    watch: (ctx, result, lasting, again) => {
      const { content } = result;
      if (content instanceof Uint8Array) return result;
      let reason: Error | undefined;
      const onCut = (error: Error): void => {
        reason = error;
        ctx.cut();
      };
      const stream: Watched = {
        until: onOwnClock(lasting),
        again,
        onCut,
        failsClosed: true,
      };
      add(stream);
      return {
        stat: result.stat,
        ...(result.range && { range: result.range }),
        content: relay(content, () => reason),
        ...(result.sent && { sent: result.sent }),
        ...(result.told && { told: result.told }),
        [Symbol.asyncDispose]: async () => {
          watched.delete(stream);
          await result[Symbol.asyncDispose]();
        },
      };
    },
    during: async (ctx, body, lasting, again, run) => {
      const end = ending();
      // Its commit asks again, and has to have an answer: until then it may wait for the ledger.
      const stream: Watched = {
        until: onOwnClock(lasting),
        again,
        onCut: end.now,
        failsClosed: false,
      };
      add(stream);
      try {
        return await run({
          size: body.size,
          replayable: body.replayable,
          open: () => until(end, body.open()),
        });
      } finally {
        watched.delete(stream);
      }
    },
    open: () => watched.size,
    close: () => {
      clearTimeout(timer);
      watched.clear();
    },
  };
};

async function* relay(
  content: AsyncIterable<Uint8Array>,
  reason: () => Error | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of content) {
    const cut = reason();
    if (cut !== undefined) throw cut;
    yield chunk;
  }
}

interface Ending {
  readonly now: (reason: Error) => void;
  /** Settles as `promise` does, or rejects with the reason of the end, whichever comes first. */
  readonly or: <T>(promise: Promise<T>) => Promise<T>;
}

// One listener at a time: a promise that every chunk were raced against would keep them all.
const ending = (): Ending => {
  let ended: Error | undefined;
  let waiting: ((reason: Error) => void) | undefined;
  return {
    now: (reason) => {
      ended = reason;
      waiting?.(reason);
    },
    or: (promise) =>
      new Promise((resolve, reject) => {
        waiting = reject;
        promise.then(resolve, reject);
        if (ended !== undefined) reject(ended);
      }),
  };
};

/** Yields what `content` does, until its end: then that is thrown, even while the next chunk is waited for. */
async function* until(end: Ending, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = content[Symbol.asyncIterator]();
  let done = false;
  try {
    for (;;) {
      const step = await end.or(iterator.next());
      done = step.done === true;
      if (step.done === true) return;
      yield step.value;
    }
  } finally {
    // Not awaited: a source that waits for its next chunk returns only after it.
    if (!done) void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}
