import type { PageOf, PageQuery, Revision, Settlement, VirtualPath } from "@bulkhead/contract";
import type { FoundAt, SubjectRef } from "./ports-relations.ts";

/** Something of one tenant given to another tenant, to a subject, or to whoever has a link. Tenants are named by uid. */
export interface StoredShare {
  readonly id: string;
  readonly sourceTenant: string;
  /** Undefined for a link. */
  readonly subject: SubjectRef | undefined;
  readonly path: VirtualPath;
  /** The name under which the target tenant finds it. */
  readonly target: string | undefined;
  readonly permission: "can_read" | "can_write";
  readonly passwordHash: string | undefined;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly expiresAt: number | undefined;
  readonly maxUses: number | undefined;
  readonly uses: number;
  readonly status: "active" | "expired" | "revoked";
}

export interface NewShare extends Pick<
  StoredShare,
  | "sourceTenant"
  | "subject"
  | "path"
  | "target"
  | "permission"
  | "expiresAt"
  | "maxUses"
  | "passwordHash"
> {
  /** SHA-256 of a link's token. */
  readonly tokenHash: Uint8Array | undefined;
}

/** Shares in the ledger. Mutations append `settlement.audit` in their own transaction. */
export interface Shares {
  readonly create: (
    settlement: Settlement,
    share: NewShare,
    existence: FoundAt | undefined,
  ) => Promise<{ readonly share: StoredShare; readonly revision: Revision }>;
  readonly get: (id: string) => Promise<StoredShare | undefined>;
  readonly list: (
    query: PageQuery & {
      readonly tenant?: string | undefined;
      readonly source?: string | undefined;
      readonly target?: string | undefined;
      readonly status?: StoredShare["status"] | undefined;
    },
  ) => Promise<PageOf<StoredShare>>;
  /** Resolves when nothing that stood on it can commit. */
  readonly revoke: (settlement: Settlement, id: string) => Promise<StoredShare>;
  readonly byToken: (tokenHash: Uint8Array) => Promise<StoredShare | undefined>;
  /** Counts one use; undefined if the share has ended or its uses are up. */
  readonly use: (id: string) => Promise<StoredShare | undefined>;
}
