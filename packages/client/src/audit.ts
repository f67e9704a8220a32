import { recordPage, type WireAuditEntry, wireAuditEntry } from "@bulkhead/wire";
import { allRecords, type RecordListOptions } from "./records.ts";
import type { Transport } from "./transport.ts";

export interface AuditFilter {
  readonly tenant?: string | undefined;
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly result?: "success" | "denied" | undefined;
  /** RFC 3339. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** The audit log: of the tenant for its admin key, of all for the platform key. */
export interface Audit {
  readonly list: (
    filter?: AuditFilter,
    options?: RecordListOptions,
  ) => AsyncGenerator<WireAuditEntry, void, undefined>;
}

const page = recordPage(wireAuditEntry);

export const createAudit = (transport: Transport): Audit => ({
  list: (filter = {}, options = {}) =>
    allRecords(transport, "/v1/audit", { ...filter }, options, page),
});
