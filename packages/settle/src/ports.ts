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
  readonly id: string;
  readonly state: "open" | "committing";
  readonly staged: string | undefined;
}

/** Rows that stand for effects the ledger cannot share a transaction with. */
export interface Intents {
  /** Writes the row. Nothing of the effect exists before it resolves. */
  readonly begin: (settlement: Settlement, intent: NewIntent) => Promise<string>;
  /**
   * Steps to `committing` under the tenants' shared fences, unless a revision moved: then the decision has to be made
   * again, on the ledger's newer revisions, before another try.
   */
  readonly commit: (
    settlement: Settlement,
    id: string,
    staged: Staged,
  ) => Promise<"committing" | "moved">;
  /** Closes the audit entry, marks the idempotency row, and removes the intent, in one transaction. Idempotent. */
  readonly settle: (id: string, outcome: Outcome) => Promise<void>;
  /** Removes an intent whose effect did not happen. Idempotent. */
  readonly discard: (id: string) => Promise<void>;
  /** Keeps the leases of intents that are still streaming. */
  readonly renew: (ids: readonly string[]) => Promise<void>;
  /** What is left of earlier processes on that mount, oldest first. */
  readonly pending: (mount: string) => Promise<readonly PendingIntent[]>;
}
