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

/** A tree in the ledger, and whose it is; undefined is the platform. */
export interface TreeRef {
  readonly id: string;
  readonly tenant: string | undefined;
  /** The store that content is put into; content for another than the tree's is refused. */
  readonly content?: string;
}

/** Why nothing happened: a code, and what to say beside it. */
export interface Refusal {
  readonly state: "refused";
  readonly code: ErrorCode;
  readonly reason?: string;
  readonly etag?: string;
  readonly resource?: string;
  readonly limit?: number;
  readonly used?: number;
  readonly requested?: number;
}

export type Look<R> = (R & { readonly state: "done" }) | Refusal;
/** `moved`: a revision is newer than the decision, which has to be made again. `again`: only another try. */
export type Answer<R> = Look<R> | { readonly state: "moved" } | { readonly state: "again" };

/** Content in the content storage: `frames` are the SHA-256 of each 4 MiB, in hex, one behind the other. */
export interface StoredBlob {
  readonly id: string;
  readonly codec: string;
  readonly size: number;
  readonly frames: string;
}

export interface WriteCommit {
  readonly settlement: Settlement;
  readonly path: string;
  readonly mode: Mode;
  readonly size: number;
  /** SHA-256 of the whole, in hex. */
  readonly digest: string;
  readonly contentType: string | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly content: Uint8Array | { readonly blob: string; readonly frames: string };
}

export interface TransferCommit {
  readonly settlement: Settlement;
  readonly from: string;
  readonly to: string;
  readonly mode: Mode;
  readonly ifMatch: string | undefined;
}

/**
 * The index of a versioned tree, in the ledger. Each call is one transaction; a commit checks fences, revisions,
 * condition and room, swaps, and records version, counters, audit entry, idempotency row and event, or does nothing.
 */
export interface LedgerCommit {
  readonly stat: (tree: TreeRef, path: string) => Promise<Look<{ readonly stat: Stat }>>;
  readonly read: (
    tree: TreeRef,
    path: string,
    version: string | undefined,
    /** Told anew in the answer, of the same snapshot. */
    revisions?: readonly Revision[],
  ) => Promise<
    Look<{
      readonly stat: Stat;
      /** The content, if it lies in the row; then `digest` is its SHA-256, in hex. */
      readonly inline: Uint8Array;
      readonly digest?: string;
      readonly blob?: StoredBlob;
      readonly snapshot?: Snapshot;
    }>
  >;
  readonly list: (
    tree: TreeRef,
    path: string,
    after: string,
    limit: number,
  ) => Promise<Look<{ readonly entries: readonly Stat[] }>>;
  readonly versions: (
    tree: TreeRef,
    path: string,
    before: string | undefined,
    limit: number,
  ) => Promise<Look<{ readonly entries: readonly VersionEntry[] }>>;
  /** Registers a blob under a lease of 60 s before its first byte, unless its commit would be refused now. */
  readonly openBlob: (
    tree: TreeRef,
    path: string,
    mode: Mode,
    size: number | undefined,
  ) => Promise<Look<{ readonly id: string }>>;
  readonly renewBlobs: (tree: TreeRef, ids: readonly string[]) => Promise<void>;
  /** True if nothing stands on the blob, whose bytes may go then; waits for a commit that is in doubt. */
  readonly discardBlob: (tree: TreeRef, id: string) => Promise<boolean>;
  readonly forgetBlob: (tree: TreeRef, id: string) => Promise<void>;
  readonly write: (tree: TreeRef, commit: WriteCommit) => Promise<Answer<WriteResult>>;
  readonly mkdir: (tree: TreeRef, settlement: Settlement, path: string) => Promise<Answer<object>>;
  readonly remove: (
    tree: TreeRef,
    settlement: Settlement,
    path: string,
    options: { readonly recursive: boolean; readonly ifMatch: string | undefined },
  ) => Promise<Answer<{ readonly files: number; readonly bytes: number }>>;
  readonly copy: (
    tree: TreeRef,
    commit: TransferCommit,
  ) => Promise<
    Answer<
      | (WriteResult & { readonly directory?: false })
      | { readonly directory: true; readonly files: number; readonly bytes: number }
    >
  >;
  readonly move: (
    tree: TreeRef,
    commit: TransferCommit,
  ) => Promise<
    Answer<{ readonly replaced?: { readonly size: number; readonly version?: string } }>
  >;
  readonly restore: (
    tree: TreeRef,
    settlement: Settlement,
    path: string,
    version: string,
  ) => Promise<Answer<WriteResult>>;
}

/** What a collection and a scrub ask of the ledger, on the server's own account. */
export interface BlobLedger {
  readonly weighBlobs: (
    content: string,
    graceMs: number,
  ) => Promise<{
    readonly blobs: number;
    /** On which nothing stands and which nobody writes. */
    readonly idle: number;
    readonly tombstones: number;
    readonly due: number;
  }>;
  /** Takes the rows of idle blobs, locked; answers how many became tombstones. */
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
  readonly damagedRows: (
    tree: string,
  ) => Promise<readonly { readonly node: string; readonly version: string }[]>;
}
