import { LRUCache } from "lru-cache";
import type { BackendPath } from "@bulkhead/contract";
import type { FileStat } from "./port.ts";

/** The sort keys of one directory in order, as they were when it had `stamp`. */
interface Listing {
  readonly stamp: string;
  readonly keys: readonly string[];
}

/** Sorted listings that are being paged through, so that a page costs a page. */
export interface Listings {
  /** Answers the keys as they were read, if neither this process nor another changed the directory since. */
  readonly get: (directory: BackendPath, stat: FileStat) => readonly string[] | undefined;
  /** Reads the keys anew; they are kept if `keep` says so and nothing changed meanwhile. */
  readonly load: (
    directory: BackendPath,
    stat: FileStat,
    read: () => Promise<readonly string[]>,
    keep: (keys: readonly string[]) => boolean,
  ) => Promise<readonly string[]>;
  /** Says that this process changed the directory: the file system's clock may be too coarse to show it. */
  readonly forget: (directory: BackendPath) => void;
  /** Listings kept, and what they take in bytes. */
  readonly usage: () => { readonly listings: number; readonly bytes: number };
}

/** Bounds of the listings that one backend keeps. */
export interface ListingBounds {
  readonly listings: number;
  readonly bytes: number;
  readonly milliseconds: number;
}

export const listingBounds: ListingBounds = {
  listings: 256,
  bytes: 32 * 1024 * 1024,
  milliseconds: 60_000,
};

// UTF-16 at most, plus what a string and its slot in the array cost.
const bytesOf = (listing: Listing): number =>
  listing.keys.reduce((sum, key) => sum + 2 * key.length + 32, 64);

const stampOf = (stat: FileStat): string => `${stat.ino}-${stat.mtimeNs}-${stat.ctimeNs}`;

export const listings = (bounds: ListingBounds = listingBounds): Listings => {
  const kept = new LRUCache<string, Listing>({
    max: bounds.listings,
    maxSize: bounds.bytes,
    sizeCalculation: bytesOf,
    ttl: bounds.milliseconds,
  });
  const reading = new Map<string, Set<{ changed: boolean }>>();
  return {
    get: (directory, stat) => {
      const found = kept.get(directory);
      return found?.stamp === stampOf(stat) ? found.keys : undefined;
    },
    load: async (directory, stat, read, keep) => {
      const attempt = { changed: false };
      const attempts = reading.get(directory) ?? new Set();
      reading.set(directory, attempts.add(attempt));
      try {
        const keys = await read();
        if (!attempt.changed && keep(keys)) kept.set(directory, { stamp: stampOf(stat), keys });
        return keys;
      } finally {
        attempts.delete(attempt);
        if (attempts.size === 0) reading.delete(directory);
      }
    },
    forget: (directory) => {
      kept.delete(directory);
      for (const attempt of reading.get(directory) ?? []) attempt.changed = true;
    },
    usage: () => ({ listings: kept.size, bytes: kept.calculatedSize }),
  };
};
