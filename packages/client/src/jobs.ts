import { type WireJob, wireJob } from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
import { postHeaders, type PostOptions } from "./post.ts";
import { recordTarget } from "./target.ts";
import { pause, type Transport } from "./transport.ts";

export interface WaitOptions extends CallOptions {
  /** The longest pause between two looks, in milliseconds; 2,000 by default. The first pauses are shorter. */
  readonly intervalMs?: number | undefined;
  /** Sees the job each time it was looked at. */
  readonly onProgress?: ((job: WireJob) => void) | undefined;
}

/** Work that outlives its request. */
export interface Jobs {
  readonly get: (id: string, options?: CallOptions) => Promise<WireJob>;
  /** Gives up a tenant's move, whose job then takes back what it did and ends as `dead`. */
  readonly abort: (id: string, options?: PostOptions) => Promise<WireJob>;
  /** Resolves with the job once it is `done` or `dead`; a `dead` one says why in `error`. */
  readonly wait: (id: string, options?: WaitOptions) => Promise<WireJob>;
}

export const createJobs = (transport: Transport): Jobs => {
  const get: Jobs["get"] = async (id, options = {}) =>
    transport.ask(
      { method: "GET", target: recordTarget("jobs", id), signal: options.signal, repeatable: true },
      wireJob,
    );
  return {
    get,
    abort: async (id, options = {}) =>
      transport.ask(
        {
          method: "POST",
          target: recordTarget("jobs", id, "abort"),
          headers: postHeaders(options),
          json: {},
          signal: options.signal,
          repeatable: true,
        },
        wireJob,
      ),
    wait: async (id, options = {}) => {
      const longest = options.intervalMs ?? 2000;
      for (let ms = Math.min(100, longest); ; ms = Math.min(ms * 2, longest)) {
        const job = await get(id, options);
        options.onProgress?.(job);
        if (job.state === "done" || job.state === "dead") return job;
        await pause(ms, options.signal);
      }
    },
  };
};
