import { join } from "node:path";
import { type BucketPlace, bucketBelow, bucketRoot } from "./bucket-spec.ts";
import { folderRoot } from "./mount-place.ts";
import type { MountSpec, PlacementSpec } from "./mount-spec.ts";
import { placedRoot } from "./open-storage.ts";
import { type LedgerRoot, namespaceOf } from "./roots.ts";

/** The id under which the platform's own ground is kept. */
export const platformMount = "platform";

/** The folder of the platform's own ground. */
export const platformFolder = (dataDir: string): string => join(dataDir, "platform");

/** The id under which leases, intents and markers of a tenant's root are kept. */
export const rootMountId = (root: LedgerRoot): string =>
  `root:${root.tenant.uid}:${root.generation}:${namespaceOf(root)}`;

/** The name under which the ledger knows where the content of a tenant's root lies. */
export const rootStore = (root: LedgerRoot): string =>
  root.copy === 0 ? rootMountId(root) : `${rootMountId(root)}+${root.copy}`;

/** What a tenant's root is called in a placement, below the tenant's uid: no two are, nor two copies of one. */
const rootPlace = (root: LedgerRoot): string =>
  `${namespaceOf(root)}-${root.generation}${root.copy === 0 ? "" : `+${root.copy}`}`;

/** The same of a mount of the configuration. */
export const configuredMountId = ({ path, priority }: MountSpec): string =>
  `config:${path}:${priority}`;

/** Where in the tree the mount of the configuration with that id was; undefined for the id of another mount. */
export const configuredPath = (id: string): string | undefined =>
  /^config:(.*):-?\d+$/s.exec(id)?.[1];

/** The folder that a placement's roots lie in; undefined where it is not one of folders. */
const placementFolder = (
  { backend, options }: PlacementSpec,
  dataDir: string,
): string | undefined =>
  backend === "memory" || backend === "postgres" || options.s3 !== undefined
    ? undefined
    : (options.root ?? join(dataDir, backend === "versioned" ? "content" : "tenants"));

/** Where placements put tenants' roots, and the server what is its own, as the mount table compares it. */
export const areasOf = (
  placements: Readonly<Record<string, PlacementSpec>>,
  dataDir: string,
): readonly string[] => [
  ...[
    dataDir,
    ...Object.values(placements).flatMap((spec) => placementFolder(spec, dataDir) ?? []),
  ].map(folderRoot),
  ...Object.values(placements)
    .flatMap(({ options }) => options.s3 ?? [])
    .map(bucketRoot),
];

/** The place in a bucket that a tenant's root has; undefined where its placement is not one of buckets, or not configured. */
export const rootBucket = (
  placements: Readonly<Record<string, PlacementSpec>>,
  root: LedgerRoot,
): BucketPlace | undefined => {
  const bucket = placements[root.placement]?.options.s3;
  return bucket && { spec: bucketBelow(bucket, root.tenant.uid, rootPlace(root)) };
};

/** The folder that a tenant's root lies in; undefined where its placement is not one of folders, or not configured. */
export const rootFolder = (
  placements: Readonly<Record<string, PlacementSpec>>,
  dataDir: string,
  root: LedgerRoot,
): string | undefined => {
  const spec = placements[root.placement];
  const folder = spec && placementFolder(spec, dataDir);
  return folder === undefined ? undefined : placedRoot(folder, root.tenant.uid, rootPlace(root));
};
