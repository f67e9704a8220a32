import { setImmediate as turn } from "node:timers/promises";
import { isFileError } from "@bulkhead/contract";

interface Rider<I, R> {
  readonly item: I;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** Most items of one run. */
const most = 32;

/**
 * Lets items of one group ride together: at most one run a group is under way, and what arrives meanwhile, or in the same
 * turn of the event loop, rides in the next. Each gets its own result. A run that failed without any effect is repeated
 * item by item, so that one item's fault is no other's; one whose effect is in doubt fails for all.
 */
export const combine = <I, R>(
  run: (group: string, items: readonly I[]) => Promise<readonly R[]>,
): ((group: string, item: I) => Promise<R>) => {
  const waiting = new Map<string, Rider<I, R>[]>();

  const one = async (group: string, rider: Rider<I, R>): Promise<void> => {
    try {
      const [result] = await run(group, [rider.item]);
      if (result === undefined) throw new Error("A run gives each item a result.");
      rider.resolve(result);
    } catch (error) {
      rider.reject(error);
    }
  };

  const together = async (group: string, riders: readonly Rider<I, R>[]): Promise<void> => {
    let results: readonly R[];
    try {
      results = await run(
        group,
        riders.map((rider) => rider.item),
      );
    } catch (error) {
      if (isFileError(error, "unavailable")) for (const rider of riders) rider.reject(error);
      else for (const rider of riders) await one(group, rider);
      return;
    }
    for (const [i, rider] of riders.entries()) {
      const result = results[i];
      if (result === undefined) rider.reject(new Error("A run gives each item a result."));
      else rider.resolve(result);
    }
  };

  const drain = async (group: string, queue: Rider<I, R>[]): Promise<void> => {
    while (queue.length > 0) {
      // Whoever was just answered, or wakes in the same turn, comes along: one that set out at once would ride alone, and
      // all the others wait for it.
      await turn();
      const riders = queue.splice(0, most);
      const [first] = riders;
      if (riders.length === 1 && first !== undefined) await one(group, first);
      else await together(group, riders);
    }
    waiting.delete(group);
  };

  return (group, item) =>
    new Promise<R>((resolve, reject) => {
      const queue = waiting.get(group);
      const rider = { item, resolve, reject };
      if (queue !== undefined) {
        queue.push(rider);
        return;
      }
      const fresh = [rider];
      waiting.set(group, fresh);
      void drain(group, fresh);
    });
};
