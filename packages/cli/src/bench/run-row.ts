import { BulkheadError } from "@bulkhead/client";

/** What a kind of request took. Times in milliseconds. */
export interface BenchRow {
  readonly name: string;
  readonly requests: number;
  readonly perSecond: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly max: number | null;
  /** MiB of content a second; null where none travels. */
  readonly mibPerSecond: number | null;
  /** Requests that were refused, by code: `rate-limited`, say. */
  readonly errors: Readonly<Record<string, number>>;
}

export interface RowOptions {
  readonly name: string;
  /** How many requests are on their way at once. */
  readonly callers: number;
  readonly ms: number;
  readonly most: number;
  /** Bytes of content that a request moves. */
  readonly bytes: number;
  readonly signal: AbortSignal | undefined;
}

/** What so large a share of the sorted values does not exceed. */
const quantile = (sorted: readonly number[], share: number): number | null => {
  const value = sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  return value === undefined ? null : Math.round(value * 100) / 100;
};

/** Lets `callers` do one thing again and again until the time or the count is up. A refusal is counted and not timed. */
export const runRow = async (
  { name, callers, ms, most, bytes, signal }: RowOptions,
  act: (turn: number) => Promise<unknown>,
): Promise<BenchRow> => {
  const times: number[] = [];
  const errors: Record<string, number> = {};
  let next = 0;
  const begun = performance.now();
  const loop = async (): Promise<void> => {
    while (next < most && (next < callers || performance.now() - begun < ms)) {
      signal?.throwIfAborted();
      const turn = next++;
      const from = performance.now();
      try {
        await act(turn);
        times.push(performance.now() - from);
      } catch (error) {
        if (!(error instanceof BulkheadError)) throw error;
        errors[error.code] = (errors[error.code] ?? 0) + 1;
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, loop));
  const seconds = (performance.now() - begun) / 1000;
  const sorted = times.toSorted((a, b) => a - b);
  const rate = times.length / seconds;
  return {
    name,
    requests: times.length,
    perSecond: Math.round(rate * 10) / 10,
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    max: quantile(sorted, 1),
    mibPerSecond: bytes === 0 ? null : Math.round(((rate * bytes) / 1024 ** 2) * 10) / 10,
    errors,
  };
};
