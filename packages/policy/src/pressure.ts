/** Says how much of a process each tenant may have, so that every request gets on. */
export interface Pressure {
  /** A request of `owner` comes in. Call what it answers when the request is over: it counts once. */
  readonly arrived: (owner: string) => () => void;
  /** How many requests of one tenant may be worked on at once now. */
  readonly share: () => number;
  /**
   * How long a place stays empty, in milliseconds, that was held for `held` by a tenant of which so many `wait`: nothing
   * unless several ask, each has one place, and that is too much still.
   */
  readonly rest: (held: number, waiting: number) => number;
}

export interface PressureOptions {
  /** How long one turn of the event loop may take, in milliseconds, while several tenants ask; 2 by default. */
  readonly turnMs?: number;
  /** How long while one is alone; 20 by default. */
  readonly aloneMs?: number;
  /** Beyond so many requests nothing is limited; 32 by default. */
  readonly most?: number;
  /** By how much the ledger answers later than at its best, in milliseconds; judged as turns are. */
  readonly ledgerDelay?: () => number;
  readonly clock?: () => number;
  /** Runs something in the next turn of the event loop. */
  readonly nextTurn?: (run: () => void) => void;
}

/** For how long a tenant that asked counts as asking, in milliseconds. */
const neighbourMs = 2000;
/** How often the share grows, in milliseconds: seldom while others ask, whom each try costs something. */
const growMs = { shared: 100, alone: 20 };
/** The longest rest, in milliseconds. */
const restMs = 20;
/** A tenant of which so many wait rests as long as it worked, one of which fewer wait in proportion. */
const pressing = 32;
/** The share to begin with: it is found out whether more does any harm. */
const first = 4;

/**
 * Watches how long a turn of the event loop takes, and how late the ledger answers: so long every step of every request
 * waits. Where it is too long, each tenant gets fewer requests at once, in proportion and down to one; where it is not,
 * more again, one by one.
 */
export const pressure = (options: PressureOptions = {}): Pressure => {
  const { turnMs = 2, aloneMs = 20, most = 32 } = options;
  const {
    ledgerDelay = () => 0,
    clock = () => performance.now(),
    nextTurn = (run) => void setImmediate(run),
  } = options;
  const asking = new Map<string, number>();
  let share = Math.min(first, most);
  let latest = { owner: "", at: -Infinity };
  /** The last one that was not `latest`. */
  let other = { owner: "", at: -Infinity };
  let grown = -Infinity;
  let measuring = false;

  const shared = (now: number): boolean => asking.size > 1 || now - other.at < neighbourMs;

  const judge = (turn: number, now: number): void => {
    const [bound, pause] = shared(now) ? [turnMs, growMs.shared] : [aloneMs, growMs.alone];
    const late = Math.max(turn, ledgerDelay());
    if (late > bound) {
      share = Math.max(1, share * Math.max(1 / 2, bound / late));
      grown = now;
    } else if (late < bound / 2 && now - grown >= pause) {
      share = Math.min(most, share + 1);
      grown = now;
    }
  };

  const measure = (): void => {
    if (measuring) return;
    measuring = true;
    nextTurn(() => {
      const begun = clock();
      // From one turn's end to the next one's: a whole turn, whatever stood before it.
      nextTurn(() => {
        measuring = false;
        const now = clock();
        judge(now - begun, now);
      });
    });
  };

  return {
    arrived: (owner) => {
      if (owner !== latest.owner) other = latest;
      latest = { owner, at: clock() };
      asking.set(owner, (asking.get(owner) ?? 0) + 1);
      measure();
      let over = false;
      return () => {
        if (over) return;
        over = true;
        const left = (asking.get(owner) ?? 1) - 1;
        if (left === 0) asking.delete(owner);
        else asking.set(owner, left);
        measure();
      };
    },
    share: () => Math.floor(share),
    rest: (held, waiting) =>
      share >= 2 || !shared(clock()) ? 0 : Math.min(held, restMs) * Math.min(1, waiting / pressing),
  };
};
