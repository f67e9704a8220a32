import type { Database } from "./database.ts";
import { functionCall } from "./function-call.ts";
import { type AuditHead, type AuditLog, type ChainFault, platformUid } from "./types.ts";

const end = functionCall("audit_end_v1", 1);
const slice = functionCall("audit_slice_v1", 5);

/** How many entries one transaction recomputes: a fraction of a second. */
const sliceEntries = 2000;
const genesis = "00".repeat(32);

interface EndRow {
  readonly n: number;
  readonly hash: string;
  readonly signed: number | null;
}

interface SliceRow {
  readonly n: number;
  readonly hash: string;
  readonly fault: ChainFault | null;
  readonly heads: readonly (Omit<AuditHead, "tenantUid"> & { readonly found: string | null })[];
}

/** Recomputes chains stretch by stretch, each in a transaction of its own under the row-level security of its tenant. */
export const examineChains =
  (scoped: Database): AuditLog["examine"] =>
  async (tenantUid, isSigned = () => true) => {
    const tenant = tenantUid ?? platformUid;
    const ask = <T>(statement: { readonly text: string }, values: readonly unknown[]): Promise<T> =>
      scoped.transaction(async (tx) => {
        await tx.rows("select bulkhead.enter_v1($1)", [tenant]);
        const [row] = await tx.rows<{ answer: T }>(`${statement.text} as answer`, values);
        if (row === undefined) throw new Error("A function answered nothing.");
        return row.answer;
      });
    const last = await ask<EndRow | null>(end, [tenant]);
    if (last === null) return { entries: 0, hash: genesis, signed: undefined, fault: undefined };
    let at = { n: 0, hash: genesis };
    let signed: number | undefined;
    const answer = (fault: ChainFault | undefined) => ({
      entries: at.n,
      hash: at.hash,
      signed,
      fault,
    });
    while (at.n < last.n) {
      const row: SliceRow = await ask(slice, [
        tenant,
        at.n,
        Buffer.from(at.hash, "hex"),
        last.n,
        sliceEntries,
      ]);
      for (const { found, ...head } of row.heads) {
        // The whole rest was made anew: somewhere behind the last head that holds.
        if (found !== head.hash)
          return answer({ n: (signed ?? 0) + 1, to: head.n, fault: "changed" });
        if (!(await isSigned({ ...head, tenantUid })))
          return answer({ n: (signed ?? 0) + 1, to: head.n, fault: "signature" });
        signed = head.n;
      }
      at = { n: row.n, hash: row.hash };
      if (row.fault !== null) return answer(row.fault);
    }
    if (at.hash !== last.hash) return answer({ n: at.n, fault: "changed" });
    if (last.signed !== null && last.signed > last.n)
      return answer({ n: last.n + 1, to: last.signed, fault: "missing" });
    return answer(undefined);
  };
