import { answerFor } from "./fault.ts";
import { pagesBelow } from "./list-objects.ts";
import type { Store } from "./store.ts";

/** Keys of a bucket that are no legal path, and are therefore not shown. */
export interface HiddenKeys {
  readonly count: number;
  /** The first few, as they are. */
  readonly examples: readonly string[];
}

/** Goes through all keys and counts those that are hidden. */
export const hiddenKeys = async (store: Store, signal: AbortSignal): Promise<HiddenKeys> => {
  const examples: string[] = [];
  let count = 0;
  try {
    for await (const objects of pagesBelow(store, store.keys.prefix, signal))
      for (const { key } of objects)
        if (store.keys.isHidden(key)) {
          count += 1;
          if (examples.length < 10) examples.push(key);
        }
  } catch (error) {
    throw answerFor(error, signal);
  }
  return { count, examples };
};
