import type { Operation, Settlement, Staged } from "@bulkhead/contract";

/** A mutation about to happen on storage outside the ledger. */
export interface NewIntent {
  /** The mount's id in the ledger. */
  readonly mount: string;
  /** The fencing number of the lease under which this process holds the mount; a commit under an older one is refused. */
  readonly fencing: number | undefined;
  readonly operation: Operation;
  /** Backend paths. */
  readonly paths: readonly string[];
  /** Declared size in bytes, where it is known. */
  readonly size: number | undefined;
}

/** What the effect was, once it is certain. */
export interface Outcome {
  readonly files?: number;
  readonly bytes?: number;
  readonly created?: boolean;
  readonly etag?: string;
}

/** An intent that a process left behind. */
export interface PendingIntent extends NewIntent {
  /** The uid of the tenant that it is charged to; undefined is the platform. */
  readonly tenant: string | undefined;
  readonly id: string;
  readonly state: "open" | "committing";
  readonly staged: string | undefined;
}

/** What is at a path of a storage once an effect is certain. Paths are backend paths. */
export type Fact =
  | {
      readonly is: "file";
      readonly path: string;
      readonly size: number;
      readonly etag: string | undefined;
    }
  /** Nothing is there, nor below. */
  | { readonly is: "gone"; readonly path: string }
  /** No file; what lies below is charged already. */
  | { readonly is: "directory"; readonly path: string }
  /** What was charged at `from` and below lies at `path` now. */
  | { readonly is: "moved"; readonly from: string; readonly path: string }
  /** What is charged below `from` lies below `path` too, and is so much. */
  | {
      readonly is: "copied";
      readonly from: string;
      readonly path: string;
      readonly files: number;
      readonly bytes: number;
    }
  /** So much more is stored than before, wherever. */
  | { readonly is: "added"; readonly files: number; readonly bytes: number };

/** How an intent is charged when it is settled. */
export interface Charge {
  readonly facts: readonly Fact[];
  /** Settled in a transaction of its own: relations may follow, or many rows change. */
  readonly alone: boolean;
}

/** A file that was found. */
export interface FoundFile {
  readonly path: string;
  readonly size: number;
  readonly etag: string | undefined;
}

/** What a storage is charged with, file by file. A tenant is a uid; undefined is the platform. */
export interface Accounted {
  /** True if the mount was counted for that tenant; what others were charged for it is taken off them. */
  readonly open: (mount: string, tenant: string | undefined) => Promise<boolean>;
  /** The first count is whole. */
  readonly counted: (mount: string, tenant: string | undefined) => Promise<void>;
  /** Charges what was found between two paths, both exclusive in byte order, and nothing else there. */
  readonly set: (
    mount: string,
    tenant: string | undefined,
    low: string,
    high: string,
    found: readonly FoundFile[],
  ) => Promise<void>;
  /** What is charged, in byte order of the paths, behind `after`. */
  readonly page: (
    mount: string,
    after: string,
    limit: number,
  ) => Promise<readonly { readonly path: string; readonly size: number }[]>;
  /** What is charged at exactly those paths. */
  readonly sizes: (mount: string, paths: readonly string[]) => Promise<ReadonlyMap<string, number>>;
}

/** An intent that is written only as its effect is granted. */
export interface LateIntent {
  readonly id: string;
  /**
   * Writes it as `committing` under the tenants' shared fences, unless a revision moved; may be asked again.
   */
  readonly grant: (settlement: Settlement, staged: Staged) => Promise<"committing" | "moved">;
}

/** Rows that stand for effects the ledger cannot share a transaction with. */
export interface Intents {
  /**
   * Answers how an intent can be written as late as at its commit: undefined where it has to be there before its effect
   * is prepared. Whoever takes that way leaves content behind if it ends in between, which the storage sweeps.
   */
  readonly late: (settlement: Settlement, intent: NewIntent) => LateIntent | undefined;
  /** Writes the row. Nothing of the effect exists before it resolves. */
  readonly begin: (settlement: Settlement, intent: NewIntent) => Promise<string>;
  /**
   * Steps to `committing` under the tenants' shared fences, unless a revision moved: then the decision has to be made
   * again, on the ledger's newer revisions, before another try. `moving`: granted, and relations will follow, so that
   * nobody may reach the paths before it is settled.
   */
  readonly commit: (
    settlement: Settlement,
    id: string,
    staged: Staged,
  ) => Promise<"committing" | "moving" | "moved">;
  /**
   * Closes the audit entry, marks the idempotency row, charges what the facts say, lets relations follow, and removes
   * the intent, in one transaction. Idempotent: `gone` if it was settled before. `look`: nothing happened, since the
   * facts do not fit what is charged. Without `charge` the counters stay as they are.
   */
  readonly settle: (
    id: string,
    outcome: Outcome,
    charge?: Charge,
  ) => Promise<"settled" | "gone" | "look">;
  /** Removes an intent whose effect did not happen. Idempotent. */
  readonly discard: (id: string) => Promise<void>;
  /** Keeps the leases of intents that are still streaming. */
  readonly renew: (ids: readonly string[]) => Promise<void>;
  /** What is left of earlier processes on that mount, oldest first. */
  readonly pending: (mount: string) => Promise<readonly PendingIntent[]>;
}
