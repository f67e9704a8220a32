import type { Region } from "@bulkhead/resilience";
import type { BucketSpec } from "./bucket-spec.ts";

/** How a storage outside the ledger is dealt with; what is not named has its default. */
export interface MechanicsSpec {
  /** Milliseconds that the storage may take to begin an answer, and between two chunks of content. */
  readonly timeoutMs?: number | undefined;
  /** How often a call that failed is repeated. */
  readonly retries?: number | undefined;
  /** Calls that the storage works on at once; more wait in turn. */
  readonly concurrency?: number | undefined;
}

/** Which storage a mount stands on, and how. */
export interface StorageSpec {
  readonly backend: "local" | "memory" | "versioned" | "postgres" | "s3";
  readonly options: {
    /** For `local`, and for what `versioned` keeps beside its rows: a folder. A placement's holds one folder for each tenant's root. */
    readonly root?: string | undefined;
    /** For `postgres`: the server that tenants' databases are made on, as a user who may make databases and roles; the ledger's by default. */
    readonly adminUrl?: string | undefined;
    /** For `postgres`: the schema of the tree in a tenant's database; `bulkhead` by default. */
    readonly schema?: string | undefined;
    /** For `s3`, and for what `versioned` keeps beside its rows: a bucket instead of a folder. */
    readonly s3?: BucketSpec | undefined;
  };
  readonly durability: "strict" | "relaxed";
  readonly readOnly: boolean;
  readonly region?: Region | undefined;
  readonly mechanics?: MechanicsSpec | undefined;
}

/** The name of a region that a storage has to be in, whoever says that it is. */
export const regionName = (region: Region | undefined): { readonly region?: string } =>
  region === undefined ? {} : { region: typeof region === "string" ? region : region.attested };

/** How a new tenant's roots are mounted. */
export interface PlacementSpec extends StorageSpec {
  /** For `postgres`: run once in a new tenant's database, as the tenant's role. */
  readonly provisioningSql?: string | undefined;
  /** New tenants of these plans are placed here before all others, and nobody else but by default. */
  readonly plans?: readonly string[] | undefined;
  /** Made for a new tenant, and mounted below its first root. */
  readonly buckets?: BucketsSpec | undefined;
}

/** Buckets that each tenant gets of its own. */
export interface BucketsSpec {
  /** The template that they are reached by; its own bucket and prefix are not used. */
  readonly backend: string;
  /** What they are for: each ends its bucket's name, and is the directory that it is mounted at. */
  readonly names: readonly string[];
  /** Begins all their names. */
  readonly prefix: string;
}

/** A storage that mounts may stand on which are made while the server runs. */
export interface BackendSpec extends StorageSpec {
  /** True if admins of tenants may choose it, for mounts with a place of their own in it. */
  readonly tenants: boolean;
}

/** A mount that the configuration names. */
export interface MountSpec extends StorageSpec {
  readonly path: string;
  /** The id of the tenant on whose ground the mount has to lie. */
  readonly tenant?: string | undefined;
  readonly priority: number;
}
