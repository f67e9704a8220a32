import { randomUUID } from "node:crypto";
import { type AuditDraft, type Context, parseVirtualPath, type Tree } from "@bulkhead/contract";
import type { JobHandler, Ledger } from "@bulkhead/ledger";
import type { Authority } from "@bulkhead/policy";
import { type Transfer, transferDirectory } from "@bulkhead/vfs";

export const transferKind = "tree.transfer";

/** Turns the copy or move of a directory from one storage to another into a job. */
export const enqueueTransfer =
  (ledger: Ledger): Transfer =>
  async (ctx, operation, from, to) => ({
    job: await ledger.jobs.enqueue({
      kind: transferKind,
      tenantUid: ctx.principal.tenant?.uid,
      payload: { key: ctx.principal.keyId, operation, from, to, audit: ctx.settlement.audit },
    }),
  });

/** What `enqueueTransfer` stored. */
interface Payload {
  readonly key: string;
  readonly operation: "copy" | "move";
  readonly from: string;
  readonly to: string;
  readonly audit?: AuditDraft;
}

/**
 * Does the transfer with the key that asked for it, entry by entry and decided anew at each: a key that was revoked
 * since moves nothing more. `tree` is the one below the session, with its policy.
 */
export const transferDirectories =
  (authority: Authority, tree: Tree): JobHandler =>
  async ({ id, payload }, control) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `enqueueTransfer` alone
    const { key, operation, from, to, audit } = payload as unknown as Payload;
    const admission = await authority.readmit(key);
    const ctx: Context = {
      signal: control.signal,
      requestId: `job-${id}-${randomUUID().slice(0, 8)}`,
      now: admission.now,
      principal: admission.principal,
      cut: () => undefined,
      settlement: {
        tenant: undefined,
        revisions: admission.revisions,
        reserved: { bytes: 0, files: 0 },
        audit,
        idempotency: undefined,
      },
      commit: () => Promise.resolve(),
    };
    return transferDirectory(tree, ctx, operation, parseVirtualPath(from), parseVirtualPath(to), {
      progress: (done) => control.progress({ ...done }),
    });
  };
