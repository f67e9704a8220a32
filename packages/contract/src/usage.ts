import type { Context } from "./context.ts";
import type { RequestPath } from "./path.ts";

/** The steps that usage is told in; all begin at a full hour, day or month of UTC. */
export const usageSteps = ["hour", "day", "month"] as const;
export type UsageStep = (typeof usageSteps)[number];

/** What a tenant used in a span of hours. */
export interface UsageSpan {
  /** Where it begins, in milliseconds since the epoch. */
  readonly from: number;
  /** Contents that were sent, or of which the first byte was. */
  readonly reads: number;
  /** Stats, listings, histories, and looks at a content without taking it. */
  readonly lookups: number;
  /** Globs and greps. */
  readonly searches: number;
  /** Operations that changed files, each one however much it changed. */
  readonly writes: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** What was stored times how long, in bytes × milliseconds. */
  readonly byteMs: bigint;
  /** The most users there were at a time. */
  readonly users: number;
}

export interface UsageQuery {
  /** Milliseconds since the epoch, rounded down to the hour; 24 hours ago by default. */
  readonly from?: number | undefined;
  /** Exclusive, rounded up to the hour; by default the end of this one. */
  readonly to?: number | undefined;
  /** `hour` by default. */
  readonly by?: UsageStep | undefined;
}

/** Usage of a tenant over time. */
export interface UsageHistory {
  readonly tenant: string;
  readonly from: number;
  readonly to: number;
  readonly by: UsageStep;
  readonly spans: readonly UsageSpan[];
}

/** What a tenant did: reads, writes and searches together with all that was looked up. */
export const requestsOf = (span: Omit<UsageSpan, "from" | "byteMs" | "users">): number =>
  span.reads + span.lookups + span.searches + span.writes;

/** Counts what leaves no commit. */
export interface Metering {
  /** Counts a stat, a listing or a search that is about to be answered. Throws `unavailable` where nothing can be counted. */
  readonly count: (ctx: Context, kind: "lookup" | "search", path: RequestPath) => void;
}

/** What tenants used. */
export interface UsageControl {
  /** To a tenant's admin of its own tenant, to the platform of all. */
  readonly over: (ctx: Context, tenant: string, query: UsageQuery) => Promise<UsageHistory>;
}

/** Usage as it is kept. `now` is the ledger's. */
export interface UsageSpans {
  /** As of now, from the beginning of one hour to that of another, in steps. An undefined tenant is the platform. */
  readonly spans: (
    tenantUid: string | undefined,
    from: number,
    to: number,
    step: UsageStep | "all",
  ) => Promise<{ readonly spans: readonly UsageSpan[]; readonly now: number }>;
}
