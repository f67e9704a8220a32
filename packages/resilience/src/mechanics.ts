import type { Backend, Layer } from "@bulkhead/contract";
import { breaker, type BreakerOptions } from "./breaker.ts";
import { cache, type CacheOptions } from "./cache.ts";
import { concurrency, type ConcurrencyOptions } from "./concurrency.ts";
import { readOnly } from "./read-only.ts";
import { retry, type RetryOptions } from "./retry.ts";
import { timeout, type TimeoutOptions } from "./timeout.ts";

/** The places around one storage. */
export type MechanicsPlace =
  | "residency"
  | "readOnly"
  | "settle"
  | "cache"
  | "breaker"
  | "retry"
  | "timeout"
  | "concurrency";

/** The order in which a call meets the places, and why each is where it is. */
export const mechanicsOrder: readonly (readonly [MechanicsPlace, string])[] = [
  ["residency", "first: a storage in the wrong place is asked for nothing at all"],
  ["readOnly", "outside settle: what is refused for good leaves no intent and no audit entry"],
  [
    "settle",
    "outside retry: one intent, one commit and one audit entry a call, however often it is tried",
  ],
  [
    "cache",
    "inside settle, which reads nothing; outside breaker: each reading still asks the storage for its ETag",
  ],
  [
    "breaker",
    "outside retry: a call counts once, after all its tries, and an open breaker costs none",
  ],
  [
    "retry",
    "outside timeout: every try has its own time, and a late one is cut off before the next begins",
  ],
  ["timeout", "outside concurrency: who waits for its turn waits all the same"],
  ["concurrency", "next to the storage: bounds what is really under way, each try by itself"],
];

/** What stands at each place: options, `false` for nothing, or a layer where it is made elsewhere. */
export interface MechanicsOptions {
  /** Refuses calls until the storage's region is verified. */
  readonly residency?: Layer<Backend> | undefined;
  readonly readOnly?: boolean;
  /** Only for storage outside the ledger. */
  readonly settle?: Layer<Backend> | undefined;
  /** Off unless given: it pays only where reading costs more than asking. */
  readonly cache?: CacheOptions | false;
  readonly breaker?: BreakerOptions | false;
  readonly retry?: RetryOptions | false;
  readonly timeout?: TimeoutOptions | false;
  readonly concurrency?: ConcurrencyOptions | false;
}

export interface Mechanic {
  readonly place: MechanicsPlace;
  readonly reason: string;
  readonly layer: Layer<Backend>;
}

const layerAt: Readonly<
  Record<MechanicsPlace, (options: MechanicsOptions) => Layer<Backend> | undefined>
> = {
  residency: (options) => options.residency,
  readOnly: (options) => (options.readOnly === true ? readOnly : undefined),
  settle: (options) => options.settle,
  cache: ({ cache: some = false }) => (some === false ? undefined : cache(some)),
  breaker: ({ breaker: some }) => (some === false ? undefined : breaker(some)),
  retry: ({ retry: some }) => (some === false ? undefined : retry(some)),
  timeout: ({ timeout: some }) => (some === false ? undefined : timeout(some)),
  concurrency: ({ concurrency: some }) => (some === false ? undefined : concurrency(some)),
};

/**
 * Lays out what stands around one storage, the outermost first: `stack(storage, ...mechanics(options).map((m) =>
 * m.layer))`. Places with nothing in them are left out.
 */
export const mechanics = (options: MechanicsOptions = {}): readonly Mechanic[] =>
  mechanicsOrder.flatMap(([place, reason]) => {
    const layer = layerAt[place](options);
    return layer === undefined ? [] : [{ place, reason, layer }];
  });
