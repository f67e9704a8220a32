import type {
  PageOf,
  PageQuery,
  Revision,
  Settlement,
  Subject,
  TenantStatus,
  UserPatch,
  UserRecord,
  UserRole,
  VirtualPath,
} from "@bulkhead/contract";

/** Who a stored relation names. `tenant` is a uid; `*` is everybody of that type in the object's tenant. */
export interface StoredSubject {
  readonly tenant: string;
  readonly type: "user" | "agent" | "service" | "group" | "tenant";
  readonly id: string;
  readonly relation?: "member" | "admin" | undefined;
}

export type StoredObject =
  | { readonly tenant: string; readonly type: "file"; readonly path: VirtualPath }
  | { readonly tenant: string; readonly type: "group"; readonly id: string }
  | { readonly tenant: string; readonly type: "tenant" };

/** One tuple of the built-in model. */
export interface StoredTuple {
  readonly subject: StoredSubject;
  readonly relation: "owner" | "editor" | "viewer" | "blocked" | "member" | "admin";
  readonly object: StoredObject;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
  /** For `/x/*`: only what lies below the path. */
  readonly belowOnly?: boolean | undefined;
}

export interface StoredRelation extends StoredTuple {
  readonly id: string;
  readonly createdAt: number;
  readonly createdBy: string;
  /** The share that made it, and that ends it. */
  readonly share: string | undefined;
}

/**
 * What happened to a tenant's relations; of another kind is what concerns no graph. A tuple that was given twice, by a
 * grant and by a share, is added twice, and each drop takes one away.
 */
export type RelationChange =
  | { readonly kind: "add" | "drop"; readonly tuple: StoredTuple }
  | { readonly kind: "move"; readonly from: VirtualPath; readonly to: VirtualPath }
  | { readonly kind: "purge"; readonly path: VirtualPath };

/**
 * What has to be true of the object of a grant in the transaction that makes it. `tree` says that the path lies in the
 * versioned tree of that mount and is looked up there; otherwise the settlement's revisions must not have moved since
 * the storage was asked.
 */
export interface Existence {
  readonly mount: string;
  /** Inside the mount; empty for its root. */
  readonly path: string;
}

/** A tenant's revision, and whether it is suspended: what crosses tenants dies with either's suspension. */
export interface TenantRevision extends Revision {
  /** Undefined for the platform. */
  readonly status: TenantStatus | undefined;
}

/** Relations of the built-in model, users and groups, in the ledger. */
export interface RelationStore {
  /**
   * All or none, at most 1,000. One that is there already is renewed: its end becomes the new one. Rejects with
   * `not-found` for an object, a group or a subject of another tenant that is not there (an unknown subject of the
   * object's tenant is registered), with `conflict` if anything was taken away from a tenant of the settlement's
   * revisions since they were read: then decide again.
   */
  readonly grant: (
    settlement: Settlement,
    tuples: readonly StoredTuple[],
    existence: Existence | undefined,
  ) => Promise<{ readonly relations: readonly StoredRelation[]; readonly revision: Revision }>;
  /** Resolves when nothing that stood on them can commit. Unknown ids are passed over. */
  readonly revoke: (
    settlement: Settlement,
    tenant: string,
    ids: readonly string[],
  ) => Promise<{ readonly revoked: readonly StoredRelation[]; readonly revision: Revision }>;
  readonly get: (id: string) => Promise<StoredRelation | undefined>;
  /** Of one object's tenant, or with `subjectTenant` those that name one's subjects. Expired ones are absent. */
  readonly list: (
    query: PageQuery & {
      readonly tenant?: string | undefined;
      readonly subjectTenant?: string | undefined;
      readonly subject?: Omit<StoredSubject, "tenant"> | undefined;
      readonly relation?: string | undefined;
      readonly path?: VirtualPath | undefined;
      readonly object?: { readonly type: string; readonly id: string } | undefined;
      readonly crossing?: boolean | undefined;
    },
  ) => Promise<PageOf<StoredRelation>>;
  /** A page of everything a tenant's graph holds: its own tuples and those of others that name its subjects. */
  readonly load: (
    tenant: string,
    after: string | undefined,
    limit: number,
  ) => Promise<{
    readonly tuples: readonly StoredTuple[];
    readonly next: string | undefined;
    readonly revision: Revision;
  }>;
  /** What changed after `since`, in order; `gap` if the changelog does not reach that far or the epoch is another. */
  readonly delta: (
    tenant: string,
    since: Revision,
  ) => Promise<
    { readonly changes: readonly RelationChange[]; readonly revision: Revision } | "gap"
  >;
  /**
   * The revisions of tenants with their status, by the shared revision read: from a statement that began after the call.
   * In the order asked for; a uid that no tenant has is left out.
   */
  readonly revisions: (tenants: readonly string[]) => Promise<readonly TenantRevision[]>;
  /** The walk as one statement: for a tenant too large to hold, and the tests' oracle. */
  readonly check: (
    subject: StoredSubject,
    tenant: string,
    path: VirtualPath,
  ) => Promise<{ readonly read: boolean; readonly write: boolean; readonly share: boolean }>;
}

/** People, agents, services and groups of a tenant. Every change takes a settlement and writes its audit entry. */
export interface SubjectStore {
  readonly createUser: (
    settlement: Settlement,
    tenant: string,
    user: {
      readonly type: "user" | "agent" | "service";
      readonly id: string;
      readonly email: string | undefined;
      readonly fullName: string | undefined;
      readonly role: UserRole;
      /** Given in the same transaction. */
      readonly relations: readonly StoredTuple[];
    },
  ) => Promise<UserRecord>;
  /** Makes a subject known without an account of its own; nothing happens if it is. */
  readonly register: (tenant: string, subject: Subject) => Promise<void>;
  readonly find: (tenant: string, id: string) => Promise<readonly Subject[]>;
  /** Tenants in which such a subject is known, at most `limit`. */
  readonly tenantsOf: (subject: Subject, limit: number) => Promise<readonly string[]>;
  readonly getUser: (tenant: string, type: string, id: string) => Promise<UserRecord | undefined>;
  /** True for one that was created; false for one that is unknown or was only registered. */
  readonly hasAccount: (tenant: string, type: string, id: string) => Promise<boolean>;
  readonly listUsers: (
    tenant: string,
    query: PageQuery & { readonly type?: string | undefined },
  ) => Promise<PageOf<UserRecord>>;
  /** With a role the relations of the old role go and `relations` come, in one transaction. A suspended one's keys are refused. */
  readonly patchUser: (
    settlement: Settlement,
    tenant: string,
    type: string,
    id: string,
    patch: UserPatch,
    relations:
      | { readonly drop: readonly StoredTuple[]; readonly add: readonly StoredTuple[] }
      | undefined,
  ) => Promise<UserRecord>;
  /** Ends the subject, its keys, and every relation that names it in any tenant. For a group: its members too. */
  readonly remove: (
    settlement: Settlement,
    tenant: string,
    type: Subject["type"],
    id: string,
  ) => Promise<void>;
  readonly createGroup: (
    settlement: Settlement,
    tenant: string,
    id: string,
  ) => Promise<{ readonly id: string; readonly createdAt: number }>;
  readonly listGroups: (
    tenant: string,
    query: PageQuery,
  ) => Promise<PageOf<{ readonly id: string; readonly createdAt: number }>>;
}
