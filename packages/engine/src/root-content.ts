import { rm } from "node:fs/promises";
import type { Backend } from "@bulkhead/contract";
import type { TreeRef } from "@bulkhead/ledger";
import { verifyResidency } from "@bulkhead/resilience";
import { eraseBucket } from "./open-bucket.ts";
import { treeOf, type VersionedRequest } from "./open-versioned.ts";
import type { LedgerRoot } from "./roots.ts";

/** The content of tenants' roots, where their placement keeps history, apart from its being mounted. */
export interface RootContent {
  /** The tree of a tenant's root, made the first time. Rejects where its placement keeps none. */
  readonly tree: (root: LedgerRoot) => Promise<TreeRef>;
  /** Opens the storage that the long contents of a tenant's root lie in. */
  readonly content: (root: LedgerRoot) => Promise<Backend>;
  /** Removes all that lies where such a root would have its content, which nothing stands on. Can be repeated. */
  readonly erase: (root: LedgerRoot) => Promise<void>;
}

/** How long the contents of one root may take to be removed from a bucket at a time; what is left goes with the next try. */
const eraseMs = 3_600_000;

/** `requestOf` says what a root's tree is opened with, and throws where its placement keeps none. */
export const rootContent = (
  requestOf: (root: LedgerRoot) => VersionedRequest,
  folderOf: (root: LedgerRoot) => string | undefined,
): RootContent => ({
  tree: async (root) => treeOf(requestOf(root)),
  content: async (root) => {
    const request = requestOf(root);
    const { backend } = await request.openContent();
    try {
      await verifyResidency(backend, request.spec.region);
      return backend;
    } catch (error) {
      await backend.close();
      throw error;
    }
  },
  erase: async (root) => {
    const folder = folderOf(root);
    if (folder !== undefined) return rm(folder, { recursive: true, force: true });
    const { spec, bucket: place } = requestOf(root);
    if (place !== undefined) await eraseBucket({ spec, place }, AbortSignal.timeout(eraseMs));
  },
});
