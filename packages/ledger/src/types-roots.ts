import type { Revision, TenantRef, VirtualPath } from "@bulkhead/contract";
import type { StoredMount } from "./types-mounts.ts";

/** A tenant's root with what its storage is made from. */
export interface RootRecord {
  readonly path: VirtualPath;
  readonly tenant: TenantRef;
  readonly placement: string;
  /** Never used twice: a path that is used again gets another storage. */
  readonly generation: number;
  /** Which copy of its content a versioned root stands on: 0 until it was moved. */
  readonly copy: number;
}

/** Roots as of a revision of the platform: all of them, or what changed. */
export interface RootSet {
  readonly revision: Revision;
  readonly roots: readonly RootRecord[];
  /** Paths that are no root any more; empty where `roots` is all. */
  readonly removed: readonly VirtualPath[];
  /** The mounts that were made while the server ran: all of them, or those that changed. */
  readonly mounts: readonly StoredMount[];
  /** Ids of mounts that are gone; empty where `mounts` is all. */
  readonly unmounted: readonly string[];
}

export interface Roots {
  readonly all: () => Promise<RootSet>;
  /** What changed since; `reload` if the changelog no longer tells. */
  readonly since: (revision: Revision) => Promise<RootSet | "reload">;
}
