import type {
  AuditDraft,
  AuditEntry,
  AuditFault,
  AuditQuery,
  KeyRecord,
  PageOf,
  PageQuery,
  Principal,
  Revision,
  Scope,
  Settlement,
  Snapshot,
  Subject,
  TenantRef,
  VirtualPath,
} from "@bulkhead/contract";

/** What the ledger says of a key at this moment. */
export interface Admission {
  readonly principal: Principal;
  /** Of the platform, and of the key's tenant where it has one. */
  readonly revisions: readonly Revision[];
  /** Of further tenants, told by the same read. */
  readonly nearby?: readonly Revision[];
  readonly now: number;
}

/** What is kept of an admission to ask for it again. */
export type Admitted = Pick<Principal, "keyId" | "narrowedTo" | "acting" | "via">;

/** Says whose a key is. Each answer comes from a read that began after the call. */
export interface Authority {
  /** Rejects with `unauthenticated` for every key that is not valid now, with `unavailable` without a ledger. */
  readonly admit: (credential: string) => Promise<Admission>;
  /**
   * The same for one who was admitted before, narrowed and acting as before. With what a statement begun after the
   * request told, that is all that is asked where it moved nothing that is known of the key.
   */
  readonly readmit: (principal: Admitted, seen?: Snapshot) => Promise<Admission>;
  /** The same admission, acting for another. Rejects unless the key may. */
  readonly actFor: (
    admission: Admission,
    as: string,
    namespace: string | undefined,
  ) => Promise<Admission>;
}

/** Where refusals are recorded. Never waits; what it cannot record singly it counts. */
export interface DenialSink {
  readonly denied: (tenant: string | undefined, draft: AuditDraft, reason: string) => void;
  /** A request refused before anyone was known. */
  readonly refused: (
    address: string,
    kind: "unauthenticated" | "malformed" | "rate-limited",
  ) => void;
}

/** A tenant's root as the mount table's snapshot has it. */
export interface TenantRoot {
  readonly path: VirtualPath;
  readonly tenant: TenantRef;
}

/** The tenants, as the tenant gate asks for them. */
export interface Tenants {
  /** The root at exactly `path`, no older than the revisions of the request's admission. */
  readonly rootAt: (path: VirtualPath) => TenantRoot | undefined;
  /** Makes the tenant named by the root's last segment, or adds the root to it. Rejects with `already-exists`. */
  readonly createRoot: (settlement: Settlement, path: VirtualPath) => Promise<void>;
}

/** A new key as it is stored: the SHA-256 of the string as shown, never the string. */
export interface NewKey {
  readonly id: string;
  readonly hash: Uint8Array;
  /** Undefined for a platform key. */
  readonly tenantUid: string | undefined;
  readonly name: string;
  readonly subject: Subject;
  readonly workspacePrefix: VirtualPath | undefined;
  readonly scopes: readonly Scope[];
  readonly expiresAt: number | undefined;
  readonly createdBy: string;
  /** The key that minted it, unless that was a platform key. */
  readonly parent: string | undefined;
}

/** Keys in the ledger. Mutations append `settlement.audit` to the tenant's chain in their own transaction. */
export interface KeyStore {
  readonly insert: (settlement: Settlement, key: NewKey) => Promise<KeyRecord>;
  readonly get: (id: string) => Promise<KeyRecord | undefined>;
  readonly list: (tenantUid: string | undefined, query: PageQuery) => Promise<PageOf<KeyRecord>>;
  readonly narrow: (
    settlement: Settlement,
    id: string,
    to: {
      readonly name?: string | undefined;
      readonly scopes?: readonly Scope[] | undefined;
      readonly workspacePrefix?: VirtualPath | undefined;
      readonly expiresAt?: number | undefined;
    },
  ) => Promise<KeyRecord>;
  /** Revokes it and all minted with it; resolves when nothing they started can commit. */
  readonly revoke: (settlement: Settlement, id: string) => Promise<void>;
  /** Inserts the successor and ends the old key after `overlapMs`. */
  readonly rotate: (
    settlement: Settlement,
    id: string,
    successor: NewKey,
    overlapMs: number,
  ) => Promise<KeyRecord>;
}

export type { NewTenant, TenantStore } from "@bulkhead/contract";

export interface AuditLog {
  /** Recomputes a chain and verifies its signed heads. */
  readonly examine: (tenantUid: string | undefined) => Promise<{
    readonly entries: number;
    readonly hash: string;
    readonly signed: number | undefined;
    readonly fault: AuditFault | undefined;
  }>;
  readonly list: (
    tenantUid: string | undefined,
    query: Omit<AuditQuery, "tenant">,
  ) => Promise<PageOf<AuditEntry>>;
}

/** Mints the string of a new key: shown once, stored as its SHA-256. */
export type MintKeyString = () => {
  readonly id: string;
  readonly key: string;
  readonly hash: Uint8Array;
};
