import type { JobRecord, Settlement } from "@bulkhead/contract";
import type { RootRecord } from "./types-roots.ts";
import type { StoredBlob } from "./types-trees.ts";

/** The kind of job that moves a tenant. */
export const moveKind = "tenant.move";

/** `copying` until the roots stand on the new content, `switched` until nothing is left to be done. */
export type MoveState = "copying" | "switched" | "ended";

export interface MoveRecord {
  readonly tenantUid: string;
  readonly placement: string;
  /** Whether what is left behind stays. */
  readonly keep: boolean;
  readonly state: MoveState;
  /** True once it was given up, or its tenant is being deleted. */
  readonly aborted: boolean;
}

/** Content of a tenant beside what its roots stand on, spelled as the root that stands, stood or will stand on it. */
export interface ContentCopy {
  /** The name under which the ledger knows it. */
  readonly store: string;
  readonly state: "coming" | "left" | "kept";
  readonly root: RootRecord;
}

/** A blob with the SHA-256 of all of it, in hex. */
export type DigestedBlob = StoredBlob & { readonly digest: string };

/** Moves of tenants between placements: where content goes, what of it is there, and the switch. */
export interface Moves {
  /**
   * Begins a move as a job, whose id it answers. Rejects with `conflict` where one of that tenant has not ended, or all
   * its roots are on that placement.
   */
  readonly begin: (
    settlement: Settlement,
    tenantUid: string,
    to: { readonly placement: string; readonly keep: boolean },
  ) => Promise<string>;
  readonly get: (job: string) => Promise<MoveRecord | undefined>;
  /** The job of a tenant's latest move. */
  readonly latest: (tenantUid: string) => Promise<JobRecord | undefined>;
  /** Gives a move up, whose job then takes back what it did. Rejects with `conflict` once the roots have switched. */
  readonly abort: (settlement: Settlement | undefined, job: string) => Promise<void>;
  /** Registers where the content of a root goes. Idempotent. */
  readonly aim: (job: string, root: RootRecord, tree: string, mount: string) => Promise<void>;
  readonly copies: (
    of: { readonly job: string } | { readonly tenantUid: string },
  ) => Promise<readonly ContentCopy[]>;
  /** What has to be copied in all, as of now. */
  readonly weigh: (job: string) => Promise<{ readonly blobs: number; readonly bytes: number }>;
  /** The number of a tenant's latest commit. */
  readonly head: (tenantUid: string) => Promise<number>;
  /** A batch that the store lacks of what was there at a commit; empty once it has that. */
  readonly next: (store: string, seq: number, limit: number) => Promise<readonly DigestedBlob[]>;
  /** Of these, the blobs that a version still stands on. */
  readonly needed: (ids: readonly string[]) => Promise<readonly string[]>;
  /** Notes what of a batch is in the store, read again there; the batch was looked through up to `after`. */
  readonly copied: (store: string, ids: readonly string[], after: string) => Promise<void>;
  /** For so long nobody of the tenant begins content that is too long for its row; 0 ends that. */
  readonly fence: (job: string, ms: number) => Promise<void>;
  /**
   * Lets the roots stand on the new content, all at once. `more`: something was stored since, nothing has changed;
   * `over`: the move was given up, or has switched before.
   */
  readonly switch: (job: string) => Promise<"done" | "more" | "over">;
  /** Lets every row name the new store instead of one that was left. */
  readonly relabel: (store: string) => Promise<void>;
  /** Keeps a copy that was left, or forgets one whose content is gone. */
  readonly settle: (store: string, as: "kept" | "gone") => Promise<void>;
  readonly end: (job: string) => Promise<void>;
  /** True while a tenant that is being deleted has a move that has not ended, which is told to. */
  readonly ending: (tenantUid: string) => Promise<boolean>;
}
