import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Bill, type BillBasis, billOf, type BillPeriod, monthSpan } from "./bill.ts";
import type { Plan } from "./plans.ts";
import type { UsageSpan } from "./usage.ts";

const gb = 1024 ** 3;
const runs = Number(process.env["BULKHEAD_BILL_RUNS"] ?? 200);

// The prices of the tutorials: 0, 99 and 499 a month, 10 a user more, 0.50 a GB more.
const plan = (baseMinor: number, users: number | null, bytes: number | null): Plan => ({
  limits: { users, bytes },
  features: [],
  baseMinor,
  overage: "bill",
  overagePrices: { userMinor: 1000, gbMinor: 50 },
});
const plans = {
  free: plan(0, 5, 10 * gb),
  pro: plan(9900, 50, 500 * gb),
  enterprise: plan(49_900, null, null),
};

const month = "2026-11";
const { from, to } = monthSpan(month) ?? { from: 0, to: 0 };
const monthMs = BigInt(to - from);

const usage = (more: Partial<UsageSpan> = {}): UsageSpan => ({
  from,
  reads: 0,
  lookups: 0,
  searches: 0,
  writes: 0,
  bytesIn: 0,
  bytesOut: 0,
  byteMs: 0n,
  users: 0,
  ...more,
});
const period = (more: Partial<BillPeriod> = {}): BillPeriod => ({
  at: Date.UTC(2026, 0),
  plan: "pro",
  cycle: "monthly",
  status: "active",
  overrides: {},
  ...more,
});
const bill = (
  used: Partial<UsageSpan>,
  periods: readonly BillPeriod[] = [period()],
  more: Partial<BillBasis> = {},
  of: string = month,
): Bill => billOf("acme", of, "USD", { now: to, usage: usage(used), periods, plans, ...more });

describe("a month's bill", () => {
  it.each([
    ["free", 0, 0, 0],
    ["free", 5, 10, 0],
    ["free", 7, 10, 2000],
    ["pro", 50, 500, 9900],
    ["pro", 53, 620, 9900 + 3000 + 6000],
    ["enterprise", 1000, 9000, 49_900],
  ])("of %s with %i users and %i GB is %i", (name, users, stored, totalMinor) => {
    const byteMs = BigInt(stored * gb) * monthMs;
    expect(bill({ users, byteMs }, [period({ plan: name })])).toMatchObject({
      totalMinor,
      storageGb: stored,
      users,
      currency: "USD",
    });
  });

  it("rounds each line once, half up", () => {
    const above = (share: bigint): bigint => 500n * BigInt(gb) * monthMs + share;
    // A hundredth of a GB for the month is half a cent.
    const cent = (BigInt(gb) * monthMs) / 50n;
    expect(bill({ byteMs: above((cent + 1n) / 2n) }).overage.storage).toBe(1);
    expect(bill({ byteMs: above(cent / 2n - 1n) }).overage.storage).toBe(0);
  });

  it("refuses to bill what the plan refuses to give, and counts its own limits more", () => {
    const used = { users: 60, byteMs: 600n * BigInt(gb) * monthMs };
    const refused = { ...plans.pro, overage: "refuse" } as const;
    expect(bill(used, [period()], { plans: { pro: refused } }).totalMinor).toBe(9900);
    const own = [period({ overrides: { users: 58, bytes: null } })];
    expect(bill(used, own).overage).toEqual({ users: 2000, storage: 0 });
  });

  it("is one plan's: the dearest of the month, of whatever day; nothing while it is tried, made or gone", () => {
    const at = (day: number): number => Date.UTC(2026, 10, day);
    const base = (...periods: BillPeriod[]): number => bill({}, periods).baseMinor;
    expect(base(period({ plan: "free" }), period({ at: at(30), plan: "pro" }))).toBe(9900);
    expect(base(period({ plan: "pro" }), period({ at: at(2), plan: "free" }))).toBe(9900);
    expect(base(period({ plan: "pro" }), period({ at: from, plan: "free" }))).toBe(0);
    expect(base(period({ plan: "free" }), period({ at: to, plan: "pro" }))).toBe(0);
    expect(base(period({ status: "trial" }))).toBe(0);
    expect(base(period({ status: "trial" }), period({ at: at(20) }))).toBe(9900);
    expect(base(period({ status: "suspended" }))).toBe(9900);
    expect(base(period({ status: "cancelled" }))).toBe(0);
    expect(base(period({ plan: null }))).toBe(0);
    expect(base()).toBe(0);
  });

  it("charges a year in its first month, and for a dearer plan what is left of the year", () => {
    const pro = period({ at: Date.UTC(2026, 2, 15), cycle: "annual" });
    const enterprise = period({ ...pro, at: Date.UTC(2026, 5, 3), plan: "enterprise" });
    const yearly = { plans: { ...plans, pro: { ...plans.pro, annualMinor: 100_000 } } };
    const base = (of: string, ...periods: BillPeriod[]): number =>
      bill({}, periods, yearly, of).baseMinor;
    expect(base("2026-03", pro)).toBe(100_000);
    expect(base("2026-04", pro)).toBe(0);
    expect(base("2027-02", pro)).toBe(0);
    expect(base("2027-03", pro)).toBe(100_000);
    // Without a price of its own a year is twelve months; nine of them are left in June.
    expect(base("2026-06", pro, enterprise)).toBe(((12 * 49_900 - 100_000) * 9) / 12);
    expect(base("2026-07", pro, enterprise)).toBe(0);
    expect(base("2027-03", pro, enterprise)).toBe(12 * 49_900);
    // A cheaper one begins with the next year.
    const down = period({ ...pro, at: Date.UTC(2026, 5, 3), plan: "free" });
    expect(base("2026-07", pro, down)).toBe(0);
    expect(base("2027-03", pro, down)).toBe(0);
    const users = bill({ users: 52 }, [pro], yearly, "2026-07");
    expect(users).toMatchObject({ baseMinor: 0, overage: { users: 2000 }, totalMinor: 2000 });
  });

  it("is final once the month of UTC is over", () => {
    expect(bill({}, [], { now: to - 1 }).final).toBe(false);
    expect(bill({}, [], { now: to }).final).toBe(true);
    expect(monthSpan("2024-02")).toEqual({ from: Date.UTC(2024, 1), to: Date.UTC(2024, 2) });
    for (const none of ["2026-13", "2026-00", "2026-1", "26-11", "2026-11-01", ""])
      expect(monthSpan(none)).toBeUndefined();
  });

  it("agrees to the cent with what is added up GB-millisecond by GB-millisecond", () => {
    const bytes = fc.bigInt({ min: 0n, max: 1n << 44n });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(bytes, fc.bigInt({ min: 0n, max: 2_592_000_000n })), { maxLength: 8 }),
        fc.nat(200),
        fc.constantFrom("free", "pro", "enterprise"),
        (stored, users, name) => {
          const byteMs = stored.reduce((sum, [size, ms]) => sum + size * ms, 0n);
          const made = bill({ byteMs, users }, [period({ plan: name })]);
          const { users: most = null, bytes: included = null } = plans[name].limits;
          // In tenths of a cent of cents: by long division, not by the formula.
          let left =
            included === null
              ? 0n
              : byteMs - BigInt(included) * monthMs > 0n
                ? byteMs - BigInt(included) * monthMs
                : 0n;
          let cents = 0n;
          const perCent = (BigInt(gb) * monthMs) / 50n;
          cents += left / perCent;
          left %= perCent;
          if (left * 2n >= perCent) cents += 1n;
          const people = most === null || users <= most ? 0 : (users - most) * 1000;
          expect(made.overage).toEqual({ users: people, storage: Number(cents) });
          expect(made.totalMinor).toBe(made.baseMinor + people + Number(cents));
        },
      ),
      { numRuns: runs },
    );
  });
});
