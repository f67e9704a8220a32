import { createHash } from "node:crypto";
import { FileError } from "@bulkhead/contract";
import { addressBlock } from "./address-block.ts";

/** Counts who fails to say who they are, by where they are. */
export interface FailedAttempts {
  /**
   * Throws `rate-limited` for an address that failed too often in the last minute, unless the key was good before: those
   * who share an address with somebody who guesses go on.
   */
  readonly check: (address: string, key: string | undefined) => void;
  readonly failed: (address: string) => void;
  /** Remembers a key that was good. */
  readonly good: (key: string) => void;
}

export interface FailedAttemptsOptions {
  /** How many may fail in a minute from one address, or one IPv6 network of 64 bits; no limit without. */
  readonly perMinute: number | undefined;
  /** How many addresses, and how many keys, are remembered at most; 10,000 by default. */
  readonly most?: number;
  /** In milliseconds. */
  readonly clock?: () => number;
}

const minute = 60_000;

interface Window {
  readonly began: number;
  count: number;
}

const digestOf = (key: string): string => createHash("sha256").update(key).digest("base64");

/** Counts in this process, in windows that begin with their first failure. */
export const failedAttempts = (options: FailedAttemptsOptions): FailedAttempts => {
  const { perMinute, most = 10_000, clock = () => performance.now() } = options;
  // Both with the one that was used least lately first.
  const windows = new Map<string, Window>();
  const goodKeys = new Set<string>();

  const bound = <K>(kept: {
    readonly size: number;
    keys(): Iterable<K>;
    delete(key: K): boolean;
  }) => {
    if (kept.size > most)
      for (const oldest of kept.keys()) {
        kept.delete(oldest);
        break;
      }
  };

  const windowOf = (address: string): Window | undefined => {
    const window = windows.get(address);
    return window !== undefined && clock() - window.began < minute ? window : undefined;
  };

  if (perMinute === undefined)
    return { check: () => undefined, failed: () => undefined, good: () => undefined };
  return {
    check: (from, key) => {
      const window = windowOf(addressBlock(from));
      if (window === undefined || window.count < perMinute) return;
      if (key !== undefined && goodKeys.has(digestOf(key))) return;
      const resetSeconds = Math.max(1, Math.ceil((window.began + minute - clock()) / 1000));
      throw new FileError(
        "rate-limited",
        "Too many requests from here had no valid key; wait as long as 'Retry-After' says.",
        {
          fields: {
            retryAfter: resetSeconds,
            rates: [
              {
                name: "authentication",
                limit: perMinute,
                windowSeconds: 60,
                remaining: 0,
                resetSeconds,
              },
            ],
          },
        },
      );
    },
    failed: (from) => {
      const address = addressBlock(from);
      const window = windowOf(address) ?? { began: clock(), count: 0 };
      window.count += 1;
      windows.delete(address);
      windows.set(address, window);
      bound(windows);
    },
    good: (key) => {
      const digest = digestOf(key);
      goodKeys.delete(digest);
      goodKeys.add(digest);
      bound(goodKeys);
    },
  };
};
