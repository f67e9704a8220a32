import type { UsageStep } from "@bulkhead/contract";
import { type WireUsageHistory, wireUsageHistory } from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
import { recordTarget } from "./target.ts";
import type { Transport } from "./transport.ts";

export interface UsageRange {
  /** RFC 3339, rounded down to the hour; 24 hours ago by default. */
  readonly from?: string | undefined;
  /** RFC 3339, exclusive, rounded up to the hour; by default the end of this one. */
  readonly to?: string | undefined;
  /** `hour` by default. */
  readonly by?: UsageStep | undefined;
}

/** Asks what a tenant used, hour by hour, day by day or month by month (UTC). */
export const usageOver = (
  transport: Transport,
  tenant: string,
  range: UsageRange = {},
  options: CallOptions = {},
): Promise<WireUsageHistory> =>
  transport.ask(
    {
      method: "GET",
      target: recordTarget("tenants", tenant, "usage"),
      query: { ...range, by: range.by ?? "hour" },
      signal: options.signal,
      repeatable: true,
    },
    wireUsageHistory,
  );
