/** How often the facts of one tenant (or of `platform`) changed; another epoch means a restored or promoted ledger. */
export interface Revision {
  readonly tenant: string;
  readonly epoch: string;
  readonly n: number;
}

/** What one look at the ledger tells of how new its facts are. */
export interface Snapshot {
  /** Milliseconds since the epoch, by the ledger's clock. */
  readonly now: number;
  readonly revisions: readonly Revision[];
}

/** An open audit entry; the ledger adds its id, time and place in the chain when it closes. */
export interface AuditDraft {
  actor: string;
  /** The id of the key, never the key. */
  key: string;
  action: string;
  resource: string;
  requestId: string;
  front: string;
  detail: Record<string, unknown>;
}

/**
 * A draft that the layers above the mount table fill in and that only the ledger reads: what has to be written in the
 * same commit as the effect.
 */
export interface Settlement {
  /** The uid of the tenant whose tree is touched; undefined on the platform's own ground. */
  tenant: string | undefined;
  /** What the decision was made on. A commit under newer revisions asks for the decision again. */
  revisions: readonly Revision[];
  /** Of further tenants, told by the same read; nothing was decided on them. */
  readonly nearby?: readonly Revision[] | undefined;
  /** What its body holds of the tenant's room, under the id of the reservation; the commit takes it over. */
  reserved: { bytes: number; files: number; id?: string | undefined };
  /** Undefined for the earlier parts of an operation whose last part is audited. */
  audit: AuditDraft | undefined;
  /** The `Idempotency-Key` row that this operation's commit marks as done. */
  idempotency: string | undefined;
  /** What a move or removal does to the relations on its path and below: `to` undefined takes them away. */
  follow?: { readonly from: string; readonly to: string | undefined } | undefined;
}

/** The settlement of an earlier part of the same operation: accounted, audited by the last part alone. */
export const silent = (settlement: Settlement): Settlement => ({
  ...settlement,
  audit: undefined,
  idempotency: undefined,
  follow: undefined,
});
