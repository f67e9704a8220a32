/** A bucket that all processes draw from: so many in a minute, or in a month of the calendar. */
export interface Bucket {
  /** The tenant's uid. */
  readonly tenant: string;
  readonly bucket: string;
  readonly limit: number;
  readonly period: "minute" | "month";
}

/** What a process was given of a bucket. Times are milliseconds since the epoch, by the ledger's clock. */
export interface Slice {
  readonly slice: number;
  /** What nobody was given yet. */
  readonly left: number;
  readonly began: number;
  readonly ends: number;
}

/** Where processes get their slices: what one was given no other is. */
export interface Buckets {
  /** Gives a slice of what is left, or takes `back` what was not used of the window that began then. */
  readonly lease: (
    ask: Bucket & { readonly take: boolean; readonly back: number; readonly began: number },
  ) => Promise<Slice>;
  /** Takes nothing. */
  readonly look: (bucket: Bucket) => Promise<Slice>;
  /** Speaks for bytes at a rate, and answers after how many milliseconds they may pass. */
  readonly throttle: (tenant: string, bytes: number, perSecond: number) => Promise<number>;
}
