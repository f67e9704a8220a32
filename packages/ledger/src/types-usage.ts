import type { BillBasis, UsageSpans } from "@bulkhead/contract";

/** What a stretch of a journal says of one tenant in one hour. */
export interface JournalSum {
  /** A tenant's uid; undefined is the platform. */
  readonly tenantUid: string | undefined;
  /** Where the hour begins, in milliseconds since the epoch. */
  readonly hour: number;
  readonly reads: number;
  readonly lookups: number;
  readonly searches: number;
  readonly bytesOut: number;
}

/**
 * What tenants used, by the hour (UTC). Every accepted operation is in it once: what has been committed, and of journals
 * what was absorbed.
 */
export interface Usage extends UsageSpans {
  /** Which ledger this is: a journal that was written for another one is not this one's to count. */
  readonly ledger: string;
  /** How much of everything together a tenant asked for since the ledger's month (UTC) began. */
  readonly requestsThisMonth: (tenantUid: string | undefined) => Promise<number>;
  /** All that the bill of a month is made from, as of now. */
  readonly billed: (tenantUid: string, from: number, to: number) => Promise<BillBasis>;
  /** Counts what tenants' commits did since they were last counted; answers of how many tenants. */
  readonly sweep: () => Promise<number>;
  /** Counts the bytes of a journal from `from` to `to`, once; answers to where it is counted now. */
  readonly absorb: (
    journal: string,
    from: number,
    to: number,
    sums: readonly JournalSum[],
  ) => Promise<number>;
  /** To where a journal is counted; 0 for one that was never seen. */
  readonly absorbed: (journal: string) => Promise<number>;
  /** Forgets a journal that is no more. */
  readonly forget: (journal: string) => Promise<void>;
  /** Makes room for the months to come, and drops hours that are older than 36 months. */
  readonly tidy: () => Promise<void>;
}
