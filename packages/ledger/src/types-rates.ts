/** A bucket of the ledger: so many in a minute, or in a month of the calendar. */
export interface RateBucket {
  /** The tenant's uid. */
  readonly tenant: string;
  readonly bucket: string;
  readonly limit: number;
  readonly period: "minute" | "month";
}

export interface RateAsk extends RateBucket {
  /** False where something is only given back. */
  readonly take: boolean;
  /** What is given back of the window that began then. */
  readonly back: number;
  readonly began: number;
}

/** What a process was given. Times are milliseconds since the epoch. */
export interface RateSlice {
  readonly slice: number;
  /** What nobody was given yet. */
  readonly left: number;
  readonly began: number;
  readonly ends: number;
}

export interface Rates {
  /** Gives a slice of what is left, at most a twentieth of it and at least one, if there is any. */
  readonly lease: (ask: RateAsk) => Promise<RateSlice>;
  readonly look: (bucket: RateBucket) => Promise<RateSlice>;
  /** Speaks for bytes, and answers after how many milliseconds they may pass. */
  readonly throttle: (tenant: string, bytes: number, perSecond: number) => Promise<number>;
  readonly purge: () => Promise<void>;
}
