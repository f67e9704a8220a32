import type { RateState } from "@bulkhead/contract";
import { type Item, serializeList } from "structured-headers";
import type { Headers } from "./answer.ts";

const list = (
  rates: readonly RateState[],
  parameters: (state: RateState) => readonly (readonly [string, number])[],
): string =>
  serializeList(
    rates.map((state): Item => [state.name, new Map(parameters(state).map(([k, v]) => [k, v]))]),
  );

/** Says what a request was counted against (draft-ietf-httpapi-ratelimit-headers-10); nothing where there is no limit. */
export const rateHeaders = (rates: readonly RateState[] = []): Headers =>
  rates.length === 0
    ? {}
    : {
        "RateLimit-Policy": list(rates, ({ limit, windowSeconds }) => [
          ["q", limit],
          ["w", windowSeconds],
        ]),
        RateLimit: list(rates, ({ remaining, resetSeconds }) => [
          ["r", remaining],
          ["t", resetSeconds],
        ]),
      };
