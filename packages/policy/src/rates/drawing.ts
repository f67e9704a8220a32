import { FileError, type RateState } from "@bulkhead/contract";
import type { Bucket, Buckets, Slice } from "../ports-rates.ts";

/** A bucket by the name that callers know it by. */
export interface NamedBucket extends Bucket {
  readonly name: RateState["name"];
}

export interface Drawing {
  /**
   * Takes one out of every bucket at `now`, in milliseconds by the ledger's clock, or none: rejects with `rate-limited`
   * if one of them is empty.
   */
  readonly draw: (buckets: readonly NamedBucket[], now: number) => Promise<readonly RateState[]>;
  /** Puts back what was drawn for what was not served. */
  readonly refund: (buckets: readonly NamedBucket[], now: number) => void;
  /** What is left for this process to give, taking none of it. */
  readonly look: (buckets: readonly NamedBucket[], now: number) => Promise<readonly RateState[]>;
  /** Gives back what nobody asked for lately. Never rejects. */
  readonly sweep: () => Promise<void>;
  /** Gives everything back. */
  readonly close: () => Promise<void>;
}

interface Held {
  of: Bucket;
  tokens: number;
  left: number;
  began: number;
  ends: number;
  /** When an empty bucket is asked about again: another process may have given something back. */
  again: number;
  /** By this process's clock. */
  touched: number;
  leasing: Promise<void> | undefined;
}

export interface DrawingOptions {
  readonly buckets: Buckets;
  /** After how many milliseconds without a request what is left of a slice is given back; 5,000 by default. */
  readonly idleMs?: number;
  /** Of how many buckets a process has slices at most; 20,000 by default. */
  readonly most?: number;
  readonly clock?: () => number;
}

/** How long an empty bucket is not asked about again, in milliseconds. */
const emptyMs = 1000;

const idOf = ({ tenant, bucket }: Bucket): string => `${tenant} ${bucket}`;

const stateOf = (
  { name, limit, period }: NamedBucket,
  { left, began, ends }: Omit<Slice, "slice">,
  own: number,
  now: number,
): RateState => ({
  name,
  limit,
  windowSeconds: period === "minute" ? 60 : Math.round((ends - began) / 1000),
  remaining: own + left,
  resetSeconds: Math.max(1, Math.ceil((ends - now) / 1000)),
});

const limited = (state: RateState, before: readonly RateState[]): FileError =>
  new FileError("rate-limited", "Too many requests; wait as long as 'Retry-After' says.", {
    fields: {
      retryAfter: state.resetSeconds,
      rates: [...before, state],
      ...(state.name === "requests" && {
        resource: "requests",
        limit: state.limit,
        used: state.limit,
        requested: 1,
      }),
    },
  });

/** Draws from slices of buckets: one round trip for each slice, none for what a slice holds or for what is refused. */
export const drawing = (options: DrawingOptions): Drawing => {
  const { buckets, idleMs = 5000, most = 20_000, clock = () => performance.now() } = options;
  // The one that was used least lately first.
  const held = new Map<string, Held>();

  const giveBack = async (id: string, slice: Held): Promise<void> => {
    held.delete(id);
    const { tokens: back, began, of } = slice;
    slice.tokens = 0;
    if (back > 0)
      await buckets.lease({ ...of, take: false, back, began }).catch(() => {
        // Lost until the window is over: nobody gets more for it.
      });
  };

  const heldOf = (bucket: Bucket): Held => {
    const id = idOf(bucket);
    const known = held.get(id);
    if (known !== undefined) held.delete(id);
    const slice: Held = known ?? {
      of: bucket,
      tokens: 0,
      left: 0,
      began: 0,
      ends: 0,
      again: 0,
      touched: 0,
      leasing: undefined,
    };
    held.set(id, slice);
    slice.touched = clock();
    if (held.size > most) {
      const [oldest] = held;
      if (oldest !== undefined && oldest[1].leasing === undefined) void giveBack(...oldest);
    }
    return slice;
  };

  const lease = async (slice: Held, bucket: Bucket, now: number): Promise<void> => {
    const { tokens: back, began } = slice;
    // Gone with the question: if its answer is lost, so are they.
    slice.tokens = 0;
    const got = await buckets.lease({ ...bucket, take: true, back, began });
    slice.of = bucket;
    slice.tokens = got.slice;
    slice.left = got.left;
    slice.began = got.began;
    slice.ends = got.ends;
    slice.again = now + emptyMs;
  };

  const drawOne = async (bucket: NamedBucket, now: number): Promise<RateState> => {
    const slice = heldOf(bucket);
    for (let asked = false; ;) {
      if (slice.leasing !== undefined) {
        await slice.leasing.catch(() => undefined);
        continue;
      }
      const current = asked || (now < slice.ends && slice.of.limit === bucket.limit);
      if (current && slice.tokens > 0) {
        slice.tokens -= 1;
        return stateOf(bucket, slice, slice.tokens, now);
      }
      if (current && slice.left === 0 && (asked || now < slice.again))
        throw limited(stateOf(bucket, slice, 0, now), []);
      slice.leasing = lease(slice, bucket, now).finally(() => {
        slice.leasing = undefined;
      });
      await slice.leasing;
      asked = true;
    }
  };

  const refund: Drawing["refund"] = (drawn, now) => {
    for (const bucket of drawn) {
      const slice = held.get(idOf(bucket));
      if (slice !== undefined && slice.of.limit === bucket.limit && now < slice.ends)
        slice.tokens += 1;
    }
  };

  return {
    refund,
    draw: async (asked, now) => {
      const states: RateState[] = [];
      for (const [i, bucket] of asked.entries())
        try {
          states.push(await drawOne(bucket, now));
        } catch (error) {
          refund(asked.slice(0, i), now);
          const [state] = (error instanceof FileError && error.fields.rates) || [];
          throw state === undefined ? error : limited(state, states);
        }
      return states;
    },
    look: (asked, now) =>
      Promise.all(
        asked.map(async (bucket) => {
          const slice = held.get(idOf(bucket));
          const current = slice !== undefined && now < slice.ends;
          return stateOf(bucket, await buckets.look(bucket), current ? slice.tokens : 0, now);
        }),
      ),
    sweep: async () => {
      const before = clock() - idleMs;
      await Promise.all(
        [...held]
          .filter(([, slice]) => slice.touched <= before && slice.leasing === undefined)
          .map((each) => giveBack(...each)),
      );
    },
    close: async () => {
      await Promise.all([...held].map((each) => giveBack(...each)));
    },
  };
};
