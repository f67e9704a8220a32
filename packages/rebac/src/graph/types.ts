import type { FileRole, VirtualPath } from "@bulkhead/contract";

/** Who a tuple names. Tenants are named by their uid; `*` is everybody of that type in the object's tenant. */
export interface SubjectRef {
  readonly tenant: string;
  readonly type: "user" | "agent" | "service" | "group" | "tenant";
  readonly id: string;
  /** For a group or a tenant: its members, or a tenant's admins. */
  readonly relation?: "member" | "admin" | undefined;
}

export type TupleObject =
  | { readonly tenant: string; readonly type: "file"; readonly path: VirtualPath }
  | { readonly tenant: string; readonly type: "group"; readonly id: string }
  | { readonly tenant: string; readonly type: "tenant" };

/** One relation of the built-in model. It lives in the object's tenant. */
export interface Tuple {
  readonly subject: SubjectRef;
  readonly relation: FileRole | "member" | "admin";
  readonly object: TupleObject;
  /** Milliseconds since the epoch; from then on it is absent. */
  readonly expiresAt: number | undefined;
  /** For `/x/*`: only what lies below the path, not the path itself. */
  readonly belowOnly?: boolean | undefined;
}

/**
 * What happened to a tenant's relations. `drop` takes one tuple of exactly these values away, however often it is there;
 * `move` and `purge` are of everything at and below a path.
 */
export type GraphChange =
  | { readonly kind: "add"; readonly tuple: Tuple }
  | { readonly kind: "drop"; readonly tuple: Tuple }
  | { readonly kind: "move"; readonly from: VirtualPath; readonly to: VirtualPath }
  | { readonly kind: "purge"; readonly path: VirtualPath };

/** The bits of a verdict. */
export const canRead = 1;
export const canWrite = 2;
export const canShare = 4;

/** A subject with all that stands for it: its groups, its tenant, the wildcards. Made once a request. */
export interface Closure {
  readonly subject: SubjectRef;
  /** Opaque to callers: what the walk compares. */
  readonly keys: ReadonlySet<string>;
  /** Names the tenants whose admin the subject is. */
  readonly admin: boolean;
  /** When a membership that it stands on ends, in milliseconds; Infinity if none does. */
  readonly until: number;
  /** A limit was hit while it was computed: whatever is not allowed is `indeterminate`. */
  readonly indeterminate: boolean;
}

export interface Verdict {
  /** `canRead | canWrite | canShare`. */
  readonly mask: number;
  /** True if something at or below the path can be read: its name may then be shown on the way. */
  readonly leads: boolean;
  /** When what allowed it ends, in milliseconds; Infinity if it does not. */
  readonly until: number;
  readonly indeterminate: boolean;
}

/** The relations of one tenant in memory. Its answers are those of the built-in model; it keeps nothing that was decided. */
export interface FileGraph {
  readonly tenant: string;
  /** How many tuples it holds, and about how many bytes. */
  readonly size: number;
  readonly bytes: number;
  readonly apply: (change: GraphChange) => void;
  /** Of a subject of this tenant. */
  readonly closureOf: (subject: SubjectRef, now: number) => Closure;
  /** Paths of other tenants that a live relation names for this closure. */
  readonly foreign: (closure: Closure, now: number) => readonly VirtualPath[];
  readonly check: (closure: Closure, path: VirtualPath, now: number) => Verdict;
  /** One verdict for the directory; then one look-up an entry. */
  readonly listing: (
    closure: Closure,
    directory: VirtualPath,
    now: number,
  ) => (name: string) => Verdict;
  /** Where the permission (a bit) holds, for an admin `/`: everything of the graph's tenant. */
  readonly cover: (closure: Closure, permission: number, now: number) => Cover;
  /** True if a tuple strictly below `path` blocks the closure there; false for an admin of the graph's tenant, whom nothing blocks. */
  readonly blockedBelow: (closure: Closure, path: VirtualPath, now: number) => boolean;
  /** The places above `path`, itself excluded, where a live tuple blocks anybody. */
  readonly blocksAbove: (path: VirtualPath, now: number) => readonly VirtualPath[];
  /** Subjects that a tuple on the path or above gives the permission, groups as their usersets. */
  readonly subjects: (path: VirtualPath, permission: number, now: number) => readonly SubjectRef[];
  /** The tuples that grant, or the nearest misses. */
  readonly explain: (
    closure: Closure,
    path: VirtualPath,
    permission: number,
    now: number,
  ) => Reasons;
}

/** Paths, none of which lies below another. What is excepted lies at or below one of them. */
export interface Cover {
  /** Each with everything below. */
  readonly roots: readonly VirtualPath[];
  /** Only what lies below each, which alone cannot be said of `roots`: `/x/*`. */
  readonly below: readonly VirtualPath[];
  /** Blocked with everything below. */
  readonly except: readonly VirtualPath[];
  /** Blocked is only what lies below. */
  readonly exceptBelow: readonly VirtualPath[];
}

export interface Reasons {
  readonly allowed: boolean;
  /** From the subject to the object, each step a tuple. */
  readonly chain: readonly Tuple[];
  /** Why not: tuples that name the subject elsewhere, name others here, have expired, or block. */
  readonly misses: readonly {
    readonly tuple: Tuple;
    readonly why: "expired" | "blocked" | "other-path" | "other-subject" | "weaker-role";
  }[];
}
