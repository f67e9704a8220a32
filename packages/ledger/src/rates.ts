import { type Database, toJson } from "./database.ts";
import { ledgerUnavailable } from "./errors.ts";
import { functionCall } from "./function-call.ts";
import { createSharedRead } from "./shared-read.ts";
import type { RateAsk, Rates, RateSlice } from "./types-rates.ts";

const lease = functionCall("rate_lease_v1", 1);
const look = functionCall("rate_look_v1", 4);
const throttle = functionCall("throttle_v1", 3);

/** How long a slice is waited for at most, in milliseconds. */
const deadlineMs = 1900;

/** Leases slices of rates to this process: those that are asked for together in one round trip. */
export const createRates = (database: Database): Rates => {
  const leased = createSharedRead<RateAsk, ReadonlyMap<RateAsk, RateSlice>>(async (asks) => {
    const answers = await database.call<Readonly<Record<string, RateSlice>>>(lease, [toJson(asks)]);
    return new Map(
      asks.flatMap((ask, i) => {
        const answer = answers[String(i + 1)];
        return answer === undefined ? [] : [[ask, answer] as const];
      }),
    );
  }, deadlineMs);
  return {
    lease: async (ask) => {
      // Each by itself, though it were asked with the same object.
      const own = { ...ask };
      const slice = (await leased(own)).get(own);
      if (slice === undefined) throw ledgerUnavailable();
      return slice;
    },
    look: ({ tenant, bucket, limit, period }) =>
      database.call<RateSlice>(look, [tenant, bucket, limit, period]),
    throttle: (tenant, bytes, perSecond) =>
      database.call<number>(throttle, [tenant, bytes, perSecond]),
    purge: async () => {
      await database.rows("select bulkhead.rate_purge_v1()");
    },
  };
};
