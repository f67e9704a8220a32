import type { Database } from "./database.ts";

/** Bytes of one row of content, and what is answered as one buffer. */
export const chunkBytes: number = 256 * 1024;

/** What the operations share. Durations are in milliseconds. */
export interface Volume {
  readonly database: Database;
  readonly leaseMs: number;
  readonly graceMs: number;
  /** Entries below a directory that is copied or removed. */
  readonly maxTreeEntries: number;
  /** Told when content lost its last reference: it is to be collected after the grace. */
  readonly retired: () => void;
}
