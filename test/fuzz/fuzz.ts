import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as fc from "fast-check";
import { z } from "zod";
import { mutated, type Mutated } from "./mutated.ts";

/** How many cases a parser gets: 400, or what `BULKHEAD_FUZZ_CASES` says. */
export const cases: number = z.coerce
  .number()
  .int()
  .min(1)
  .default(400)
  .parse(process.env["BULKHEAD_FUZZ_CASES"]);

/** What to draw from; each run draws anew unless `BULKHEAD_SEED` says. */
export const seeded: { readonly seed?: number } =
  process.env["BULKHEAD_SEED"] === undefined ? {} : { seed: Number(process.env["BULKHEAD_SEED"]) };

/** So much of the processor's time may one case take, in milliseconds: ten times what it may on a machine that is idle. */
const slowest = 1000;

/** So much more may be held after all cases than before, in bytes: what grew a little with each would be far beyond. */
const growth = 16 * 1024 * 1024;

/** Something that reads what a stranger sent. */
export interface Parser {
  readonly name: string;
  /** Texts that it takes, or almost. */
  readonly seeds: readonly string[];
  /** Reads one; may look at what it got, and throw if that is wrong. */
  readonly read: (text: string, seed: number) => unknown;
  /** How many times as long as others it takes: it gets so many times fewer of a few hundred cases. */
  readonly cost?: number;
  /** True for an error that it is documented to throw. */
  readonly refuses: (error: unknown) => boolean;
}

const collect = (): (() => void) => {
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("gc");
  if (typeof gc !== "function") throw new Error("There is no garbage collector to call.");
  return () => void gc();
};

const heldAfter = (gc: () => void): number => {
  gc();
  gc();
  return process.memoryUsage().heapUsed;
};

/** The time of this thread: what others do meanwhile does not count. */
const spent = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

const took = (begun: number, { text }: Mutated): void => {
  const ms = spent() - begun;
  if (ms > slowest)
    throw new Error(`${ms.toFixed(0)} ms for ${JSON.stringify(text.slice(0, 300))}`);
};

/**
 * Reads texts near the seeds. Rejects where one throws what is not documented, takes too long, or leaves something behind;
 * with the smallest such text that was found.
 */
export const fuzz = async ({ seeds, read, refuses, cost = 1 }: Parser): Promise<void> => {
  const one = async (input: Mutated): Promise<void> => {
    const begun = spent();
    try {
      // Most parsers answer at once: a turn for each case would be most of the time.
      const answer = read(input.text, input.seed);
      if (answer instanceof Promise) await answer;
    } catch (error) {
      if (!refuses(error)) throw error;
    }
    took(begun, input);
  };
  const run = (count: number): Promise<void> =>
    Promise.resolve(
      fc.assert(fc.asyncProperty(mutated(seeds), one), { numRuns: count, ...seeded }),
    );
  if (cases < 10_000) return run(Math.ceil(cases / cost));
  const gc = collect();
  // What is loaded and compiled with the first cases stays.
  await run(5000);
  const before = heldAfter(gc);
  await run(cases);
  const grown = heldAfter(gc) - before;
  if (grown > growth) throw new Error(`${grown} bytes more are held after ${cases} cases.`);
};
