import { type Throttle } from "@bulkhead/contract";
import { checkSignal, type FairSlots, fairSlots } from "@bulkhead/kit";
import type { Buckets } from "../ports-rates.ts";

export interface ThrottlesOptions {
  readonly reserve: Buckets["throttle"];
  /** In milliseconds. */
  readonly clock?: () => number;
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** A tenant's bytes in this process. */
interface Flow {
  /** One stream at a time takes bytes, in turn between streams. */
  readonly turns: FairSlots;
  /** Bytes that are spoken for and did not pass yet. */
  ready: number;
  /** When they may, by this process's clock. */
  from: number;
}

const mostFlows = 10_000;
/** Bytes are spoken for a quarter of a second at a time: four round trips a second, however many streams there are. */
const reservedSeconds = 1 / 4;
const mostPiece = 256 * 1024;

const waiting = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });

/** Makes what slows a tenant's streams down to so many bytes a second, on all processes together, both ways together. */
export const throttles = (
  options: ThrottlesOptions,
): ((tenant: string, perSecond: number, signal: AbortSignal) => Throttle) => {
  const { reserve, clock = () => performance.now(), pause = waiting } = options;
  const flows = new Map<string, Flow>();
  let streams = 0;

  const flowOf = (tenant: string): Flow => {
    const flow = flows.get(tenant) ?? {
      turns: fairSlots({ total: 1, busy: () => new Error("Turns are not limited.") }),
      ready: 0,
      from: 0,
    };
    flows.delete(tenant);
    flows.set(tenant, flow);
    if (flows.size > mostFlows)
      for (const [name, { turns }] of flows) {
        if (turns.taken() === 0) flows.delete(name);
        break;
      }
    return flow;
  };

  return (tenant, perSecond, signal) => {
    const name = String((streams += 1));
    const portion = Math.max(1, Math.floor(perSecond * reservedSeconds));
    return {
      most: Math.min(portion, mostPiece),
      pass: async (bytes) => {
        const flow = flowOf(tenant);
        const give = await flow.turns.take(name, signal);
        try {
          if (flow.ready < bytes) {
            const asked = Math.max(bytes - flow.ready, portion);
            flow.from = clock() + (await reserve(tenant, asked, perSecond));
            flow.ready += asked;
          }
          const early = flow.from - clock();
          if (early > 0) await pause(early, signal);
          checkSignal(signal);
          flow.ready -= bytes;
        } finally {
          give();
        }
      },
    };
  };
};
