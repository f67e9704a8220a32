import { requestsOf, type UsageHistory, type UsageStep, usageSteps } from "@bulkhead/contract";
import { z } from "zod";
import { timeOf, timestamp } from "./time.ts";

/** What a tenant used in one step of a report. */
export interface WireUsageSpan {
  readonly from: string;
  /** Reads, lookups, searches and writes together. */
  readonly requests: number;
  readonly reads: number;
  /** Stats, listings and histories. */
  readonly lookups: number;
  readonly searches: number;
  readonly writes: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Bytes that were stored times the hours for which they were, rounded to the nearest whole. */
  readonly byteHours: number;
  /** The most users there were at a time. */
  readonly users: number;
}

/** Usage of a tenant over time, in steps that begin at full hours, days or months of UTC. */
export interface WireUsageHistory {
  readonly tenant: string;
  readonly from: string;
  readonly to: string;
  readonly by: UsageStep;
  readonly spans: readonly WireUsageSpan[];
}

const count = z.number();

export const wireUsageHistory: z.ZodType<WireUsageHistory> = z.object({
  tenant: z.string(),
  from: timestamp,
  to: timestamp,
  by: z.enum(usageSteps),
  spans: z.array(
    z.object({
      from: timestamp,
      requests: count,
      reads: count,
      lookups: count,
      searches: count,
      writes: count,
      bytesIn: count,
      bytesOut: count,
      byteHours: count,
      users: count,
    }),
  ),
});

const hourMs = 3_600_000n;

export const wireUsageHistoryOf = ({ spans, ...report }: UsageHistory): WireUsageHistory => ({
  ...report,
  from: timeOf(report.from),
  to: timeOf(report.to),
  spans: spans.map(({ from, byteMs, ...span }) => ({
    from: timeOf(from),
    requests: requestsOf(span),
    reads: span.reads,
    lookups: span.lookups,
    searches: span.searches,
    writes: span.writes,
    bytesIn: span.bytesIn,
    bytesOut: span.bytesOut,
    byteHours: Number((2n * byteMs + hourMs) / (2n * hourMs)),
    users: span.users,
  })),
});
