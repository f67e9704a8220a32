import type { Context } from "./context.ts";
import type { PageOf, PageQuery } from "./records.ts";

/** Where a mount has to be: a region that the storage itself confirms, or one that somebody vouches for. */
export type MountRegion = string | { readonly attested: string };

/** A mount that somebody wants. All but `path`, `backend`, `tenant` and `readOnly` is the platform key's to say. */
export interface MountInput {
  readonly path: string;
  /** The name of a template of the configuration's `backends`: what the storage is, and how it is reached. */
  readonly backend: string;
  /** The id of the tenant on whose ground the mount has to lie. */
  readonly tenant?: string | undefined;
  readonly readOnly?: boolean | undefined;
  /** Where it lies below the template's folder or prefix; without it the mount has a place of its own. */
  readonly folder?: string | undefined;
  /** Instead of the template's bucket. */
  readonly bucket?: string | undefined;
  /** Instead of the template's region. */
  readonly region?: MountRegion | undefined;
  /** Breaks a tie at one mount point, the greater first; 0 by default. */
  readonly priority?: number | undefined;
  /** Lets the mount hide what is there. */
  readonly shadow?: boolean | undefined;
}

/** What opens a storage: the names are the storage's own. Never in an answer, a log or an export. */
export type MountCredentials = Readonly<Record<string, string>>;

export interface MountChanges {
  readonly add?: readonly MountInput[] | undefined;
  /** Ids. */
  readonly remove?: readonly string[] | undefined;
  /** For mounts that need credentials of their own, by path. */
  readonly credentials?: Readonly<Record<string, MountCredentials>> | undefined;
}

/** Why a plan cannot be applied. */
export interface MountRefusal {
  readonly path: string;
  readonly code: "conflict" | "residency" | "unavailable" | "invalid-request";
  readonly detail: string;
}

/** What is at or above a mount point now, and would be hidden. */
export interface Shadowed {
  readonly path: string;
  readonly kind: "file" | "directory" | "mount";
}

/** Where a mount's content and what is known of it would be. */
export interface ResidencyEffect {
  readonly path: string;
  readonly content: string | null;
  readonly metadata: string | null;
  /** True where nobody but the operator says where the content is. */
  readonly attested: boolean;
}

/** What a change of mounts would do. Holds no credentials, only which mounts come with some. */
export interface MountPlan {
  readonly add: readonly MountInput[];
  readonly remove: readonly string[];
  /** The paths of mounts that come with credentials of their own. */
  readonly credentials: readonly string[];
  readonly shadows: readonly Shadowed[];
  /** Ids of the tenants whose files are reached otherwise afterwards. */
  readonly tenants: readonly string[];
  readonly residency: readonly ResidencyEffect[];
  readonly refusals: readonly MountRefusal[];
}

/** A plan and what names it: `apply` does it only if it would still do the same. */
export interface PlannedMounts {
  readonly plan: MountPlan;
  readonly hash: string;
}

/** A mount as who administers its ground sees it. */
export interface MountRecord {
  /** What `remove` and `rotate` take; a mount of the configuration has one as well, and is changed there. */
  readonly id: string;
  readonly path: string;
  readonly origin: "api" | "config";
  readonly tenant: string | null;
  /** The template's name, or the kind of storage for a mount of the configuration. */
  readonly backend: string;
  readonly region: string | null;
  readonly attested: boolean;
  readonly readOnly: boolean;
  readonly priority: number;
  /** True if it was mounted with credentials of its own. */
  readonly credentials: boolean;
  readonly createdAt: number | null;
  readonly createdBy: string | null;
  readonly updatedAt: number | null;
}

/** A mount that was just asked. */
export interface MountState extends MountRecord {
  readonly state: "serving" | "unavailable";
  /** True if the storage itself said that it is in the mount's region. */
  readonly verified: boolean;
}

/** Mounts that are made while the server runs: the platform key's, and a tenant's admin's within bounds. */
export interface MountControl {
  readonly list: (
    ctx: Context,
    query: PageQuery & { readonly tenant?: string | undefined },
  ) => Promise<PageOf<MountRecord>>;
  /** Asks the storage, too. */
  readonly get: (ctx: Context, id: string) => Promise<MountState>;
  /** Says what a change would do, and does nothing. */
  readonly plan: (ctx: Context, changes: MountChanges) => Promise<PlannedMounts>;
  /**
   * Does what was planned; answers the mounts that were made. Rejects with `conflict`, and with what it would do now in
   * `effects`, if that is not what `hash` names, or if there are refusals (`residency` if they are all of that kind).
   */
  readonly apply: (
    ctx: Context,
    planned: PlannedMounts,
    credentials?: MountChanges["credentials"],
  ) => Promise<readonly MountRecord[]>;
  /** Unmounts. What lies in a storage of the mount's own has to be removed first: `not-empty`. */
  readonly remove: (ctx: Context, id: string) => Promise<void>;
  /** Tries other credentials and puts them in the place of the present ones; what is being sent goes on. */
  readonly rotate: (
    ctx: Context,
    id: string,
    credentials: MountCredentials,
  ) => Promise<MountRecord>;
}
