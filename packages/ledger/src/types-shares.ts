import type {
  ModelRecord,
  PageOf,
  PageQuery,
  Revision,
  Settlement,
  VirtualPath,
} from "@bulkhead/contract";
import type { Existence, StoredSubject } from "./types-relations.ts";

/** One relation of a tenant's own model: types and relations are the model's, `*` as an id is everybody of the type. */
export interface ModelTuple {
  readonly subject: {
    readonly type: string;
    readonly id: string;
    readonly relation?: string | undefined;
  };
  readonly relation: string;
  readonly object: { readonly type: string; readonly id: string };
  /** The model's condition under which it holds, with what is known of its parameters already. */
  readonly condition?:
    | { readonly name: string; readonly context: Readonly<Record<string, unknown>> }
    | undefined;
  /** Milliseconds since the epoch; from then on it is absent. */
  readonly expiresAt: number | undefined;
}

export interface StoredModelTuple extends ModelTuple {
  readonly id: string;
  readonly createdAt: number;
  readonly createdBy: string;
}

/** What is left out is not asked for. */
export interface ModelFilter {
  readonly subject?:
    | {
        readonly type: string;
        readonly id?: string | undefined;
        readonly relation?: string | undefined;
      }
    | undefined;
  readonly relation?: string | undefined;
  readonly object?: { readonly type: string; readonly id?: string | undefined } | undefined;
}

/**
 * Tenants' own models and the relations that stand on them. No file is decided on them: they move no revision, and each
 * look is at the tables themselves. `tenant` is a uid.
 */
export interface ModelStore {
  /** Makes a model or replaces its source; its relations stay. The caller has validated it. */
  readonly put: (
    settlement: Settlement,
    tenant: string,
    model: { readonly name: string; readonly source: string },
  ) => Promise<ModelRecord>;
  readonly get: (tenant: string, name: string) => Promise<ModelRecord | undefined>;
  readonly list: (tenant: string, query: PageQuery) => Promise<PageOf<ModelRecord>>;
  /** With all its relations. Rejects with `not-found` if there is none. */
  readonly remove: (settlement: Settlement, tenant: string, name: string) => Promise<void>;
  /**
   * Adds relations, all or none, at most 1,000. One that is there already is renewed: its end and its condition become
   * the new ones. Rejects with `not-found` without the model.
   */
  readonly write: (
    settlement: Settlement,
    tenant: string,
    name: string,
    tuples: readonly ModelTuple[],
  ) => Promise<readonly StoredModelTuple[]>;
  /** Takes relations of the tenant away, at most 1,000; unknown ids are passed over. */
  readonly delete: (
    settlement: Settlement,
    tenant: string,
    ids: readonly string[],
  ) => Promise<readonly StoredModelTuple[]>;
  /** Whose relation an id is, and of which model. */
  readonly find: (
    id: string,
  ) => Promise<
    | { readonly tenant: string; readonly model: string; readonly tuple: StoredModelTuple }
    | undefined
  >;
  /** A page of at most `limit` (10,000), in the order in which they were made. Expired ones are absent. */
  readonly read: (
    tenant: string,
    name: string,
    filter: ModelFilter,
    page: { readonly after?: string | undefined; readonly limit: number },
  ) => Promise<PageOf<StoredModelTuple>>;
}

/** Something of one tenant given to another tenant, to a subject, or to whoever has a link. */
export interface StoredShare {
  readonly id: string;
  /** The uid of the tenant whose file it is. */
  readonly sourceTenant: string;
  /** Who gets it; undefined for a link. */
  readonly subject: StoredSubject | undefined;
  /** Follows its object: where it lies now. */
  readonly path: VirtualPath;
  /** The name under which the target tenant finds it; undefined for links and within one tenant. */
  readonly target: string | undefined;
  readonly permission: "can_read" | "can_write";
  /** The relation that it made and that carries it; undefined for a link, and once it is revoked. */
  readonly relation: string | undefined;
  /** Of a link: whatever the caller stored to compare with, or undefined without a password. */
  readonly passwordHash: string | undefined;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly expiresAt: number | undefined;
  readonly maxUses: number | undefined;
  readonly uses: number;
  /** A share whose uses are up is `expired`. */
  readonly status: "active" | "expired" | "revoked";
}

export interface NewShare {
  readonly sourceTenant: string;
  /** Undefined for a link, which `tokenHash` then names. */
  readonly subject: StoredSubject | undefined;
  readonly path: VirtualPath;
  /** The wanted name; gets the suffix `-2`, `-3`, … where another live share of the two tenants has it. */
  readonly target: string | undefined;
  readonly permission: "can_read" | "can_write";
  readonly expiresAt: number | undefined;
  readonly maxUses: number | undefined;
  /** SHA-256 of a link's token. */
  readonly tokenHash: Uint8Array | undefined;
  readonly passwordHash: string | undefined;
}

/** Shares. A change moves the revisions of both sides; what takes one away resolves when nothing stands on it. */
export interface ShareStore {
  /** Adds the share and the relation that carries it, as `RelationStore.grant` does. */
  readonly create: (
    settlement: Settlement,
    share: NewShare,
    existence: Existence | undefined,
  ) => Promise<{ readonly share: StoredShare; readonly revision: Revision }>;
  readonly get: (id: string) => Promise<StoredShare | undefined>;
  /** Newest last. `tenant` names either side, `source` and `target` one; without any, all. */
  readonly list: (
    query: PageQuery & {
      readonly tenant?: string | undefined;
      readonly source?: string | undefined;
      readonly target?: string | undefined;
      readonly status?: StoredShare["status"] | undefined;
    },
  ) => Promise<PageOf<StoredShare>>;
  /** With its relation. One that is revoked already stays so; rejects with `not-found` for an unknown id. */
  readonly revoke: (settlement: Settlement, id: string) => Promise<StoredShare>;
  /** The link of a token, whatever its status; nothing is counted. */
  readonly byToken: (tokenHash: Uint8Array) => Promise<StoredShare | undefined>;
  /** Counts one use; undefined if the share is not active any more, its uses are up, or a tenant of it is suspended. */
  readonly use: (id: string) => Promise<StoredShare | undefined>;
}
