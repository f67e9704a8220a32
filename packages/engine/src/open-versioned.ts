import { type Backend, FileError, type Recovery } from "@bulkhead/contract";
import { collect, type FrameRoom, scrub, versioned } from "@bulkhead/backend-versioned";
import { plainContext, stack } from "@bulkhead/kit";
import type { TreeRef, Trees } from "@bulkhead/ledger";
import { lazy, readOnly, verifyResidency } from "@bulkhead/resilience";
import type { StorageRequest } from "./open-storage.ts";

/** A storage of contents, with its layers. */
export interface OpenedContent {
  readonly backend: Backend;
  readonly sweep: Recovery["sweep"];
}

export interface VersionedRequest extends StorageRequest {
  readonly trees: Trees;
  /** Where verified frames are held, for all trees together. */
  readonly room: FrameRoom;
  /** Opens the storage that holds content too long for its row. */
  readonly openContent: () => Promise<OpenedContent>;
  /** The region that the ledger is in, and with it what lies in rows. */
  readonly ledgerRegion: string | undefined;
}

const idleMs = 60_000;
const dayMs = 86_400_000;
/** Longer than the longest download, and than the window of a backup. */
export const collectGraceMs: number = 25 * 3_600_000;
/** How long earlier contents are kept, whichever comes first. */
const retention = { maxAgeMs: 90 * dayMs, maxVersions: 100 } as const;

/** The rows of a tree are in the ledger: content may lie in them only where the ledger is where the mount has to be. */
const inlineLimitOf = ({ spec, ledgerRegion }: VersionedRequest): { inlineLimit?: number } => {
  if (spec.region === undefined) return {};
  const wanted = typeof spec.region === "string" ? spec.region : spec.region.attested;
  return wanted === ledgerRegion ? {} : { inlineLimit: 0 };
};

/** The tree of a mount. Rejects with `unavailable` where it stands on other content by now than was asked for. */
export const treeOf = async ({
  mount,
  store = mount,
  trees,
  tenant,
}: Pick<VersionedRequest, "mount" | "store" | "trees" | "tenant">): Promise<
  TreeRef & { readonly content: string }
> => {
  const tree = await trees.ensure(tenant(), mount, store);
  if (tree.content !== store)
    throw new FileError("unavailable", "This part of the tree was moved; try again.", {
      fields: { retryAfter: 1 },
    });
  return tree;
};

/**
 * A versioned tree over a folder, opened on first use. It needs no lease: every process may serve it, because each
 * content has an id of its own and the swap is the ledger's.
 */
export const openVersioned = (request: VersionedRequest): Backend =>
  lazy({
    scheme: "versioned",
    idleMs,
    open: async () => {
      const { backend: content } = await request.openContent();
      try {
        await verifyResidency(content, request.spec.region);
        const tree = await treeOf(request);
        const backend = versioned({
          tree,
          content,
          ledger: request.trees,
          room: request.room,
          ...inlineLimitOf(request),
        });
        return stack<Backend>(backend, ...(request.spec.readOnly ? [readOnly] : []));
      } catch (error) {
        await content.close();
        throw error;
      }
    },
  });

/**
 * Prunes what is past its retention and takes the content that nothing stands on any more, and what processes that are
 * gone left half stored.
 */
export const collectVersioned = async (
  request: VersionedRequest,
  signal: AbortSignal,
): Promise<void> => {
  const { trees, openContent } = request;
  const { backend: content, sweep } = await openContent();
  try {
    const tree = await treeOf(request);
    await trees.prune(tree, retention.maxAgeMs, retention.maxVersions);
    const ctx = plainContext({ signal, requestId: "collector" });
    // Others may be storing: nothing that is on its way stands still for so long.
    await sweep(ctx, ctx.now - collectGraceMs);
    await collect(
      ctx,
      { store: tree.content, content, ledger: trees },
      { graceMs: collectGraceMs },
    );
  } finally {
    await content.close();
  }
};

/** A content that is not what was stored: in the storage, or in a row. */
export type Damage =
  | { readonly blob: string; readonly fault: string }
  | { readonly node: string; readonly version: string; readonly fault: string };

/** Reads all that a mount keeps again, and names what is not what was stored. */
export const scrubVersioned = async (
  request: VersionedRequest,
  signal: AbortSignal,
): Promise<readonly Damage[]> => {
  const { trees, openContent } = request;
  const { backend: content } = await openContent();
  try {
    const tree = await treeOf(request);
    const { damaged, damagedRows } = await scrub(
      plainContext({ signal, requestId: "scrub" }),
      { store: tree.content, content, ledger: trees },
      [tree.id],
    );
    return [
      ...damaged,
      ...damagedRows.map(({ node, version }) => ({ node, version, fault: "changed" })),
    ];
  } finally {
    await content.close();
  }
};

/** Ends the tree of a mount whose content is gone, with every version and every store it was in. Can be repeated. */
export const dropVersioned = async (
  trees: Trees,
  mount: string,
  stores: readonly string[],
): Promise<void> => {
  await trees.drop(mount);
  const batch = 500;
  for (const store of stores) {
    while ((await trees.buryBlobs(store, batch)) === batch);
    for (;;) {
      const due = await trees.dueBlobs(store, 0, batch);
      await trees.forgetBlobs(due);
      if (due.length < batch) break;
    }
  }
};
