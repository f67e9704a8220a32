import { FileError, parseVirtualPath, type Removed, type VirtualPath } from "@bulkhead/contract";
import type { StoredMount } from "@bulkhead/ledger";
import type { Mount } from "@bulkhead/vfs";
import { folderRoot } from "./mount-place.ts";
import {
  type BackendSpec,
  type MountSpec,
  type PlacementSpec,
  regionName,
  type StorageSpec,
} from "./mount-spec.ts";
import { type BucketPlace, bucketBelow, bucketRoot } from "./bucket-spec.ts";
import { configuredGround } from "./configured-ground.ts";
import {
  openStorage,
  postgresRequest,
  type StorageRequest,
  type Storages,
  unplaced,
  versionedRequest,
} from "./open-storage.ts";
import { eraseBucket } from "./open-bucket.ts";
import {
  collectVersioned,
  type Damage,
  dropVersioned,
  scrubVersioned,
  type VersionedRequest,
} from "./open-versioned.ts";
import { replayPostgres, weighPostgres } from "./open-postgres.ts";
import {
  configuredMountId,
  platformFolder,
  platformMount,
  rootBucket,
  rootFolder,
  rootMountId,
  rootStore,
} from "./root-folders.ts";
import { rootContent, type RootContent } from "./root-content.ts";
import type { LedgerRoot } from "./roots.ts";
import { type Credentials, storedMount } from "./stored-mount.ts";
import { type StoredTrees, storedTrees } from "./stored-trees.ts";
import type { TenantDatabases } from "./tenant-databases.ts";

export interface MountTemplateOptions {
  readonly storages: Storages;
  readonly placements: Readonly<Record<string, PlacementSpec>>;
  /** What mounts may stand on that are made while the server runs. */
  readonly backends: Readonly<Record<string, BackendSpec>>;
  readonly credentials: Credentials;
  readonly databases: Pick<TenantDatabases, "open" | "drop">;
  readonly dataDir: string;
}

export interface MountTemplates extends RootContent {
  /** The platform's own ground, with an empty directory for each namespace. */
  readonly platform: (namespaceRoots: readonly string[]) => Mount;
  /** A mount of the configuration. */
  readonly configured: (
    spec: MountSpec,
    namespaceRoots: readonly string[],
    ground: { readonly rootAt: (path: VirtualPath) => LedgerRoot | undefined },
  ) => Mount;
  /** A tenant's root, by its placement. */
  readonly root: (root: LedgerRoot) => Mount;
  /** A mount that was made while the server ran. */
  readonly stored: (mount: StoredMount) => Mount;
  /** The trees of such mounts. */
  readonly storedTrees: StoredTrees;
  /** The folder that a tenant's root lies in, where its placement is one of folders. */
  readonly folderOf: (root: LedgerRoot) => string | undefined;
  /** Takes out of a tenant's root what nothing needs any more, where its placement keeps history. */
  readonly collect: (root: LedgerRoot, signal: AbortSignal) => Promise<void>;
  /** Reads all that a tenant's root keeps again, where its placement keeps digests, and names what is damaged. */
  readonly scrub: (root: LedgerRoot, signal: AbortSignal) => Promise<readonly Damage[]>;
  /** True if a root's files are a tree in the ledger, which can be dropped as a whole. */
  readonly isTree: (root: LedgerRoot) => boolean;
  /** Removes all that the tenant of a root has in the placement's bucket; false where its placement is not one of buckets. */
  readonly eraseBucket: (root: LedgerRoot, signal: AbortSignal) => Promise<boolean>;
  /** Forgets what the ledger has of a tenant's root whose content is gone, here and where it was before. */
  readonly drop: (root: LedgerRoot, before: readonly LedgerRoot[]) => Promise<void>;
  /** True if a root's files are in the tenant's own database, which can be dropped as a whole. */
  readonly hasDatabase: (root: LedgerRoot) => boolean;
  /** Counts what such a root holds; undefined where that cannot be found out. */
  readonly weigh: (root: LedgerRoot) => Promise<Removed | undefined>;
  /** Drops the database of a root's tenant; answers its name. */
  readonly dropDatabase: (root: LedgerRoot) => Promise<string | undefined>;
  /** Settles what processes that are gone left of a root's intents, where its files are in a database. */
  readonly replay: (root: LedgerRoot) => Promise<void>;
  /** The id under which leases, intents and markers of a tenant's root are kept. */
  readonly idOf: (root: LedgerRoot) => string;
}

const platformSpec: StorageSpec = {
  backend: "local",
  options: {},
  durability: "strict",
  readOnly: false,
  region: undefined,
};

/** Makes mounts from what the configuration says of storages. */
export const mountTemplates = ({
  storages,
  placements,
  backends,
  credentials,
  databases,
  dataDir,
}: MountTemplateOptions): MountTemplates => {
  const folderOf = (root: LedgerRoot): string | undefined => rootFolder(placements, dataDir, root);

  const bucketOf = (root: LedgerRoot): BucketPlace | undefined => rootBucket(placements, root);

  const requestOf = (root: LedgerRoot): StorageRequest | undefined => {
    const spec = placements[root.placement];
    return (
      spec && {
        mount: rootMountId(root),
        store: rootStore(root),
        spec,
        root: folderOf(root),
        bucket: bucketOf(root),
        tenant: () => root.tenant.uid,
        ...(spec.backend === "postgres" && { database: () => databases.open(root) }),
      }
    );
  };

  /** What a tree of a root is opened with. */
  const treeRequest = (root: LedgerRoot): VersionedRequest => {
    const request = requestOf(root);
    if (request?.spec.backend !== "versioned")
      throw new FileError(
        "unavailable",
        `The placement '${root.placement}' is not configured here, or keeps no versions.`,
      );
    return versionedRequest(storages, request);
  };

  const hasDatabase = (root: LedgerRoot): boolean => {
    const spec = placements[root.placement];
    return spec?.backend === "postgres" && !spec.readOnly;
  };

  return {
    idOf: rootMountId,
    folderOf,
    eraseBucket: async (root, signal) => {
      const request = requestOf(root);
      const whole = placements[root.placement]?.options.s3;
      if (whole === undefined || request === undefined || request.spec.readOnly) return false;
      const place = { spec: bucketBelow(whole, root.tenant.uid) };
      await eraseBucket({ spec: request.spec, place }, signal);
      return true;
    },
    ...rootContent(treeRequest, folderOf),
    collect: async (root, signal) => {
      const request = requestOf(root);
      if (request?.spec.backend === "versioned")
        await collectVersioned(versionedRequest(storages, request), signal);
    },
    scrub: async (root, signal) => {
      const request = requestOf(root);
      return request?.spec.backend === "versioned"
        ? scrubVersioned(versionedRequest(storages, request), signal)
        : [];
    },
    isTree: (root) => {
      const spec = placements[root.placement];
      return spec?.backend === "versioned" && !spec.readOnly;
    },
    hasDatabase,
    weigh: (root) => weighPostgres(storages, databases.open(root)),
    dropDatabase: databases.drop,
    replay: async (root) => {
      const request = requestOf(root);
      if (request?.spec.backend === "postgres")
        await replayPostgres(postgresRequest(storages, request));
    },
    drop: async (root, before) => {
      if (placements[root.placement]?.backend === "versioned")
        await dropVersioned(storages.trees, rootMountId(root), [root, ...before].map(rootStore));
    },
    platform: (namespaceRoots) => {
      const root = platformFolder(dataDir);
      const backend = openStorage(storages, {
        mount: platformMount,
        spec: platformSpec,
        root,
        tenant: () => undefined,
        directories: namespaceRoots,
      });
      return {
        id: platformMount,
        path: parseVirtualPath("/"),
        backend,
        storageRoot: folderRoot(root),
      };
    },
    configured: (spec, namespaceRoots, ground) => {
      const { path, place } = configuredGround(spec, namespaceRoots);
      const tenant = (): string | undefined =>
        place.kind === "below" ? ground.rootAt(place.root)?.tenant.uid : undefined;
      const { root, s3 } = spec.options;
      const storageRoot = s3 ? bucketRoot(s3) : root === undefined ? undefined : folderRoot(root);
      return {
        id: configuredMountId(spec),
        path,
        backend: openStorage(storages, {
          mount: configuredMountId(spec),
          spec,
          root,
          bucket: s3 && { spec: s3 },
          tenant,
        }),
        priority: spec.priority,
        readOnly: spec.readOnly,
        ...regionName(spec.region),
        ...(storageRoot !== undefined && { storageRoot }),
      };
    },
    stored: storedMount({ storages, backends, credentials }),
    storedTrees: storedTrees({ storages, backends, credentials, trees: storages.trees }),
    root: (root) => {
      const folder = folderOf(root);
      const bucket = bucketOf(root);
      const request = requestOf(root);
      const backend =
        request === undefined ? unplaced(root.placement) : openStorage(storages, request);
      return {
        id: rootMountId(root),
        path: root.path,
        backend,
        tenant: root.tenant.uid,
        ...regionName(request?.spec.region),
        ...(folder !== undefined && { storageRoot: folderRoot(folder) }),
        ...(bucket !== undefined && { storageRoot: bucketRoot(bucket.spec) }),
      };
    },
  };
};
