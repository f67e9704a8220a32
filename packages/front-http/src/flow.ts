/** One answer that is on its way. */
export interface Sending {
  /** It has done with a piece when it asks for the next. */
  readonly reuse: () => true;
  /** How many bytes it is to take next; they count as held until they are sent. */
  readonly piece: () => number;
  /** How many it may hold of a piece of that length that came without having been asked for. */
  readonly most: (length: number) => number;
  /** What it held is sent, and its reader was waited for so many milliseconds. */
  readonly sent: (bytes: number, waitedMs: number) => void;
  readonly end: () => void;
}

/** Bounds what all answers of a front hold for readers that are slower than the server. */
export interface Flow {
  readonly open: () => Sending;
}

const whole = 256 * 1024;

/** What the answer of a slow reader holds. */
export const littleBytes: number = 16 * 1024;

/** A reader that is waited for so long is slow, for the next so many bytes. */
const patienceMs = 20;
const slowBytes = 16 * 1024 * 1024;

/**
 * As long as fewer than `bytes` are held (2 MiB by default), everyone but slow readers is sent whole pieces; beyond it all
 * are sent little ones.
 */
export const flow = (bytes: number = 2 * 1024 * 1024): Flow => {
  let total = 0;
  return {
    open: () => {
      let own = 0;
      let slow = 0;
      let over = false;
      const holds = (held: number): void => {
        total += held - own;
        own = held;
      };
      const grant = (): number => {
        holds(0);
        const next = slow > 0 || total + whole > bytes ? littleBytes : whole;
        // A source may still be asked for its next piece when the answer is over.
        if (!over) holds(next);
        return next;
      };
      return {
        reuse: () => true,
        piece: grant,
        most: (length) => (own > 0 && length <= own ? own : grant()),
        sent: (count, waitedMs) => {
          holds(0);
          slow = waitedMs > patienceMs ? slowBytes : slow - count;
        },
        end: () => {
          over = true;
          holds(0);
        },
      };
    },
  };
};
