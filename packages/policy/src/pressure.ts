/** Says how much of a process a tenant may have while others want it too. */
export interface Pressure {
  /** A request of `owner` comes in. */
  readonly arrived: (owner: string) => void;
  /** How many of its requests may be worked on at once now; infinitely many while nobody else asks. */
  readonly share: (owner: string) => number;
}

export interface PressureOptions {
  /** How long one turn of the event loop may take, in milliseconds, while tenants share it; 2 by default. */
  readonly turnMs?: number;
  /** How many requests of one tenant are too few to be limited; 1 by default. */
  readonly least?: number;
  /** Beyond so many nothing is limited; 32 by default. */
  readonly most?: number;
  readonly clock?: () => number;
  /** Runs something in the next turn of the event loop. */
  readonly nextTurn?: (run: () => void) => void;
}

/** For how long a tenant that asked counts as asking, in milliseconds. */
const neighbourMs = 1000;
/** How often the share is judged, in milliseconds. */
const judgedMs = 20;

/**
 * Watches how long a turn of the event loop takes: so long every step of every request waits. Where it is too long while
 * several tenants ask, each gets fewer requests at once, until it is not: by a third at a time, and back by small steps.
 * A tenant that is alone has everything.
 */
export const pressure = (options: PressureOptions = {}): Pressure => {
  const { turnMs = 2, least = 1, most = 32 } = options;
  const { clock = () => performance.now(), nextTurn = (run) => void setImmediate(run) } = options;
  let share = most;
  let latest = { owner: "", at: -Infinity };
  /** The last one that was not `latest`. */
  let other = { owner: "", at: -Infinity };
  let longest = 0;
  let judged = -Infinity;
  let measuring = false;

  const judge = (now: number): void => {
    if (now - judged < judgedMs) return;
    judged = now;
    if (longest > turnMs) share = Math.max(least, share * (2 / 3));
    else if (longest < turnMs / 2) share = Math.min(most, share + 0.5);
    longest = 0;
  };

  return {
    arrived: (owner) => {
      const now = clock();
      if (owner !== latest.owner) other = latest;
      latest = { owner, at: now };
      if (measuring) return;
      measuring = true;
      nextTurn(() => {
        const begun = clock();
        // From one turn's end to the next one's: a whole turn, whatever stood before it.
        nextTurn(() => {
          measuring = false;
          const ended = clock();
          longest = Math.max(longest, ended - begun);
          judge(ended);
        });
      });
    },
    share: (owner) => {
      const neighbour = latest.owner === owner ? other : latest;
      return clock() - neighbour.at < neighbourMs ? Math.max(least, Math.floor(share)) : Infinity;
    },
  };
};
