/** A stream of random numbers that a seed repeats. */
export interface Random {
  /** An integer from 0 to `n - 1`. */
  readonly below: (n: number) => number;
  readonly pick: <const T>(from: readonly [T, ...T[]]) => T;
}

/** mulberry32: 32 bits of state, good enough to wander through a small tree. */
export const random = (seed: number): Random => {
  let state = seed >>> 0;
  const below = (n: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * n);
  };
  return { below, pick: (from) => from[below(from.length)] ?? from[0] };
};
