import type { Scope, Subject, SubjectType, TenantStatus } from "./context.ts";
import type { Limits } from "./plans.ts";

/** What a tenant may do in a time: requests a minute, of all and of one key, and bytes a second, both ways together. */
export interface RateLimits {
  readonly tenant?: number | null | undefined;
  readonly key?: number | null | undefined;
  readonly bytesPerSecond?: number | null | undefined;
}

/** The limits that hold for a tenant, its own or the configuration's; `null` is none. */
export interface EffectiveRates {
  readonly tenant: number | null;
  readonly key: number | null;
  readonly bytesPerSecond: number | null;
}

/** A tenant as its owner and the platform see it. Times are milliseconds since the epoch, money integer minor units. */
export interface TenantRecord {
  readonly uid: string;
  readonly id: string;
  readonly name: string;
  readonly status: TenantStatus;
  readonly plan: string | null;
  /** Absolute paths; the first is the one the tenant was made with. */
  readonly roots: readonly string[];
  readonly subdomain: string | null;
  readonly region: string | null;
  readonly allowedRegions: readonly string[] | null;
  /** `null` is unlimited. */
  readonly limits: Limits;
  /** What is its own of these; for the rest the configuration's hold. `null` is unlimited. */
  readonly rateLimits?: RateLimits | undefined;
  readonly features: readonly string[];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly billingCycle: "monthly" | "annual";
  readonly mrrMinor: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly trialEndsAt: number | null;
  readonly suspendedAt: number | null;
  readonly suspensionReason: string | null;
  readonly reactivatedAt: number | null;
  readonly upgradedAt: number | null;
  readonly deletedAt: number | null;
  /** The tenant's own database, where its placement gives it one. */
  readonly databaseName?: string | null;
  /** The job that makes the database, until it has. */
  readonly provisioning?: string | null;
}

export interface TenantInput {
  readonly id: string;
  readonly name?: string | undefined;
  /** A plan of the configuration; its `defaultPlan` by default. */
  readonly plan?: string | undefined;
  /** The tenant is tried for so many days; what comes then is the configuration's `onTrialEnd`. */
  readonly trialDays?: number | undefined;
  /** `/workspace/<id>` by default. */
  readonly root?: string | undefined;
  readonly subdomain?: string | undefined;
  /** Where its files have to be; the first placement that its regions allow by default. */
  readonly region?: string | undefined;
  /** The regions that its files may be in. */
  readonly allowedRegions?: readonly string[] | undefined;
  readonly limits?: Limits | undefined;
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
}

export interface TenantPatch {
  readonly name?: string | undefined;
  readonly subdomain?: string | null | undefined;
  readonly limits?: Limits | undefined;
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  /** Changes those that are named; `null` gives all of them up for the configuration's. */
  readonly rateLimits?: RateLimits | null | undefined;
}

/** Where a tenant is moved to. */
export interface MoveInput {
  readonly placement: string;
  /** Whether the content stays where it was, beside its copy. */
  readonly keep: boolean;
}

/** A key without its secret. */
export interface KeyRecord {
  readonly id: string;
  readonly tenant: string | null;
  readonly name: string;
  readonly subject: Subject;
  readonly workspacePrefix: string | null;
  readonly scopes: readonly Scope[];
  readonly createdAt: number;
  readonly createdBy: string;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
  readonly revokedAt: number | null;
  /** The key it was minted with: revoking that one revokes this one. */
  readonly parent: string | null;
}

export interface KeyInput {
  readonly tenant?: string | undefined;
  readonly name: string;
  readonly subject?:
    | { readonly type: Exclude<SubjectType, "group">; readonly id: string }
    | undefined;
  readonly workspacePrefix?: string | undefined;
  readonly scopes?: readonly Scope[] | undefined;
  readonly expiresAt?: number | undefined;
}

/** What may become narrower: fewer scopes, a deeper prefix, an earlier end. */
export interface KeyPatch {
  readonly name?: string | undefined;
  readonly scopes?: readonly Scope[] | undefined;
  readonly workspacePrefix?: string | undefined;
  readonly expiresAt?: number | undefined;
}

/** The only answer that holds a secret. */
export interface MintedKey extends KeyRecord {
  readonly key: string;
}

export type JobState = "queued" | "running" | "done" | "dead";
export interface JobRecord {
  readonly id: string;
  readonly kind: string;
  readonly tenant: string | null;
  readonly state: JobState;
  readonly attempts: number;
  /** Free to each kind; shown as it is. */
  readonly progress: Readonly<Record<string, unknown>>;
  readonly result: unknown;
  readonly error: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface AuditEntry {
  readonly id: string;
  readonly at: number;
  readonly tenant: string | null;
  readonly actor: string;
  readonly key: string;
  readonly action: string;
  readonly resource: string;
  /** `SUCCESS`, or `DENIED: <reason>`. */
  readonly result: string;
  readonly requestId: string;
  readonly front: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Where a chain of audit entries is not what it was: an entry's number, from 1. */
export interface AuditFault {
  readonly n: number;
  /** The last entry that may be the one, where only a signed head tells that something is another one. */
  readonly to?: number | undefined;
  readonly fault: "changed" | "missing" | "reordered" | "signature";
}

/** What the verification of a tenant's audit chain found. */
export interface AuditVerdict {
  /** Null for the platform's own chain. */
  readonly tenant: string | null;
  /** True if every entry follows from the one before it, to the last, and every signed head is among them. */
  readonly ok: boolean;
  /** How many entries follow from one another, from the first on. */
  readonly entries: number;
  /** The SHA-256 of the last of them, in hex: who keeps it can tell later whether the chain still holds it. */
  readonly hash: string;
  /** The number of the last entry that a signature stands for; null if there is none yet. */
  readonly signed: number | null;
  readonly fault: AuditFault | null;
}

/** `after` is the opaque position that an earlier page gave as `next`. */
export interface PageOf<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

export interface PageQuery {
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
}
