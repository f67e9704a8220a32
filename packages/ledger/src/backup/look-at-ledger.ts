import { openDatabase } from "../database.ts";
import { createLeases } from "../leases.ts";
import type { Leases } from "../types-work.ts";

/** A ledger that somebody else may be serving. */
export interface LedgerLook {
  readonly leases: Leases;
  /** The uids of tenants that are being deleted, or were. */
  readonly deleted: () => Promise<ReadonlySet<string>>;
  readonly close: () => Promise<void>;
}

/** Connects to a ledger without migrating, adopting or keeping anything of it. Close it. */
export const lookAtLedger = (url: string): LedgerLook => {
  const database = openDatabase({
    url,
    role: "bulkhead_system",
    max: 2,
    connectMs: 5000,
    statementMs: 10_000,
    name: "backup",
  });
  return {
    leases: createLeases(database),
    deleted: async () =>
      new Set(
        (
          await database.rows<{ uid: string }>(
            "select uid from bulkhead.tenant where status in ('deleting', 'deleted')",
          )
        ).map(({ uid }) => uid),
      ),
    close: () => database.close(),
  };
};
