import type { BillControl } from "./bill.ts";
import type { Body } from "./body.ts";
import type { History } from "./changes.ts";
import type { Context, Principal } from "./context.ts";
import type { RequestPath } from "./path.ts";
import type { Place } from "./place.ts";
import type {
  AuditEntry,
  EffectiveRates,
  AuditVerdict,
  JobRecord,
  KeyInput,
  KeyPatch,
  KeyRecord,
  MintedKey,
  MoveInput,
  PageOf,
  PageQuery,
  TenantInput,
  TenantPatch,
  TenantRecord,
} from "./records.ts";
import type { Explain } from "./explain.ts";
import type { HealthControl } from "./health.ts";
import type { PlanControl } from "./plans.ts";
import type { QuotaControl } from "./quota.ts";
import type { ResidencyControl } from "./residency.ts";
import type { DirectoryControl } from "./directory.ts";
import type { MountControl } from "./mounts.ts";
import type { GroupControl, ModelControl, RelationControl, UserControl } from "./relations.ts";
import type { LinkControl, ShareControl } from "./shares.ts";
import type { Session, WriteOptions, WriteResult } from "./store.ts";
import type { UploadControl } from "./uploads.ts";
import type { Metering, UsageControl } from "./usage.ts";

/** What a front read from a request about who is asking. Nothing in it but `key` can widen what is reached. */
export interface Credential {
  /** The bearer token as sent, or undefined. */
  readonly key: string | undefined;
  /** `Bulkhead-Workspace-Prefix`: narrows the request to a part of the key's bounds. */
  readonly workspacePrefix?: string | undefined;
  /** A tenant named by a header: has to agree with the key. */
  readonly tenant?: string | undefined;
  /** The name below the server's domain that the request came by: has to be that of the key's tenant. */
  readonly subdomain?: string | undefined;
  /** `Bulkhead-As`: whom to act for, as `user:alice`. Refused to all but the platform's key and admin keys of a tenant. */
  readonly as?: string | undefined;
  /** `Bulkhead-Namespace`: the tenant of `as`, as `tenant:acme`. */
  readonly namespace?: string | undefined;
  /** The client's address, for counting refusals. */
  readonly address: string;
  readonly front: string;
  readonly requestId: string;
  readonly signal: AbortSignal;
  /** Called when what is being answered may no longer be sent: destroys the connection. */
  readonly cut: () => void;
}

export interface WhoAmI {
  readonly principal: Principal;
  readonly tenant: TenantRecord | undefined;
  /** What holds for the caller; `null` where there is no limit, undefined for a key of no tenant. */
  readonly rateLimits?: EffectiveRates | undefined;
}

/** An answer that an `Idempotency-Key` gives again. */
export interface StoredAnswer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * What a claim of an `Idempotency-Key` found: nothing yet (`new`), the answer, or an operation that committed while its
 * answer was lost (`committed`): the front renders that one again from what is stored.
 */
export type Claim =
  | { readonly state: "new"; readonly id: string }
  | { readonly state: "committed"; readonly id: string; readonly digest: string | undefined }
  | {
      readonly state: "answered";
      readonly answer: StoredAnswer;
      readonly digest: string | undefined;
    };

export interface Idempotency {
  /** Claims `key` for tenant and route. Rejects with `idempotency-in-flight`, or `idempotency-mismatch` if `digest` is given and another. */
  readonly claim: (
    ctx: Context,
    route: string,
    key: string,
    digest: string | undefined,
  ) => Promise<Claim>;
  readonly answer: (
    ctx: Context,
    id: string,
    digest: string,
    answer: StoredAnswer,
  ) => Promise<void>;
  /** Gives the key back after a failure that stored nothing. */
  readonly release: (ctx: Context, id: string) => Promise<void>;
}

export interface AuditQuery extends PageQuery {
  readonly tenant?: string | undefined;
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  /** `success` or `denied`. */
  readonly result?: "success" | "denied" | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** Everything a front calls that is not a file operation. Each call decides for itself whether `ctx` may, and is audited. */
export interface Control {
  /** Rejects with `unauthenticated`, `tenant-mismatch` or `outside-workspace`. Reads the ledger, whatever was read before. */
  readonly authenticate: (credential: Credential) => Promise<Context>;
  /**
   * Draws from the limits of the caller and waits for a place among its tenant's requests. A front asks once a request,
   * before it serves it, and ends the place with the answer. Rejects with `rate-limited`, or with `unavailable` where
   * too many wait. `address` is the client's, for counting refusals.
   */
  readonly enter: (ctx: Context, address: string) => Promise<Place>;
  readonly session: Session;
  /** Appends, making the file and its parents, atomically against other appends. Judged as a write: needs no other scope. */
  readonly append: (
    ctx: Context,
    path: RequestPath,
    body: Body,
    options?: Pick<WriteOptions, "contentType">,
  ) => Promise<WriteResult>;
  readonly history: History;
  readonly uploads: UploadControl;
  readonly whoami: (ctx: Context) => Promise<WhoAmI>;
  readonly keys: {
    readonly mint: (ctx: Context, input: KeyInput) => Promise<MintedKey>;
    readonly get: (ctx: Context, id: string) => Promise<KeyRecord>;
    readonly list: (
      ctx: Context,
      query: PageQuery & { readonly tenant?: string | undefined },
    ) => Promise<PageOf<KeyRecord>>;
    readonly narrow: (ctx: Context, id: string, patch: KeyPatch) => Promise<KeyRecord>;
    /** Resolves once no request of this key, or of one minted with it, can succeed any more. */
    readonly revoke: (ctx: Context, id: string) => Promise<void>;
    /** Mints a successor; the old secret stays valid for `overlapMs`. */
    readonly rotate: (ctx: Context, id: string, overlapMs: number) => Promise<MintedKey>;
  };
  readonly tenants: {
    readonly create: (ctx: Context, input: TenantInput) => Promise<TenantRecord>;
    readonly get: (ctx: Context, id: string) => Promise<TenantRecord>;
    readonly list: (
      ctx: Context,
      query: PageQuery & { readonly status?: string | undefined },
    ) => Promise<PageOf<TenantRecord>>;
    readonly patch: (ctx: Context, id: string, patch: TenantPatch) => Promise<TenantRecord>;
    /** Resolves once no request of the tenant's keys can succeed any more. */
    readonly suspend: (
      ctx: Context,
      id: string,
      reason: string | undefined,
    ) => Promise<TenantRecord>;
    readonly reactivate: (ctx: Context, id: string) => Promise<TenantRecord>;
    /** Cuts access at once and removes after `graceMs`. Rejects with `confirmation-required` unless `confirm` is the id. */
    readonly remove: (
      ctx: Context,
      id: string,
      confirm: string | undefined,
      graceMs: number,
    ) => Promise<{ readonly job: string }>;
  };
  readonly plans: PlanControl;
  readonly quota: QuotaControl;
  readonly mounts: MountControl;
  /** Moves of tenants between placements; for the platform key. */
  readonly moves: {
    /** Begins a move as a job. Rejects with `conflict` while one of the tenant is under way. */
    readonly begin: (ctx: Context, id: string, to: MoveInput) => Promise<{ readonly job: string }>;
    /** The job of the tenant's latest move. */
    readonly latest: (ctx: Context, id: string) => Promise<JobRecord>;
    /** Gives up the move that is that job. Rejects with `conflict` once the tenant is at its new placement. */
    readonly abort: (ctx: Context, job: string) => Promise<JobRecord>;
  };
  readonly directory: DirectoryControl;
  readonly residency: ResidencyControl;
  readonly relations: RelationControl;
  readonly models: ModelControl;
  readonly users: UserControl;
  readonly groups: GroupControl;
  readonly shares: ShareControl;
  readonly links: LinkControl;
  readonly explain: Explain["explain"];
  readonly jobs: { readonly get: (ctx: Context, id: string) => Promise<JobRecord> };
  readonly audit: {
    readonly list: (ctx: Context, query: AuditQuery) => Promise<PageOf<AuditEntry>>;
    /** Recomputes the chain of a tenant; of the platform where none is named. */
    readonly verify: (ctx: Context, tenant: string | undefined) => Promise<AuditVerdict>;
  };
  readonly bills: BillControl;
  readonly usage: UsageControl;
  readonly health: HealthControl;
  readonly metering: Metering;
  readonly idempotency: Idempotency;
  /** Names what is not ready, or nothing. */
  readonly unready: () => Promise<readonly string[]>;
}
