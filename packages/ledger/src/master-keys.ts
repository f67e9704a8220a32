import { FileError } from "@bulkhead/contract";
import { type Database, type Queries, toJson } from "./database.ts";
import type { MasterKeys } from "./types-provisioning.ts";

interface Row {
  readonly fingerprint: string;
  readonly next_fingerprint: string | null;
  readonly previous_fingerprint: string | null;
}

const columns = "fingerprint, next_fingerprint, previous_fingerprint";

const refuse = (): never => {
  throw new FileError("conflict", "The ledger's master key has changed meanwhile; begin again.", {
    retry: "never",
  });
};

/** Keeps which master keys a ledger is served with, by their fingerprints. */
export const createMasterKeys = (database: Database): MasterKeys => {
  const state: MasterKeys["state"] = async () => {
    const [row] = await database.rows<Row>(`select ${columns} from bulkhead.meta`);
    if (row === undefined) return refuse();
    return {
      current: row.fingerprint,
      next: row.next_fingerprint ?? undefined,
      previous: row.previous_fingerprint ?? undefined,
    };
  };
  const change = (
    action: string,
    statement: string,
    values: readonly string[],
    isDone: (state: Awaited<ReturnType<MasterKeys["state"]>>) => boolean,
  ): Promise<void> =>
    database.transaction(async (tx: Queries) => {
      if ((await tx.rows(`${statement} returning one`, values)).length === 0) {
        // Done before: whoever did it was killed before the next step.
        if (isDone(await state())) return;
        refuse();
      }
      await tx.rows(
        "select bulkhead.audit_append_v1('00000000-0000-0000-0000-000000000000', $1, 'SUCCESS')",
        [
          toJson({
            actor: "operator",
            action: `master-key.${action}`,
            resource: "ledger",
            front: "cli",
          }),
        ],
      );
    });
  return {
    state,
    announce: (current, next) =>
      change(
        "announce",
        `update bulkhead.meta set next_fingerprint = $2
          where fingerprint = $1 and next_fingerprint is null and previous_fingerprint is null`,
        [current, next],
        (now) => now.current === current && now.next === next,
      ),
    promote: (current, next) =>
      change(
        "promote",
        `update bulkhead.meta set fingerprint = $2, previous_fingerprint = $1, next_fingerprint = null
          where fingerprint = $1 and next_fingerprint = $2`,
        [current, next],
        (now) => now.current === next && now.previous === current,
      ),
    retire: (current, previous) =>
      change(
        "retire",
        `update bulkhead.meta set previous_fingerprint = null
          where fingerprint = $1 and previous_fingerprint = $2`,
        [current, previous],
        (now) => now.current === current && now.previous === undefined,
      ),
  };
};
