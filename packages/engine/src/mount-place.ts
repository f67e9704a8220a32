import { join } from "node:path";
import { parseBackendPath, segmentsOf } from "@bulkhead/contract";
import { type MountStorage, platformUid, type StoredMount } from "@bulkhead/ledger";
import { type BucketPlace, bucketBelow, bucketRoot } from "./bucket-spec.ts";
import type { BackendSpec, StorageSpec } from "./mount-spec.ts";

/** Where a mount lies, by its template and what it has of its own. */
export interface MountPlace {
  readonly spec: StorageSpec;
  /** For a storage of folders. */
  readonly folder: string | undefined;
  /** For a storage of buckets. */
  readonly bucket?: BucketPlace | undefined;
  /** As the mount table compares it; undefined where nothing could be shared. */
  readonly storageRoot: string | undefined;
}

export type Placed = Pick<StoredMount, "id" | "backend"> & {
  readonly storage: MountStorage;
  readonly tenantUid: string | undefined;
};

/**
 * True if the mount's place is one of its own, which nobody but it ever had. What a versioned one keeps beside its rows is
 * worth nothing without them, so its place always is.
 */
export const hasOwnPlace = (
  { folder, bucket, made }: MountStorage,
  backend?: StorageSpec["backend"],
): boolean =>
  made === true || backend === "versioned" || (folder === undefined && bucket === undefined);

/** What is below a template's place that a mount names. Throws `invalid-path` for what is no plain path. */
export const folderSegments = (folder: string): readonly string[] =>
  segmentsOf(parseBackendPath(folder));

/** Finds where a mount lies; undefined if its template is not configured any more. */
export const mountPlace = (
  backends: Readonly<Record<string, BackendSpec>>,
  { id, backend, storage, tenantUid }: Placed,
): MountPlace | undefined => {
  if (!Object.hasOwn(backends, backend)) return undefined;
  const template = backends[backend];
  if (template === undefined) return undefined;
  const { tenants: _, ...rest } = template;
  const spec: StorageSpec = {
    ...rest,
    readOnly: storage.readOnly ?? rest.readOnly,
    region: storage.region ?? rest.region,
  };
  if (spec.backend === "memory") return { spec, folder: undefined, storageRoot: undefined };
  const named = storage.folder === undefined ? undefined : folderSegments(storage.folder);
  const apart = spec.backend === "versioned" && storage.made !== true ? [id] : [];
  // Named by what is never used twice: names of tenants do not appear on the disk.
  const below = named === undefined ? [tenantUid ?? platformUid, id] : [...named, ...apart];
  const { s3 } = spec.options;
  if (s3 !== undefined) {
    // Another bucket than the template's has nothing of the template's prefix.
    const base = storage.bucket === undefined ? s3 : { ...s3, bucket: storage.bucket, prefix: "" };
    const whole = storage.bucket !== undefined && storage.folder === undefined;
    const place = bucketBelow(base, ...(whole ? apart : below));
    return { spec, folder: undefined, bucket: { spec: place }, storageRoot: bucketRoot(place) };
  }
  const folder = join(spec.options.root ?? "", ...below);
  return { spec, folder, storageRoot: folderRoot(folder) };
};

/** A folder as the mount table compares it. */
export const folderRoot = (folder: string): string => `local${folder}`;
