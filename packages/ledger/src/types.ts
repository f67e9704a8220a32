import type {
  AuditDraft,
  AuditEntry,
  AuditQuery,
  Idempotency,
  KeyRecord,
  Operation,
  PageOf,
  PageQuery,
  Principal,
  Revision,
  Scope,
  Settlement,
  Snapshot,
  Staged,
  Subject,
  VirtualPath,
} from "@bulkhead/contract";

import type { Accounted, Charge, SettledAs } from "./types-accounted.ts";
import type { QuotaStore, Reservations } from "./types-quota.ts";
import type { Uploads } from "./types-uploads.ts";
import type { HealthStore } from "./health.ts";
import type { MasterKeys, Provisioning, Secrets } from "./types-provisioning.ts";
import type { Directory } from "./types-directory.ts";
import type { Mounts } from "./types-mounts.ts";
import type { Roots } from "./types-roots.ts";
import type { Moves } from "./types-moves.ts";
import type { Rates } from "./types-rates.ts";
import type { RelationStore, SubjectStore } from "./types-relations.ts";
import type { ModelStore, ShareStore } from "./types-shares.ts";
import type { LedgerTenants } from "./types-tenants.ts";
import type { Trees } from "./types-trees.ts";
import type { Usage } from "./types-usage.ts";
import type { FileChanges, Jobs, Leases, Outbox } from "./types-work.ts";

/** Names the platform where a `Revision` names a tenant. */
export const platformName = "platform";
/** Stands for the platform in every row that names a tenant. */
export const platformUid = "00000000-0000-0000-0000-000000000000";

/** What the ledger says of a key at this moment. */
export interface Admission {
  readonly principal: Principal;
  /** Of the platform first, then of the key's tenant where it has one. */
  readonly revisions: readonly Revision[];
  /** Of tenants that somebody asked for a moment ago, told by the same read: who asks of one once asks again. */
  readonly nearby?: readonly Revision[];
  /** Milliseconds since the epoch, by the ledger's clock. */
  readonly now: number;
}

export interface Authority {
  /** Rejects with `unauthenticated` for every key that is not valid now, with `unavailable` without a ledger. */
  readonly admit: (credential: string) => Promise<Admission>;
  /** With what another statement saw just now: asked further only if it tells too little, or of something newer than is known. */
  readonly readmit: (keyId: string, seen?: Snapshot) => Promise<Admission>;
}

export type RefusalKind = "unauthenticated" | "malformed" | "rate-limited";

export interface DenialSink {
  readonly denied: (tenant: string | undefined, draft: AuditDraft, reason: string) => void;
  readonly refused: (address: string, kind: RefusalKind) => void;
  /** Writes what is waiting. Never rejects; what cannot be written is kept for the next time, within bounds. */
  readonly flush: () => Promise<void>;
}

export interface NewKey {
  readonly id: string;
  readonly hash: Uint8Array;
  readonly tenantUid: string | undefined;
  readonly name: string;
  readonly subject: Subject;
  readonly workspacePrefix: VirtualPath | undefined;
  readonly scopes: readonly Scope[];
  readonly expiresAt: number | undefined;
  readonly createdBy: string;
  readonly parent: string | undefined;
}

export interface KeyNarrowing {
  readonly name?: string | undefined;
  readonly scopes?: readonly Scope[] | undefined;
  readonly workspacePrefix?: VirtualPath | undefined;
  readonly expiresAt?: number | undefined;
}

export interface KeyStore {
  readonly insert: (settlement: Settlement, key: NewKey) => Promise<KeyRecord>;
  readonly get: (id: string) => Promise<KeyRecord | undefined>;
  /** Of one tenant; undefined is the platform's own. Oldest first, revoked ones too. */
  readonly list: (tenantUid: string | undefined, query: PageQuery) => Promise<PageOf<KeyRecord>>;
  readonly narrow: (settlement: Settlement, id: string, to: KeyNarrowing) => Promise<KeyRecord>;
  readonly revoke: (settlement: Settlement, id: string) => Promise<void>;
  readonly rotate: (
    settlement: Settlement,
    id: string,
    successor: NewKey,
    overlapMs: number,
  ) => Promise<KeyRecord>;
}

/** Where a chain of audit entries stops following from itself. */
export interface ChainFault {
  /** The entry's number, from 1. */
  readonly n: number;
  readonly fault: "changed" | "missing" | "reordered" | "signature";
  /** The last entry that may be the one, where a signed head tells only that the chain is another one. */
  readonly to?: number;
}

/** A head of a chain as it was once, signed. */
export interface AuditHead {
  readonly tenantUid: string | undefined;
  readonly n: number;
  /** SHA-256, in hex. */
  readonly hash: string;
  /** When it was signed, in milliseconds since the epoch. */
  readonly at: number;
  readonly keyId: string;
  /** In hex. */
  readonly signature: string;
}

export interface AuditHeads {
  /** Heads that moved since one of theirs was signed, in order of uid behind `after`; `next` where there are more. */
  readonly unsigned: (
    after: string | undefined,
    limit: number,
  ) => Promise<{
    readonly heads: readonly Pick<AuditHead, "tenantUid" | "n" | "hash">[];
    readonly next: string | undefined;
  }>;
  readonly keep: (heads: readonly AuditHead[]) => Promise<void>;
}

/** How far a chain follows from itself. */
export interface ChainVerdict {
  /** Entries that do, from the first on. */
  readonly entries: number;
  /** The hash of the last of them, in hex. */
  readonly hash: string;
  /** The number of the last signed head among them. */
  readonly signed: number | undefined;
  readonly fault: ChainFault | undefined;
}

export interface AuditLog {
  /** Of one tenant's chain, newest first; undefined is the platform's own. */
  readonly list: (
    tenantUid: string | undefined,
    query: Omit<AuditQuery, "tenant">,
  ) => Promise<PageOf<AuditEntry>>;
  /**
   * Recomputes a chain as it is now, in transactions of a moment each, and compares it with its signed heads.
   * `isSigned` judges a signature; without, it is not looked at.
   */
  readonly examine: (
    tenantUid: string | undefined,
    isSigned?: (head: AuditHead) => boolean | Promise<boolean>,
  ) => Promise<ChainVerdict>;
  /** Writes one entry of what left no commit. Rejects where it cannot be written. */
  readonly record: (tenantUid: string, draft: AuditDraft) => Promise<void>;
  /** Rejects unless an entry of that tenant could be written now. */
  readonly checkWritable: (tenantUid: string) => Promise<void>;
  /** The same as `examine` without signatures: undefined if every entry follows from the one before it. */
  readonly verify: (tenantUid: string | undefined) => Promise<ChainFault | undefined>;
}

export interface NewIntent {
  readonly mount: string;
  /** The number of the lease `mount:<mount>` this process holds; its commit is refused once the lease is another's. */
  readonly fencing: number | undefined;
  readonly operation: Operation;
  readonly paths: readonly string[];
  readonly size: number | undefined;
}

export interface Outcome {
  readonly files?: number;
  readonly bytes?: number;
  readonly created?: boolean;
  readonly etag?: string;
}

export interface PendingIntent extends NewIntent {
  /** The uid of the tenant that it is charged to; undefined is the platform. */
  readonly tenant: string | undefined;
  readonly id: string;
  readonly state: "open" | "committing";
  readonly staged: string | undefined;
}

/** An intent that is written only as it is granted. */
export interface LateIntent {
  readonly id: string;
  /** Writes it as `committing`, unless a revision moved; may be asked again. */
  readonly grant: (settlement: Settlement, staged: Staged) => Promise<"committing" | "moved">;
}

export interface Intents {
  /** Undefined where the intent has to be there before its effect is prepared. */
  readonly late: (settlement: Settlement, intent: NewIntent) => LateIntent | undefined;
  readonly begin: (settlement: Settlement, intent: NewIntent) => Promise<string>;
  readonly commit: (
    settlement: Settlement,
    id: string,
    staged: Staged,
  ) => Promise<"committing" | "moving" | "moved">;
  /** Without `charge` the counters stay as they are. */
  readonly settle: (id: string, outcome: Outcome, charge?: Charge) => Promise<SettledAs>;
  /** Settles, and adds the outcome's bytes and files to what the tenant uses, in one transaction. Once, however often. */
  readonly charge: (id: string, outcome: Outcome) => Promise<void>;
  readonly discard: (id: string) => Promise<void>;
  readonly renew: (ids: readonly string[]) => Promise<void>;
  readonly pending: (mount: string) => Promise<readonly PendingIntent[]>;
  /** Those whose lease is over: whoever began them is gone, or late. */
  readonly lapsed: (mount: string) => Promise<readonly PendingIntent[]>;
  /** The mounts that have such intents. */
  readonly lapsedMounts: () => Promise<readonly string[]>;
}

export interface PlatformKeys {
  /** True once there is a platform key, from wherever. */
  readonly any: () => Promise<boolean>;
  /** Adds the environment's key, or mints the first one. `minted` is shown once and never again. */
  readonly ensure: (options: {
    readonly env?: string | undefined;
  }) => Promise<{ readonly minted: string | undefined }>;
}

/** The markers that show which folder or bucket holds a mount's content. */
export interface ContentRoots {
  /** Undefined for a mount that never opened. */
  readonly get: (mount: string) => Promise<string | undefined>;
  readonly record: (mount: string, marker: string) => Promise<void>;
}

/** The control plane, open. */
export interface Ledger {
  readonly authority: Authority;
  readonly denials: DenialSink;
  readonly keys: KeyStore;
  readonly tenants: LedgerTenants;
  readonly quota: QuotaStore;
  readonly reservations: Reservations;
  readonly uploads: Uploads;
  readonly health: HealthStore;
  readonly provisioning: Provisioning;
  readonly secrets: Secrets;
  readonly masterKeys: MasterKeys;
  readonly mounts: Mounts;
  readonly directory: Directory;
  readonly relations: RelationStore;
  readonly subjects: SubjectStore;
  readonly models: ModelStore;
  readonly shares: ShareStore;
  readonly auditLog: AuditLog;
  readonly auditHeads: AuditHeads;
  readonly intents: Intents;
  readonly accounted: Accounted;
  readonly idempotency: Idempotency & { readonly purge: () => Promise<void> };
  readonly roots: Roots;
  readonly rates: Rates;
  readonly leases: Leases;
  readonly contentRoots: ContentRoots;
  readonly jobs: Jobs;
  readonly moves: Moves;
  readonly outbox: Outbox;
  readonly fileChanges: FileChanges;
  readonly platformKeys: PlatformKeys;
  readonly usage: Usage;
  /** Versioned trees: their index, history and blobs. */
  readonly trees: Trees;
  /** Runs work for a tenant: of the connections it gets its share. */
  readonly onBehalfOf: <R>(owner: string, work: () => R) => R;
  /** By how many milliseconds the smallest question takes longer now than at its best. */
  readonly delay: () => number;
  /** Id of this ledger, made with it. */
  readonly id: string;
  /** Names what is not ready: `database`, `migrations`, `recovery`; or nothing. */
  readonly ready: () => Promise<string[]>;
  /** Flushes what waits and ends every connection. */
  readonly close: () => Promise<void>;
}

/** Where the ledger reports what no caller waits for. */
export type Log = (event: { readonly message: string; readonly error?: unknown }) => void;
