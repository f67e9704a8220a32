import { FileError, type Place } from "@bulkhead/contract";
import { fairSlots } from "@bulkhead/kit";
import { pressure, type PressureOptions } from "./pressure.ts";

export interface AdmissionOptions {
  /** Requests of one tenant that are worked on at once; 32 by default. */
  readonly tenant?: number | undefined;
  /** Requests of all tenants; 512 by default. One of each tenant is worked on whatever the others do. */
  readonly process?: number | undefined;
  /** Bodies of one tenant that are on their way at once; 1,024 by default. */
  readonly streams?: number | undefined;
  /** Requests of one tenant that wait; 1,024 by default. */
  readonly queue?: number | undefined;
  /** How long one waits at most, in milliseconds; 10,000 by default. */
  readonly waitMs?: number | undefined;
  readonly pressure?: PressureOptions | undefined;
}

/** Where a request waits for its place. */
export interface Admittance {
  /** Rejects with `unavailable` where too many wait, or too long; with `aborted` once the caller is gone. */
  readonly enter: (owner: string, signal: AbortSignal) => Promise<Pick<Place, "stream" | "end">>;
  /** How many of an owner are worked on, on their way, and waiting. */
  readonly count: (owner: string) => {
    readonly requests: number;
    readonly streams: number;
    readonly waiting: number;
  };
}

/** After so many milliseconds a request is one that waits for something. */
const longMs = 2000;

const busy = (what: string) => (): FileError =>
  new FileError("unavailable", `Too many ${what} of this tenant are under way; try again.`, {
    fields: { retryAfter: 1 },
  });

/**
 * Keeps neighbours quiet: so many requests of a tenant at once, fewer while others ask and the process cannot keep up, the
 * rest waiting, in turn between tenants. Who is down to one and has many waiting rests between them. A body that is on its way at its client's pace counts apart, so that slow readers keep nobody from being served.
 */
export const admission = (options: AdmissionOptions = {}): Admittance => {
  const { tenant = 32, process = 512, queue = 1024, waitMs = 10_000 } = options;
  const common = { queue, waitMs };
  const shared = pressure({ most: tenant, ...options.pressure });
  /** How many of an owner's requests are worked on for long: they wait for something, and hold up no other. */
  const long = new Map<string, number>();
  const lasting = (owner: string, by: 1 | -1): void => {
    const count = (long.get(owner) ?? 0) + by;
    if (count === 0) long.delete(owner);
    else long.set(owner, count);
  };
  /** Counts a request once it has been worked on for `longMs`, until what is answered is called. */
  const watched = (owner: string): (() => void) => {
    let counted = false;
    const timer = setTimeout(() => {
      counted = true;
      lasting(owner, 1);
      requests.serve();
    }, longMs).unref();
    return () => {
      clearTimeout(timer);
      if (counted) lasting(owner, -1);
      counted = false;
    };
  };
  const requests = fairSlots({
    ...common,
    total: process,
    each: (owner) => Math.min(tenant, shared.share() + (long.get(owner) ?? 0)),
    first: "beyond",
    busy: busy("requests"),
  });
  const streams = fairSlots({
    ...common,
    total: Infinity,
    each: options.streams ?? 1024,
    busy: busy("bodies"),
  });

  return {
    enter: async (owner, signal) => {
      const left = shared.arrived(owner);
      let give: () => void;
      try {
        give = await requests.take(owner, signal);
      } catch (error) {
        left();
        throw error;
      }
      const unwatch = watched(owner);
      const begun = performance.now();
      let ended = false;
      let streaming: Promise<void> | undefined;
      const stream = async (): Promise<void> => {
        const flowing = await streams.take(owner, signal);
        left();
        unwatch();
        give();
        give = flowing;
        if (ended) give();
      };
      return {
        stream: () => (streaming ??= stream()),
        end: () => {
          ended = true;
          left();
          unwatch();
          const rest =
            streaming === undefined
              ? shared.rest(performance.now() - begun, requests.waiting(owner))
              : 0;
          if (rest > 0) setTimeout(give, rest).unref();
          else give();
        },
      };
    },
    count: (owner) => ({
      requests: requests.taken(owner),
      streams: streams.taken(owner),
      waiting: requests.waiting(owner) + streams.waiting(owner),
    }),
  };
};
