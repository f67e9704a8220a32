import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/** The young generation of this process in bytes: both of its halves. */
const size = (): number =>
  getHeapSpaceStatistics().find((space) => space.space_name === "new_space")?.space_size ?? 0;

/**
 * Stops V8's young generation from growing beyond about so many bytes, 16 MiB by default. Left to itself it takes up to
 * 128 MiB while requests come, most of them garbage, for little speed. A process cannot say so of itself but by not
 * letting it grow any more; it is looked at after each collection.
 */
export const boundYoungGeneration = (bytes: number = 16 * 1024 * 1024): void => {
  let bound: boolean | undefined;
  const look = (): void => {
    const now = size() >= bytes;
    if (now === bound) return;
    bound = now;
    setFlagsFromString(`--semi-space-growth-factor=${now ? 1 : 2}`);
  };
  look();
  new PerformanceObserver(look).observe({ entryTypes: ["gc"] });
};
