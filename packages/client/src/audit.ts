import type { AuditVerdict } from "@bulkhead/contract";
import { recordPage, type WireAuditEntry, wireAuditEntry, wireAuditVerdict } from "@bulkhead/wire";
import type { CallOptions } from "./options.ts";
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
  /** Recomputes a tenant's chain of entries on the server, and says where it is not what it was. */
  readonly verify: (tenant?: string, options?: CallOptions) => Promise<AuditVerdict>;
}

const page = recordPage(wireAuditEntry);

export const createAudit = (transport: Transport): Audit => ({
  list: (filter = {}, options = {}) =>
    allRecords(transport, "/v1/audit", { ...filter }, options, page),
  verify: async (tenant, options = {}) =>
    transport.ask(
      {
        method: "GET",
        target: "/v1/audit/verify",
        query: { tenant },
        signal: options.signal,
        repeatable: true,
      },
      wireAuditVerdict,
    ),
});
