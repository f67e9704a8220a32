import { rm } from "node:fs/promises";
import { type Ledger, runtimeMountId, type StoredMount } from "@bulkhead/ledger";
import { eraseBucket } from "./open-bucket.ts";
import { type Storages, versionedRequest } from "./open-storage.ts";
import {
  collectVersioned,
  type Damage,
  dropVersioned,
  scrubVersioned,
  type VersionedRequest,
} from "./open-versioned.ts";
import { type StoredMountOptions, storedRequest } from "./stored-mount.ts";

/** The trees of mounts that were made while the server ran, apart from their being mounted. */
export interface StoredTrees {
  /** True if a mount's files are a tree in the ledger. */
  readonly isTree: (mount: StoredMount) => boolean;
  readonly collect: (mount: StoredMount, signal: AbortSignal) => Promise<void>;
  readonly scrub: (mount: StoredMount, signal: AbortSignal) => Promise<readonly Damage[]>;
  /** Removes the long contents of a mount that nobody serves any more. Can be repeated. */
  readonly erase: (mount: StoredMount, signal: AbortSignal) => Promise<void>;
  /** Forgets what the ledger has of a tree whose contents are gone. Can be repeated. */
  readonly drop: (mount: StoredMount) => Promise<void>;
}

/** Looks after the trees of such mounts, as after those of tenants' roots. */
export const storedTrees = ({
  storages,
  trees,
  ...options
}: StoredMountOptions & {
  readonly storages: Storages;
  readonly trees: Ledger["trees"];
}): StoredTrees => {
  const requestOf = (mount: StoredMount): VersionedRequest | undefined => {
    const request = storedRequest(options)(mount);
    return request?.spec.backend === "versioned" ? versionedRequest(storages, request) : undefined;
  };
  return {
    isTree: (mount) => requestOf(mount) !== undefined,
    collect: async (mount, signal) => {
      const request = requestOf(mount);
      if (request !== undefined) await collectVersioned(request, signal);
    },
    scrub: async (mount, signal) => {
      const request = requestOf(mount);
      return request === undefined ? [] : scrubVersioned(request, signal);
    },
    erase: async (mount, signal) => {
      const request = requestOf(mount);
      if (request?.root !== undefined) await rm(request.root, { recursive: true, force: true });
      else if (request?.bucket !== undefined)
        await eraseBucket({ spec: request.spec, place: request.bucket }, signal);
    },
    drop: (mount) => {
      const id = runtimeMountId(mount.id);
      return dropVersioned(trees, id, [id]);
    },
  };
};
