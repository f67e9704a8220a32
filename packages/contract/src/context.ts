import type { VirtualPath } from "./path.ts";
import type { Revision, Settlement } from "./settlement.ts";

/** What a backend tells before its first visible effect. `id` names the staged content and is what recovery asks for. */
export interface Staged {
  readonly id: string;
  readonly size: number;
  readonly digest?: string;
  readonly etagBefore?: string;
  /** How much more there will be at most, where that is not the size of one file less that of what it replaces. */
  readonly adds?: { readonly files: number; readonly bytes: number };
}

/** All that a backend may know of a request. */
export interface OpContext {
  readonly signal: AbortSignal;
  readonly requestId: string;
  /** Milliseconds since the epoch, by the ledger's clock. */
  readonly now: number;
  readonly settlement: Settlement;
  /**
   * Asks whether the effect may happen. A backend awaits it exactly once an attempt, when the content is durable in
   * staging and before the first visible effect; if it rejects, the backend discards what was staged and rethrows.
   */
  readonly commit: (staged: Staged) => Promise<void>;
}

export type Scope = "read" | "write" | "share" | "admin";
export const scopes: readonly Scope[] = ["read", "write", "share", "admin"];

export type SubjectType = "user" | "agent" | "service" | "group";
export interface Subject {
  readonly type: SubjectType;
  readonly id: string;
}

/** Where relative paths begin, and what can be reached at all. */
export interface Reach {
  readonly home: VirtualPath;
  readonly bounds: readonly VirtualPath[];
}

export type TenantStatus =
  | "provisioning"
  | "trial"
  | "active"
  | "suspended"
  | "cancelled"
  | "deleting"
  | "deleted";

export interface TenantRef {
  /** Immutable; never used again. */
  readonly uid: string;
  readonly id: string;
  readonly status: TenantStatus;
}

/** What relations give somebody on one path. */
export interface Verdict {
  /** The bits of `permissionBits`. */
  readonly mask: number;
  /** True if something at or below the path can be read: its name may then be shown on the way. */
  readonly leads: boolean;
  /** When what allowed it ends, in milliseconds; Infinity if it does not. */
  readonly until: number;
  /** A limit was hit: what is not allowed was not decided. */
  readonly indeterminate: boolean;
}

/**
 * What relations say of one subject, on facts no older than the admission that it came with. Only policy asks it; it
 * keeps nothing that was decided.
 */
export interface Standing {
  /** True for an admin of the principal's own tenant. */
  readonly admin: boolean;
  /** Says that `path` may be asked about, or waits until it may be: relations of another tenant are brought in first. */
  readonly reach: (path: VirtualPath) => Promise<void> | undefined;
  /** The revisions, beside those of the admission, that verdicts on these paths stand on. */
  readonly revisionsOf: (paths: readonly VirtualPath[]) => readonly Revision[];
  readonly verdict: (path: VirtualPath) => Verdict;
  /** One verdict for the directory; then one look-up an entry. */
  readonly listing: (directory: VirtualPath) => (name: string) => Verdict;
  /** True if a relation strictly below `path` closes what lies there to the subject. */
  readonly closedBelow: (path: VirtualPath) => boolean;
  /** True if moving from one path to the other leaves a directory on which anybody is blocked. */
  readonly unblocks: (from: VirtualPath, to: VirtualPath) => boolean;
}

/**
 * Who is asking, as the ledger said after the request arrived. `platform` holds the platform key, `capability` a key
 * bound to a prefix, `identity` a key that stands for a subject of its tenant.
 */
export interface Principal {
  readonly kind: "platform" | "capability" | "identity";
  readonly keyId: string;
  readonly tenant: TenantRef | undefined;
  readonly subject: Subject;
  readonly scopes: readonly Scope[];
  readonly reach: Reach;
  /** Milliseconds since the epoch, or undefined for a key that does not expire. */
  readonly expiresAt: number | undefined;
  /** The ids of the keys of identities that it was minted with, directly or through others; absent if there are none. */
  readonly mintedBy?: readonly string[] | undefined;
  /** A prefix that the request itself was narrowed to. */
  readonly narrowedTo?: VirtualPath | undefined;
  /** Who holds the key, where it acts for somebody else: the rest is about the one it acts for. */
  readonly holder?: Pick<Principal, "kind" | "subject" | "tenant"> | undefined;
  /** The one it acts for, as `user:alice`, and that one's tenant by id. */
  readonly acting?: { readonly subject: string; readonly tenant: string } | undefined;
  /** What the request reaches through shares, beside its own bounds; judged there by what carries the share. */
  readonly via?: readonly VirtualPath[] | undefined;
  /** What relations give; undefined for keys that no relation governs. */
  readonly standing?: Standing | undefined;
}

/** What a session and the tree know of a request; below the mount table only `OpContext` is left. */
export interface Context extends OpContext {
  readonly principal: Principal;
  /** The uids of further tenants whose limits this request was counted against. */
  readonly drawn?: Set<string> | undefined;
  /** Ends at once whatever this request is still sending, never as if it were complete. */
  readonly cut: () => void;
}
