import type { Folding } from "./folding.ts";
import type { Layout } from "./layout.ts";
import type { Listings } from "./listings.ts";
import type { PathLocks } from "./path-locks.ts";
import type { FileSystemPort } from "./port.ts";
import type { Staging } from "./staging.ts";

/** An opened root and what its operations share. */
export interface Volume {
  readonly fs: FileSystemPort;
  readonly place: Layout;
  readonly folding: Folding;
  readonly locks: PathLocks;
  /** Held for as long as a listing, or the one call that moves or removes a tree, takes: a page shows all of it or none. */
  readonly turns: PathLocks;
  readonly staging: Staging;
  readonly listings: Listings;
  /** False: nothing is synced. */
  readonly strict: boolean;
  /** Microseconds since the epoch, each once. */
  readonly stamp: () => number;
}
