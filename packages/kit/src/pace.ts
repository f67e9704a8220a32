import { FileError } from "@bulkhead/contract";

/** Throws `aborted`, or `timeout` where the signal is a deadline's, once `signal` has fired. */
export const checkSignal = (signal: AbortSignal): void => {
  if (!signal.aborted) return;
  const late = signal.reason instanceof DOMException && signal.reason.name === "TimeoutError";
  throw late
    ? new FileError("timeout", "The time for this operation is over; narrow it and try again.")
    : new FileError("aborted", "The operation was cancelled.");
};

/** How long work that is cut into slices may take of one turn of the event loop, all of it together, in milliseconds. */
const sliceMs = 2;

export interface TurnsOptions {
  readonly clock?: () => number;
  /** Runs something in a later turn of the event loop. */
  readonly nextTurn?: (run: () => void) => void;
}

/**
 * Shares turns of the event loop out to long work: answers a function to await between small pieces of it. So many
 * milliseconds of one turn are for such work; beyond them one waits for a later turn, first come, first served. So what
 * many do at once never adds up to one long turn.
 */
export const turns = (options: TurnsOptions = {}): (() => Promise<void> | undefined) => {
  const { clock = () => performance.now(), nextTurn = (run) => void setTimeout(run, 0) } = options;
  const waiting: (() => void)[] = [];
  let begun: number | undefined;
  const begin = (): void => {
    begun = clock();
    nextTurn(end);
  };
  const end = (): void => {
    begun = undefined;
    const resume = waiting.shift();
    if (resume === undefined) return;
    begin();
    resume();
  };
  return () => {
    if (begun === undefined) begin();
    else if (clock() - begun >= sliceMs) return new Promise((resume) => waiting.push(resume));
    return undefined;
  };
};

// A process has one event loop, whoever works in it: that loop is what is shared out.
const turnOfLoop = turns();

/**
 * Makes a function to await between small pieces of work: it lets others run after each 2 ms, of which all that is under
 * way so has its part, and throws as `checkSignal` does.
 */
export const pacer =
  (signal: AbortSignal): (() => Promise<void>) =>
  async () => {
    checkSignal(signal);
    const turn = turnOfLoop();
    if (turn === undefined) return;
    await turn;
    checkSignal(signal);
  };

/** How many items are worked on between two looks at the clock. */
const atOnce = 50;

/** Maps a long list as `Array.map` does, in slices as `pacer` cuts them; a short one at once. */
export const mapInSlices = async <T, R>(
  items: readonly T[],
  of: (item: T) => R,
  signal: AbortSignal,
): Promise<readonly R[]> => {
  if (items.length <= atOnce) return items.map(of);
  const pace = pacer(signal);
  const mapped: R[] = [];
  for (const [i, item] of items.entries()) {
    if (i % atOnce === 0) await pace();
    mapped.push(of(item));
  }
  return mapped;
};
