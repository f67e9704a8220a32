import type {
  ErrorCode,
  Mode,
  Revision,
  Settlement,
  Snapshot,
  Stat,
  VersionEntry,
  WriteResult,
} from "@bulkhead/contract";

/** A versioned tree, and whose it is; undefined is the platform. */
export interface TreeRef {
  readonly id: string;
  readonly tenant: string | undefined;
  /** The store that content is put into; content for another than the tree's is refused. */
  readonly content?: string;
}

/** Why nothing happened: a code, and what to say beside it. */
export interface TreeRefusal {
  readonly state: "refused";
  readonly code: ErrorCode;
  readonly reason?: string;
  readonly etag?: string;
  readonly resource?: string;
  readonly limit?: number;
  readonly used?: number;
  readonly requested?: number;
}

export type TreeDone<R> = R & { readonly state: "done" };
/** What a look answers. */
export type TreeLook<R> = TreeDone<R> | TreeRefusal;
/** What a commit answers: `moved` asks for the decision again, `again` only for another try. */
export type TreeAnswer<R> = TreeLook<R> | { readonly state: "moved" } | { readonly state: "again" };

/** Content outside the row: SHA-256 of each frame of 4 MiB, in hex, one behind the other. */
export interface StoredBlob {
  readonly id: string;
  readonly codec: string;
  readonly size: number;
  readonly frames: string;
}

export interface TreeWrite {
  readonly settlement: Settlement;
  readonly path: string;
  readonly mode: Mode;
  readonly size: number;
  /** SHA-256 of the whole, in hex. */
  readonly digest: string;
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  /** The content itself, or the blob that holds it and the digests of its frames. */
  readonly content: Uint8Array | { readonly blob: string; readonly frames: string };
}

export interface TreeTransfer {
  readonly settlement: Settlement;
  readonly from: string;
  readonly to: string;
  readonly mode: Mode;
  /** Judges the source. */
  readonly ifMatch: string | undefined;
}

export interface Replaced {
  readonly replaced?: { readonly size: number; readonly version?: string };
}

/** What a file is: in its row with a digest (SHA-256, in hex), or in a blob. */
export interface ReadContent {
  readonly stat: Stat;
  readonly inline: Uint8Array;
  readonly digest?: string;
  readonly blob?: StoredBlob;
  /** Undefined if nothing was to be told. */
  readonly snapshot?: Snapshot;
}

/** Commits and looks at versioned trees, as the tenant they belong to, one round trip each. */
export interface TreeCommits {
  readonly stat: (tree: TreeRef, path: string) => Promise<TreeLook<{ readonly stat: Stat }>>;
  readonly read: (
    tree: TreeRef,
    path: string,
    version: string | undefined,
    /** Told anew in the answer, of the same snapshot. */
    revisions?: readonly Revision[],
  ) => Promise<TreeLook<ReadContent>>;
  readonly list: (
    tree: TreeRef,
    path: string,
    after: string,
    limit: number,
  ) => Promise<TreeLook<{ readonly entries: readonly Stat[] }>>;
  readonly versions: (
    tree: TreeRef,
    path: string,
    before: string | undefined,
    limit: number,
  ) => Promise<TreeLook<{ readonly entries: readonly VersionEntry[] }>>;
  /** Registers a blob under a lease of 60 s before its first byte; refuses what its commit would refuse now. */
  readonly openBlob: (
    tree: TreeRef,
    path: string,
    mode: Mode,
    size: number | undefined,
  ) => Promise<TreeLook<{ readonly id: string }>>;
  readonly renewBlobs: (tree: TreeRef, ids: readonly string[]) => Promise<void>;
  /** True if nothing stands on it, so that its bytes may go. */
  readonly discardBlob: (tree: TreeRef, id: string) => Promise<boolean>;
  readonly forgetBlob: (tree: TreeRef, id: string) => Promise<void>;
  /** Small writes of a tenant ride together: at most one such commit of this process is in flight a tenant. */
  readonly write: (tree: TreeRef, write: TreeWrite) => Promise<TreeAnswer<WriteResult>>;
  readonly mkdir: (
    tree: TreeRef,
    settlement: Settlement,
    path: string,
  ) => Promise<TreeAnswer<object>>;
  readonly remove: (
    tree: TreeRef,
    settlement: Settlement,
    path: string,
    options: { readonly recursive: boolean; readonly ifMatch: string | undefined },
  ) => Promise<TreeAnswer<{ readonly files: number; readonly bytes: number }>>;
  readonly copy: (
    tree: TreeRef,
    transfer: TreeTransfer,
  ) => Promise<
    TreeAnswer<
      | (WriteResult & { readonly directory?: false })
      | { readonly directory: true; readonly files: number; readonly bytes: number }
    >
  >;
  readonly move: (tree: TreeRef, transfer: TreeTransfer) => Promise<TreeAnswer<Replaced>>;
  readonly restore: (
    tree: TreeRef,
    settlement: Settlement,
    path: string,
    version: string,
  ) => Promise<TreeAnswer<WriteResult>>;
}

export interface BlobCounts {
  readonly blobs: number;
  /** Blobs on which nothing stands and which nobody writes. */
  readonly idle: number;
  readonly tombstones: number;
  /** Tombstones older than the grace. */
  readonly due: number;
}

export interface TreeTotals {
  readonly bytes: number;
  readonly files: number;
  readonly versionBytes: number;
}

/** Contents that a tree keeps of what was there before. */
export interface PastContents {
  /** Bytes of all together. */
  readonly size: number;
  /** True if any of them lies in rows of the ledger. */
  readonly inRows: boolean;
}

/** Where a file was when it was removed, and by which version. */
export interface RemovedPlace {
  readonly path: string;
  readonly n: string;
}

/** What the server does for trees on its own account, past row-level security. */
export interface TreeHousekeeping {
  /** The tree of a mount, made the first time. Rejects with `conflict` if the mount's tree is another tenant's. */
  readonly ensure: (
    tenant: string | undefined,
    mount: string,
    content: string,
  ) => Promise<TreeRef & { readonly content: string }>;
  /** Ends a mount's tree with all versions; what its blobs held is the collector's then. Idempotent. */
  readonly drop: (mount: string) => Promise<void>;
  readonly weighBlobs: (content: string, graceMs: number) => Promise<BlobCounts>;
  readonly buryBlobs: (content: string, limit: number) => Promise<number>;
  readonly dueBlobs: (
    content: string,
    graceMs: number,
    limit: number,
  ) => Promise<readonly string[]>;
  readonly unknownBlobs: (ids: readonly string[]) => Promise<readonly string[]>;
  readonly forgetBlobs: (ids: readonly string[]) => Promise<void>;
  readonly blobsAfter: (
    content: string,
    after: string | undefined,
    limit: number,
  ) => Promise<readonly (StoredBlob & { readonly digest: string })[]>;
  /** The earlier contents of files that are named by their present versions, where they have any. */
  readonly pastOf: (
    mount: string,
    versions: readonly string[],
  ) => Promise<ReadonlyMap<string, PastContents>>;
  /** The contents of removed files, in the order of where those were, behind a place in it. */
  readonly removedFrom: (
    mount: string,
    after: RemovedPlace,
    limit: number,
  ) => Promise<readonly (RemovedPlace & PastContents)[]>;
  /** Which of these versions have their content apart from their rows; undefined where a mount has no tree. */
  readonly contentsApart: (
    mount: string,
    versions: readonly string[],
  ) => Promise<ReadonlySet<string> | undefined>;
  /** Contents in rows whose digest is another, looked for in `limit` rows a statement, 500 by default. */
  readonly damagedRows: (
    tree: string,
    limit?: number,
  ) => Promise<readonly { readonly node: string; readonly version: string }[]>;
  /** Drops versions too old, too many of one file, or over the tenant's `versionBytes`, oldest first; answers how many. */
  readonly prune: (tree: TreeRef, maxAgeMs: number, maxVersions: number) => Promise<number>;
  /** What the tenant's counters say beside what its trees hold. */
  readonly recount: (
    tenant: string | undefined,
  ) => Promise<{ readonly counted: TreeTotals; readonly found: TreeTotals }>;
}

export interface Trees extends TreeCommits, TreeHousekeeping {}
