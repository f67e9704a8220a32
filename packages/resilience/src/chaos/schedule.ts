import type { Operation } from "@bulkhead/contract";
import { type Fault, faultsOf } from "./fault.ts";
import { seeded } from "./random.ts";

/** One call on a faulty storage; `n` counts all of them from 1, `nth` those of its operation. */
export interface ChaosCall {
  readonly n: number;
  readonly nth: number;
  readonly operation: Operation;
}

/** Says what happens to a call. */
export type Schedule = (call: ChaosCall) => Fault | undefined;

/** Fails exactly the nth call, whatever it is. */
export const nthCall =
  (n: number, fault: Fault): Schedule =>
  (call) =>
    call.n === n ? fault : undefined;

/** Names what happens to the first, second, … call of an operation; later ones are spared. */
export const perOperation =
  (plan: Readonly<Partial<Record<Operation, readonly (Fault | undefined)[]>>>): Schedule =>
  ({ operation, nth }) =>
    plan[operation]?.[nth - 1];

/** Hits a share of the calls, 0 to 1, with one of the faults that the operation can meet and that are in `among`. */
export const atRandom = (seed: number, share: number, among?: readonly Fault[]): Schedule => {
  const random = seeded(seed);
  return ({ operation }) => {
    // Drawn whether needed or not: each call uses as many, so that one seed is one run.
    const [hit, which] = [random(), random()];
    const faults = faultsOf[operation].filter((fault) => among?.includes(fault) ?? true);
    return hit < share ? faults[Math.floor(which * faults.length)] : undefined;
  };
};
