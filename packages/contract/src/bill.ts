import type { Context, TenantStatus } from "./context.ts";
import type { Limits, Plan } from "./plans.ts";
import type { UsageSpan } from "./usage.ts";

/** Under which plan a tenant was, and how it was billed, from a moment until the next period begins. */
export interface BillPeriod {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly plan: string | null;
  readonly cycle: "monthly" | "annual";
  readonly status: TenantStatus;
  /** Limits of its own, which count more than its plan's. */
  readonly overrides: Limits;
}

/** All that the bill of a month is made from. */
export interface BillBasis {
  /** When it was read, by the ledger's clock. */
  readonly now: number;
  readonly usage: UsageSpan;
  /** In order, from the tenant's beginning to the end of the month. */
  readonly periods: readonly BillPeriod[];
  /** The plans of these periods, as they were when the month ended. */
  readonly plans: Readonly<Record<string, Plan>>;
}

/** The bill of one tenant for one month of UTC. Money is in minor units of the currency. */
export interface Bill {
  readonly tenant: string;
  /** `2026-11` */
  readonly month: string;
  readonly reads: number;
  readonly writes: number;
  readonly searches: number;
  /** What was stored on average over the whole month, in GB (1024³ bytes), to six decimals; for people: money is computed from the exact value. */
  readonly storageGb: number;
  /** The most users there were at a time. */
  readonly users: number;
  readonly baseMinor: number;
  readonly overage: { readonly users: number; readonly storage: number };
  readonly totalMinor: number;
  readonly currency: string;
  /** True once the month is over. */
  readonly final: boolean;
}

export interface BillControl {
  /** `month` as `2026-11`. To a tenant's admin of its own tenant, to the platform of all. */
  readonly get: (ctx: Context, tenant: string, month: string) => Promise<Bill>;
}

/** Where a month begins and ends, in milliseconds since the epoch; undefined for a text that names none. */
export const monthSpan = (
  month: string,
): { readonly from: number; readonly to: number } | undefined => {
  const [, year, number] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(month) ?? [];
  if (year === undefined || number === undefined) return undefined;
  return { from: Date.UTC(+year, +number - 1), to: Date.UTC(+year, +number) };
};

const gb = 1024n ** 3n;

/** Divides to the nearest whole, half up; for what is not negative. */
const halfUp = (dividend: bigint, divisor: bigint): bigint =>
  (2n * dividend + divisor) / (2n * divisor);

/** What a plan costs a year, where it is billed once a year. */
const annualOf = ({ annualMinor, baseMinor }: Plan): number => annualMinor ?? 12 * baseMinor;

/** A period with its plan, for as long as it was in force. */
interface Charged extends BillPeriod {
  readonly until: number;
  readonly of: Plan;
}

/** The periods that cost something: not while a tenant tries a plan, is made, or has ended. */
const chargedPeriods = ({ periods, plans }: BillBasis, end: number): readonly Charged[] =>
  periods.flatMap((period, i) => {
    const of = period.plan === null ? undefined : plans[period.plan];
    const until = Math.min(periods[i + 1]?.at ?? end, end);
    const costs = period.status === "active" || period.status === "suspended";
    return of !== undefined && costs && until > period.at ? [{ ...period, until, of }] : [];
  });

/** The dearest of some periods by what its plan costs a month, the latest of equals. */
const dearest = (periods: readonly Charged[]): Charged | undefined =>
  periods.reduce<Charged | undefined>(
    (best, period) =>
      best === undefined || period.of.baseMinor >= best.of.baseMinor ? period : best,
    undefined,
  );

const monthsSince = (from: number, to: number): number => {
  const [a, b] = [new Date(from), new Date(to)];
  return (b.getUTCFullYear() - a.getUTCFullYear()) * 12 + b.getUTCMonth() - a.getUTCMonth();
};

const addMonths = (at: number, months: number): number => {
  const date = new Date(at);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months);
};

/** What a month of a yearly plan costs: the year in its first month, in the others what a dearer plan adds to the rest of it. */
const annualBase = (all: readonly Charged[], chosen: Charged, from: number): bigint => {
  let begun = chosen;
  // The run of periods without a gap that are billed by the year.
  for (const period of all.toReversed())
    if (period.cycle === "annual" && period.at <= begun.at && period.until >= begun.at)
      begun = period;
  const passed = monthsSince(begun.at, from) % 12;
  const price = BigInt(annualOf(chosen.of));
  if (passed <= 0) return price;
  const year = addMonths(from, -passed);
  const earlier = all.filter(
    ({ cycle, at, until }) => cycle === "annual" && at < from && until > year && until > begun.at,
  );
  const paid = earlier.reduce((most, { of }) => Math.max(most, annualOf(of)), 0);
  const more = price - BigInt(paid);
  return more > 0n ? halfUp(more * BigInt(12 - passed), 12n) : 0n;
};

const included = ({ of, overrides }: Charged, resource: "users" | "bytes"): bigint | undefined => {
  const limit = resource in overrides ? overrides[resource] : of.limits[resource];
  return typeof limit === "number" ? BigInt(limit) : undefined;
};

/** What is beyond the plan, each line rounded once; nothing where the plan refuses it instead. */
const overageOf = (
  chosen: Charged | undefined,
  { users, byteMs }: UsageSpan,
  monthMs: bigint,
): { readonly users: bigint; readonly storage: bigint } => {
  if (chosen === undefined || chosen.of.overage !== "bill") return { users: 0n, storage: 0n };
  const { userMinor = 0, gbMinor = 0 } = chosen.of.overagePrices;
  const [people, bytes] = [included(chosen, "users"), included(chosen, "bytes")];
  const above = (used: bigint, limit: bigint | undefined): bigint =>
    limit === undefined || used <= limit ? 0n : used - limit;
  const byteMsAbove = above(byteMs, bytes === undefined ? undefined : bytes * monthMs);
  return {
    users: above(BigInt(users), people) * BigInt(userMinor),
    storage: halfUp(byteMsAbove * BigInt(gbMinor), gb * monthMs),
  };
};

/**
 * Makes the bill of a month. The dearest plan that a tenant had in it is billed for the whole month, with what that plan
 * includes; storage is the average over all of the month's hours, users are the peak. Throws `RangeError` for no month.
 */
export const billOf = (tenant: string, month: string, currency: string, basis: BillBasis): Bill => {
  const span = monthSpan(month);
  if (span === undefined) throw new RangeError(`'${month}' is no month.`);
  const { from, to } = span;
  const monthMs = BigInt(to - from);
  const { usage, now } = basis;
  const all = chargedPeriods(basis, to);
  const chosen = dearest(all.filter(({ until }) => until > from));
  const base =
    chosen === undefined
      ? 0n
      : chosen.cycle === "annual"
        ? annualBase(all, chosen, from)
        : BigInt(chosen.of.baseMinor);
  const overage = overageOf(chosen, usage, monthMs);
  return {
    tenant,
    month,
    reads: usage.reads,
    writes: usage.writes,
    searches: usage.searches,
    storageGb: Number(halfUp(usage.byteMs * 1_000_000n, gb * monthMs)) / 1_000_000,
    users: usage.users,
    baseMinor: Number(base),
    overage: { users: Number(overage.users), storage: Number(overage.storage) },
    totalMinor: Number(base + overage.users + overage.storage),
    currency,
    final: now >= to,
  };
};
