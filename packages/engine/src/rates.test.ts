import { randomUUID } from "node:crypto";
import { isFileError } from "@bulkhead/contract";
import { query, testDatabase, type TestDatabase } from "@bulkhead/harness";
import { type Ledger, migrate, openLedger } from "@bulkhead/ledger";
import { type Buckets, type Drawing, drawing } from "@bulkhead/policy";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let database: TestDatabase;
let ledgers: readonly Ledger[];
let clock = Date.UTC(2026, 10, 30, 23, 59, 0);

/** Sets the ledger's clock to `clock`. */
const setClock = (): Promise<unknown> =>
  query(
    database.url,
    `create or replace function bulkhead.now() returns timestamptz language sql volatile
     as $$ select to_timestamp(${clock / 1000}) $$`,
  );
const advance = async (ms: number): Promise<void> => {
  clock += ms;
  await setClock();
};

beforeAll(async () => {
  database = await testDatabase({ migrate });
  await setClock();
  const open = () => openLedger({ url: database.url, masterKeyFingerprint: "f".repeat(32) });
  ledgers = [await open(), await open()];
});
afterAll(async () => {
  await Promise.all(ledgers.map((ledger) => ledger.close()));
  await database.close();
});

const perMinute = (limit: number, tenant: string = randomUUID()) =>
  ({ name: "tenant", tenant, bucket: "tenant", limit, period: "minute" }) as const;

/** A process, and how often it asked the ledger. */
const process = (i: number, options: { readonly clock?: () => number } = {}) => {
  const asked = { leases: 0 };
  const { rates } = ledgers[i] ?? {};
  if (rates === undefined) throw new Error("No ledger.");
  const buckets: Buckets = {
    ...rates,
    lease: (ask) => {
      asked.leases += 1;
      return rates.lease(ask);
    },
  };
  return { asked, draws: drawing({ buckets, ...options }) };
};

/** True if it was let in; rejects with what is no refusal. */
const drawn = async (draws: Drawing, bucket: ReturnType<typeof perMinute>): Promise<boolean> => {
  try {
    await draws.draw([bucket], clock);
    return true;
  } catch (error) {
    if (isFileError(error, "rate-limited")) return false;
    throw error;
  }
};
const countOf = async (tries: readonly Promise<boolean>[]): Promise<number> =>
  (await Promise.all(tries)).filter(Boolean).length;

describe("rates leased from the ledger", () => {
  it("are exact with one process; what is refused asks nothing, and waiting as long as said succeeds", async () => {
    const { asked, draws } = process(0);
    const bucket = perMinute(1000);
    expect(await countOf(Array.from({ length: 1100 }, () => drawn(draws, bucket)))).toBe(1000);
    const { leases } = asked;
    expect(leases).toBeLessThan(110);
    expect(await countOf(Array.from({ length: 500 }, () => drawn(draws, bucket)))).toBe(0);
    expect(asked.leases).toBe(leases);
    const refusal: unknown = await draws.draw([bucket], clock).catch((error: unknown) => error);
    if (!isFileError(refusal)) throw new Error("It was let in.");
    const { retryAfter = 0, rates } = refusal.fields;
    expect(rates).toEqual([
      { name: "tenant", limit: 1000, windowSeconds: 60, remaining: 0, resetSeconds: retryAfter },
    ]);
    await advance((retryAfter - 1) * 1000);
    expect(await drawn(draws, bucket)).toBe(false);
    await advance(1000);
    expect(await draws.draw([bucket], clock)).toMatchObject([{ remaining: 999 }]);
  });

  it("are never overrun by two, whatever they ask, put back, give back and forget", async () => {
    const act = fc.record({
      who: fc.nat(1),
      kind: fc.constantFrom("many", "many", "refund", "sweep", "crash"),
      n: fc.integer({ min: 1, max: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 60 }),
        fc.array(act, { minLength: 1, maxLength: 12 }),
        async (limit, acts) => {
          const bucket = perMinute(limit);
          let idle = 0;
          const all = [0, 1].map((i) => process(i, { clock: () => idle }).draws);
          let accepted = 0;
          let crashed = false;
          for (const { who, kind, n } of acts) {
            const draws = all[who];
            if (draws === undefined) continue;
            if (kind === "many")
              accepted += await countOf(Array.from({ length: n }, () => drawn(draws, bucket)));
            else if (kind === "refund" && (await drawn(draws, bucket)))
              draws.refund([bucket], clock);
            else if (kind === "sweep") {
              idle += 5000;
              await draws.sweep();
            } else if (kind === "crash") {
              // What it had is lost until the window is over.
              crashed = true;
              all[who] = process(who, { clock: () => idle }).draws;
            }
            expect(accepted).toBeLessThanOrEqual(limit);
          }
          for (const draws of all) await draws.close();
          const rest = process(0).draws;
          accepted += await countOf(Array.from({ length: limit + 1 }, () => drawn(rest, bucket)));
          if (crashed) expect(accepted).toBeLessThanOrEqual(limit);
          else expect(accepted).toBe(limit);
        },
      ),
      { numRuns: Number(globalThis.process.env["BULKHEAD_RATE_RUNS"] ?? 25) },
    );
  });

  it("hold as soon as they change, and take from all of several buckets or from none", async () => {
    const { draws } = process(0);
    const tenant = randomUUID();
    const wide = perMinute(100, tenant);
    for (let i = 0; i < 10; i++) expect(await drawn(draws, wide)).toBe(true);
    const lower = perMinute(10, tenant);
    expect(await drawn(draws, lower)).toBe(false);
    const [left] = await draws.look([perMinute(12, tenant)], clock);
    expect(left).toMatchObject({ remaining: 2 });
    const key = { ...perMinute(1, tenant), name: "key", bucket: "key:k" } as const;
    const both = [perMinute(12, tenant), key];
    await draws.draw(both, clock);
    await expect(draws.draw(both, clock)).rejects.toMatchObject({
      fields: { rates: [{ name: "tenant", remaining: 0 }, { name: "key" }] },
    });
    expect(await draws.look([perMinute(12, tenant)], clock)).toMatchObject([{ remaining: 1 }]);
  });

  it("count a period by the calendar's months", async () => {
    const { draws } = process(1);
    const bucket = { ...perMinute(3), name: "requests", period: "month" } as const;
    clock = Date.UTC(2026, 10, 30, 23, 59, 58);
    await setClock();
    for (const remaining of [2, 1, 0])
      expect(await draws.draw([bucket], clock)).toMatchObject([
        { remaining, resetSeconds: 2, windowSeconds: 30 * 86_400 },
      ]);
    await expect(draws.draw([bucket], clock)).rejects.toMatchObject({
      fields: { resource: "requests", limit: 3, used: 3, retryAfter: 2 },
    });
    await advance(2000);
    expect(await draws.draw([bucket], clock)).toMatchObject([
      { remaining: 2, windowSeconds: 31 * 86_400 },
    ]);
  });

  it("speak for bytes one after the other, whoever asks", async () => {
    const tenant = randomUUID();
    const waits: number[] = [];
    for (const i of [0, 1, 0])
      waits.push((await ledgers[i]?.rates.throttle(tenant, 500_000, 1_000_000)) ?? 0);
    await advance(1600);
    waits.push((await ledgers[1]?.rates.throttle(tenant, 500_000, 1_000_000)) ?? 0);
    expect(waits).toEqual([0, 500, 1000, 0]);
    await ledgers[0]?.rates.purge();
  });
});
