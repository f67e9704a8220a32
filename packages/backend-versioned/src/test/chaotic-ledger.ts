import { FileError } from "@bulkhead/contract";
import type { LedgerCommit } from "../ledger-commit.ts";

/**
 * How a call of the ledger fails: untouched, with its answer lost, or only late. A ledger that hangs is one that answers
 * `unavailable` in the end: its statements have a time.
 */
export type LedgerFault = "before" | "after" | "late";

const lost = (): FileError => new FileError("unavailable", "The ledger did not answer.");

/** A ledger whose calls meet what `draw` says for each, in the order in which they are made. */
export const chaoticLedger = (
  inner: LedgerCommit,
  draw: (call: keyof LedgerCommit) => LedgerFault | undefined,
): LedgerCommit => {
  const through =
    <A extends readonly unknown[], R>(
      name: keyof LedgerCommit,
      call: (...args: A) => Promise<R>,
    ): ((...args: A) => Promise<R>) =>
    async (...args) => {
      const fault = draw(name);
      if (fault === "before") throw lost();
      if (fault === "late") await new Promise((resolve) => setTimeout(resolve, 20));
      const answer = await call(...args);
      if (fault === "after") throw lost();
      return answer;
    };
  return {
    stat: through("stat", inner.stat),
    read: through("read", inner.read),
    list: through("list", inner.list),
    versions: through("versions", inner.versions),
    openBlob: through("openBlob", inner.openBlob),
    renewBlobs: through("renewBlobs", inner.renewBlobs),
    discardBlob: through("discardBlob", inner.discardBlob),
    forgetBlob: through("forgetBlob", inner.forgetBlob),
    write: through("write", inner.write),
    mkdir: through("mkdir", inner.mkdir),
    remove: through("remove", inner.remove),
    copy: through("copy", inner.copy),
    move: through("move", inner.move),
    restore: through("restore", inner.restore),
  };
};
