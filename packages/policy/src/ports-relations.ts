import type {
  Context,
  PageOf,
  PageQuery,
  Revision,
  Settlement,
  Subject,
  TenantStatus,
  UserPatch,
  UserRecord,
  UserRole,
  Verdict,
  VirtualPath,
} from "@bulkhead/contract";

/** Who a relation names. `tenant` is a uid; `*` is everybody of that type in the object's tenant. */
export interface SubjectRef {
  readonly tenant: string;
  readonly type: "user" | "agent" | "service" | "group" | "tenant";
  readonly id: string;
  readonly relation?: "member" | "admin" | undefined;
}

/** What a relation is on. `tenant` is a uid. */
export type ObjectRef =
  | { readonly tenant: string; readonly type: "file"; readonly path: VirtualPath }
  | { readonly tenant: string; readonly type: "group"; readonly id: string }
  | { readonly tenant: string; readonly type: "tenant" };

export interface RelationTuple {
  readonly subject: SubjectRef;
  readonly relation: "owner" | "editor" | "viewer" | "blocked" | "member" | "admin";
  readonly object: ObjectRef;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
  /** Only what lies below the path. */
  readonly belowOnly?: boolean | undefined;
}

export interface StoredTuple extends RelationTuple {
  readonly id: string;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly share: string | undefined;
}

/** Where a file lies whose storage is looked up in the granting transaction itself. */
export interface FoundAt {
  readonly mount: string;
  readonly path: string;
}

/** Relations in the ledger. Mutations append `settlement.audit` in their own transaction. */
export interface Tuples {
  /** Rejects with `not-found` for an object that is not there, with `conflict` where what was decided on was taken away. */
  readonly grant: (
    settlement: Settlement,
    tuples: readonly RelationTuple[],
    existence: FoundAt | undefined,
  ) => Promise<{ readonly relations: readonly StoredTuple[]; readonly revision: Revision }>;
  readonly revoke: (
    settlement: Settlement,
    tenant: string,
    ids: readonly string[],
  ) => Promise<{ readonly revoked: readonly StoredTuple[]; readonly revision: Revision }>;
  readonly get: (id: string) => Promise<StoredTuple | undefined>;
  readonly list: (
    query: PageQuery & {
      readonly tenant?: string | undefined;
      readonly subjectTenant?: string | undefined;
      readonly subject?: Omit<SubjectRef, "tenant"> | undefined;
      readonly relation?: string | undefined;
      readonly path?: VirtualPath | undefined;
      readonly object?: { readonly type: string; readonly id: string } | undefined;
      readonly crossing?: boolean | undefined;
    },
  ) => Promise<PageOf<StoredTuple>>;
  readonly revisions: (
    tenants: readonly string[],
  ) => Promise<readonly (Revision & { readonly status: TenantStatus | undefined })[]>;
}

/** Whom the ledger knows. `tenant` is a uid. */
export interface Subjects {
  readonly find: (tenant: string, id: string) => Promise<readonly Subject[]>;
  readonly tenantsOf: (subject: Subject, limit: number) => Promise<readonly string[]>;
}

/** People, agents, services and groups. Mutations append `settlement.audit` in their own transaction. */
export interface UserStore extends Pick<Subjects, "find"> {
  readonly createUser: (
    settlement: Settlement,
    tenant: string,
    user: {
      readonly type: UserRecord["type"];
      readonly id: string;
      readonly email: string | undefined;
      readonly fullName: string | undefined;
      readonly role: UserRole;
      readonly relations: readonly RelationTuple[];
    },
  ) => Promise<UserRecord>;
  readonly getUser: (tenant: string, type: string, id: string) => Promise<UserRecord | undefined>;
  /** False for one that relations or keys only name: it can still be created. */
  readonly hasAccount: (tenant: string, type: string, id: string) => Promise<boolean>;
  readonly listUsers: (
    tenant: string,
    query: PageQuery & { readonly type?: string | undefined },
  ) => Promise<PageOf<UserRecord>>;
  readonly patchUser: (
    settlement: Settlement,
    tenant: string,
    type: string,
    id: string,
    patch: UserPatch,
    relations:
      | { readonly drop: readonly RelationTuple[]; readonly add: readonly RelationTuple[] }
      | undefined,
  ) => Promise<UserRecord>;
  /** Ends the subject, its keys, and every relation that names it in any tenant. */
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

/** Why relations allow or not: the tuples that grant, or the nearest misses. */
export interface Reasons {
  readonly allowed: boolean;
  readonly chain: readonly RelationTuple[];
  readonly misses: readonly {
    readonly tuple: RelationTuple;
    readonly why: "expired" | "blocked" | "other-path" | "other-subject" | "weaker-role";
  }[];
}

/** What relations say of one subject in one tenant, all from the same facts. */
export interface Facts {
  /** Of the object's tenant. */
  readonly revision: Revision;
  /** True for an admin of the object's tenant. */
  readonly admin: boolean;
  readonly verdict: (path: VirtualPath) => Verdict;
  /** The roots below which the permission (a bit) holds, none below another; excepted are those blocked. */
  readonly cover: (permission: number) => {
    readonly roots: readonly VirtualPath[];
    readonly except: readonly VirtualPath[];
  };
  readonly explain: (path: VirtualPath, permission: number) => Reasons;
}

/** What the ledger said when a request was admitted, by its clock. */
export interface AsOf {
  readonly now: number;
  readonly revisions: readonly Revision[];
}

/** The relations in memory, no older than the admission; of tenants that it does not name, than the call. */
export interface Relations {
  readonly of: (subject: SubjectRef, tenant: string, asOf: AsOf) => Promise<Facts>;
  /** Whom a relation on the path or above gives the permission, groups and tenants as such. */
  readonly subjects: (
    tenant: string,
    path: VirtualPath,
    permission: number,
    asOf: AsOf,
  ) => Promise<readonly SubjectRef[]>;
}

/** What a caller's words mean in the tree. */
export interface Grounds {
  /** Absolute, or below the caller's home. Throws `invalid-path`, and `outside-workspace` beyond its bounds. */
  readonly place: (ctx: Context, raw: string) => VirtualPath;
  readonly tenantAt: (path: VirtualPath) => string | undefined;
  /** The uid of the tenant of that id where it has a root, as of the request's admission or later. */
  readonly tenantNamed: (id: string) => string | undefined;
  /**
   * Rejects with `not-found` if nothing is there. Answers where it is looked up again in the granting transaction, or
   * undefined where the storage has been asked and no revision may move any more.
   */
  readonly find: (ctx: Context, path: VirtualPath) => Promise<FoundAt | undefined>;
}
