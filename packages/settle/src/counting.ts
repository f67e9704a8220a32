import { FileError, parseBackendPath } from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import { type Charged, countBelow } from "./look.ts";

export interface CountingOptions extends Charged {
  /** Counts although it was counted before: the storage forgot what it held. */
  readonly forgets: boolean;
}

/** Sees to it that what lay in a storage before anybody charged it is charged. */
export interface Counting {
  /**
   * Resolves once the storage is counted for that tenant. Rejects with `unavailable` and `retryAfter` if that takes
   * longer than ten seconds, while the count goes on.
   */
  readonly counted: (tenant: string | undefined) => Promise<void>;
  /** No count goes on behind it. */
  readonly stop: () => void;
}

const patienceMs = 10_000;

/** Counts a storage once a tenant, in the background, whoever asks. */
export const counting = (options: CountingOptions): Counting => {
  const { accounted, mount, forgets } = options;
  const stopping = new AbortController();
  const counts = new Map<string | undefined, { done: boolean; readonly promise: Promise<void> }>();

  const count = async (tenant: string | undefined): Promise<void> => {
    if ((await accounted.open(mount, tenant)) && !forgets) return;
    const ctx = plainContext({ requestId: "count", signal: stopping.signal });
    await countBelow(options, tenant, ctx, parseBackendPath(""));
    await accounted.counted(mount, tenant);
  };

  const begin = (
    tenant: string | undefined,
  ): { done: boolean; readonly promise: Promise<void> } => {
    // A ground that changed hands is one tenant's at a time: what was counted for the one before has to be asked again.
    counts.clear();
    const one = { done: false, promise: count(tenant) };
    counts.set(tenant, one);
    one.promise.then(
      () => (one.done = true),
      () => counts.delete(tenant),
    );
    return one;
  };

  return {
    stop: () => stopping.abort(),
    counted: async (tenant) => {
      const one = counts.get(tenant) ?? begin(tenant);
      if (one.done) return;
      const { promise: late, reject } = Promise.withResolvers<never>();
      const timer = setTimeout(
        () =>
          reject(
            new FileError(
              "unavailable",
              "The files that lay here before are still being counted; try again.",
              { fields: { retryAfter: 5 } },
            ),
          ),
        patienceMs,
      );
      try {
        await Promise.race([one.promise, late]);
      } finally {
        clearTimeout(timer);
      }
    },
  };
};
