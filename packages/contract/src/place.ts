/** What a request or a stream is counted against: so many in a window of time. */
export interface RateState {
  /** `tenant`, `key`, `requests` (a period's), or `authentication` (failed, from one address). */
  readonly name: "tenant" | "key" | "requests" | "authentication";
  readonly limit: number;
  /** The window's length in seconds. */
  readonly windowSeconds: number;
  /** What is left of it, as far as this process knows. */
  readonly remaining: number;
  /** Seconds until the window is over, rounded up. */
  readonly resetSeconds: number;
}

/** Lets content pass no faster than its tenant's limit of bytes. */
export interface Throttle {
  /** How many bytes are waited for at once, at most. */
  readonly most: number;
  /** Waits until so many bytes may pass. Throws `aborted` if the request is over. */
  readonly pass: (bytes: number) => Promise<void>;
}

/** A request's place among those that are served at once. */
export interface Place {
  /** What was drawn from, as it stood then; empty without limits. */
  readonly rates: readonly RateState[];
  /** Undefined without a limit. */
  readonly throttle: Throttle | undefined;
  /** Runs the request, so that what all tenants use is shared out to it as its tenant's part. */
  readonly run: <R>(work: () => Promise<R>) => Promise<R>;
  /**
   * Says that the rest is a body on its way, at its client's pace: gives the place among requests back for one among
   * streams. Rejects with `unavailable` if all of the tenant's are taken for too long. Once is enough.
   */
  readonly stream: () => Promise<void>;
  /** The request is over; once is enough. */
  readonly end: () => void;
}
