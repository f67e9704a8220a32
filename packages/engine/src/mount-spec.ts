import type { Region } from "@bulkhead/resilience";

/** Which storage a mount stands on, and how. */
export interface StorageSpec {
  readonly backend: "local" | "memory" | "versioned";
  /** For `local`, and for what `versioned` keeps beside its rows: `root`, a folder. A placement's folder holds one folder for each tenant's root. */
  readonly options: { readonly root?: string | undefined };
  readonly durability: "strict" | "relaxed";
  readonly readOnly: boolean;
  readonly region?: Region | undefined;
}

/** How a new tenant's roots are mounted. */
export type PlacementSpec = StorageSpec;

/** A mount that the configuration names. */
export interface MountSpec extends StorageSpec {
  readonly path: string;
  /** The id of the tenant on whose ground the mount has to lie. */
  readonly tenant?: string | undefined;
  readonly priority: number;
}
