import type { Context, SubjectType } from "./context.ts";
import type { PageOf, PageQuery } from "./records.ts";

/** What a relation of the file model gives on what it names and on everything below. */
export type FileRole = "owner" | "editor" | "viewer" | "blocked";
export const fileRoles: readonly FileRole[] = ["owner", "editor", "viewer", "blocked"];

/** What may be asked about a file. */
export type FilePermission = "can_read" | "can_write" | "can_share";
export const filePermissions: readonly FilePermission[] = ["can_read", "can_write", "can_share"];

/** The bit of each permission in a verdict. */
export const permissionBits: Readonly<Record<FilePermission, number>> = {
  can_read: 1,
  can_write: 2,
  can_share: 4,
};

/**
 * A relation as clients see it. `subject` is written `user:alice`, `group:staff#member`, `tenant:beta#member` or
 * `user:*`, `object` is `file:/workspace/acme/shared`, `group:staff` or `tenant:acme`. Times are milliseconds since the epoch.
 */
export interface RelationRecord {
  readonly id: string;
  /** The object's tenant. */
  readonly tenant: string;
  readonly subject: string;
  /** The subject's tenant where it is another than the object's. */
  readonly subjectTenant: string | null;
  readonly relation: string;
  readonly object: string;
  /** The tenant's own model it belongs to; null for the built-in one. */
  readonly model: string | null;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly expiresAt: number | null;
  /** Absent where it holds without a condition. */
  readonly condition?: RelationCondition;
}

/** Opaque; an answer is at least as new as the revision that a question names. */
export interface Revised {
  readonly revision: string;
}

/**
 * `tenant` is the object's, for what does not tell it (a group, an object of a tenant's own model); the caller's own by
 * default. The path of a file is absolute, or below the caller's home.
 */
export interface RelationInput {
  readonly tenant?: string | undefined;
  readonly subject: string;
  readonly subjectTenant?: string | undefined;
  readonly relation: string;
  readonly object: string;
  readonly expiresAt?: number | undefined;
  readonly model?: string | undefined;
  /** What it holds under; only for a model of the tenant's own, which defines the condition. */
  readonly condition?: RelationCondition | undefined;
}

/** A condition of a model by its name, with what is known already of the parameters it is judged with. */
export interface RelationCondition {
  readonly name: string;
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

export interface RelationQuery extends PageQuery {
  readonly tenant?: string | undefined;
  readonly subject?: string | undefined;
  readonly relation?: string | undefined;
  readonly object?: string | undefined;
  readonly model?: string | undefined;
  /** Only relations whose subject is of another tenant than the object. */
  readonly crossing?: boolean | undefined;
}

export interface CheckInput {
  /** As in `RelationInput`. */
  readonly tenant?: string | undefined;
  readonly subject: string;
  readonly subjectTenant?: string | undefined;
  /** A permission or a relation of the model, or one of its aliases. */
  readonly permission: string;
  readonly object: string;
  readonly model?: string | undefined;
  /** Answers from facts at least as new. */
  readonly revision?: string | undefined;
  /** Relations that hold for this question alone; only for tenants' own models. */
  readonly contextual?:
    | readonly Omit<RelationInput, "expiresAt" | "model" | "tenant">[]
    | undefined;
  /** What the conditions of a model of the tenant's own are judged with. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

export interface CheckResult extends Revised {
  readonly allowed: boolean;
  /** `indeterminate` where a limit was hit: then it is not allowed. */
  readonly reason?: string;
}

/** Who has a relation, and through what: a tree as OpenFGA's `expand` draws it. */
export type ExpandNode =
  | { readonly kind: "leaf"; readonly name: string; readonly subjects: readonly string[] }
  | { readonly kind: "computed"; readonly name: string; readonly from: readonly string[] }
  | {
      readonly kind: "union" | "intersection" | "difference";
      readonly name: string;
      readonly nodes: readonly ExpandNode[];
    };

export interface ListObjectsInput extends PageQuery {
  /** In whose files, groups or model to look; the caller's own by default. */
  readonly tenant?: string | undefined;
  readonly subject: string;
  readonly subjectTenant?: string | undefined;
  readonly permission: string;
  /** `file` by default. */
  readonly type?: string | undefined;
  readonly model?: string | undefined;
  /** As in `CheckInput`. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

export interface ListSubjectsInput extends PageQuery {
  /** As in `RelationInput`. */
  readonly tenant?: string | undefined;
  readonly permission: string;
  readonly object: string;
  readonly type?: string | undefined;
  readonly model?: string | undefined;
  /** As in `CheckInput`. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

/** Relations: who may what, given, taken back and asked about. Each call decides for itself whether `ctx` may. */
export interface RelationControl {
  readonly grant: (ctx: Context, input: RelationInput) => Promise<RelationRecord & Revised>;
  readonly list: (ctx: Context, query: RelationQuery) => Promise<PageOf<RelationRecord>>;
  /** Resolves once no request that stands on it can succeed any more. */
  readonly revoke: (ctx: Context, id: string) => Promise<Revised>;
  readonly check: (ctx: Context, input: CheckInput) => Promise<CheckResult>;
  /** In the order of the questions, all from the same facts. */
  readonly checkBatch: (
    ctx: Context,
    inputs: readonly CheckInput[],
  ) => Promise<readonly CheckResult[]>;
  readonly expand: (
    ctx: Context,
    input: {
      readonly tenant?: string | undefined;
      readonly relation: string;
      readonly object: string;
      readonly model?: string | undefined;
    },
  ) => Promise<ExpandNode>;
  /** For files the minimal cover: what lies below an object that is named is not named again. */
  readonly listObjects: (ctx: Context, input: ListObjectsInput) => Promise<PageOf<string>>;
  readonly listSubjects: (ctx: Context, input: ListSubjectsInput) => Promise<PageOf<string>>;
}

/** A tenant's own model, in OpenFGA's language. It is never asked about a file. */
export interface ModelRecord {
  readonly name: string;
  readonly tenant: string;
  /** As it was written. */
  readonly source: string;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface ModelControl {
  /** Validates before it takes effect; rejects with `invalid-request` that names the line. */
  readonly put: (
    ctx: Context,
    input: {
      readonly name: string;
      /** The DSL, or the JSON of an authorization model. */
      readonly source: string;
      readonly tenant?: string | undefined;
    },
  ) => Promise<ModelRecord>;
  readonly get: (ctx: Context, name: string, tenant?: string) => Promise<ModelRecord>;
  readonly list: (
    ctx: Context,
    query: PageQuery & { readonly tenant?: string | undefined },
  ) => Promise<PageOf<ModelRecord>>;
  /** With all relations that stand on it. */
  readonly remove: (ctx: Context, name: string, tenant?: string) => Promise<void>;
}

export type UserRole = "owner" | "admin" | "editor" | "member";
export const userRoles: readonly UserRole[] = ["owner", "admin", "editor", "member"];

export interface UserRecord {
  readonly tenant: string;
  readonly type: Exclude<SubjectType, "group">;
  readonly id: string;
  readonly email: string | null;
  readonly fullName: string | null;
  readonly role: UserRole;
  readonly status: "active" | "suspended";
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface UserInput {
  readonly id: string;
  /** `user` by default. */
  readonly type?: Exclude<SubjectType, "group"> | undefined;
  readonly email?: string | undefined;
  readonly fullName?: string | undefined;
  /** `member` by default. */
  readonly role?: UserRole | undefined;
}

export interface UserPatch {
  readonly email?: string | null | undefined;
  readonly fullName?: string | null | undefined;
  readonly role?: UserRole | undefined;
  readonly status?: "active" | "suspended" | undefined;
}

/** The people, agents and services of a tenant. `tenant` is an id; another tenant's answers as if there were none. */
export interface UserControl {
  /** Gives the role's relations in the same transaction. Rejects with `already-exists` for an id or e-mail in use. */
  readonly create: (ctx: Context, tenant: string, input: UserInput) => Promise<UserRecord>;
  readonly get: (ctx: Context, tenant: string, id: string, type?: string) => Promise<UserRecord>;
  readonly list: (
    ctx: Context,
    tenant: string,
    query: PageQuery & { readonly type?: string | undefined },
  ) => Promise<PageOf<UserRecord>>;
  readonly patch: (
    ctx: Context,
    tenant: string,
    id: string,
    patch: UserPatch,
    type?: string,
  ) => Promise<UserRecord>;
  /** Ends its keys and every relation that names it, everywhere; the id used again inherits nothing. */
  readonly remove: (ctx: Context, tenant: string, id: string, type?: string) => Promise<void>;
}

export interface GroupRecord {
  readonly tenant: string;
  readonly id: string;
  readonly createdAt: number;
}

/** Groups; who is in one are relations `member` on `group:<id>`. */
export interface GroupControl {
  readonly create: (ctx: Context, tenant: string, id: string) => Promise<GroupRecord>;
  readonly list: (ctx: Context, tenant: string, query: PageQuery) => Promise<PageOf<GroupRecord>>;
  readonly remove: (ctx: Context, tenant: string, id: string) => Promise<void>;
}
