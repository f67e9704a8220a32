import { randomUUID } from "node:crypto";
import { type Context, parseVirtualPath, type Tree } from "@bulkhead/contract";
import type { JobHandler, Ledger } from "@bulkhead/ledger";
import type { Admitted, Authority } from "@bulkhead/policy";
import { type Transfer, transferDirectory } from "@bulkhead/vfs";

export const transferKind = "tree.transfer";

/** Turns the copy or move of a directory from one storage to another into a job. */
export const enqueueTransfer =
  (ledger: Ledger): Transfer =>
  async ({ principal, requestId, settlement: { audit, idempotency } }, operation, from, to) => ({
    job: await ledger.jobs.enqueue({
      kind: transferKind,
      tenantUid: principal.tenant?.uid,
      idempotency,
      payload: {
        key: principal.keyId,
        ...(principal.acting !== undefined && {
          as: principal.acting.subject,
          asTenant: principal.acting.tenant,
        }),
        ...(principal.via !== undefined && { via: principal.via }),
        actor: audit?.actor ?? "",
        front: audit?.front ?? "",
        requestId,
        operation,
        from,
        to,
      },
    }),
  });

const textOf = (payload: Readonly<Record<string, unknown>>, name: string): string => {
  const value = payload[name];
  if (typeof value !== "string") throw new Error(`The job names no ${name}.`);
  return value;
};

/** For whom the key acted that asked for the transfer, and through which shares: the job may no more than that. */
const standingOf = (payload: Readonly<Record<string, unknown>>): Omit<Admitted, "keyId"> => {
  const { as, via } = payload;
  const through = Array.isArray(via) ? { via: via.map(parseVirtualPath) } : {};
  if (as === undefined) return through;
  const acting = { subject: textOf(payload, "as"), tenant: textOf(payload, "asTenant") };
  return { ...through, acting };
};

/**
 * Does the transfer with the key that asked for it, entry by entry and decided anew at each: a key that was revoked
 * since moves nothing more. `tree` is the one below the session, with its policy.
 */
export const transferDirectories =
  (authority: Authority, tree: Tree): JobHandler =>
  async ({ id, payload }, control) => {
    const key = textOf(payload, "key");
    const [from, to] = [textOf(payload, "from"), textOf(payload, "to")];
    const operation = textOf(payload, "operation") === "move" ? "move" : "copy";
    const admission = await authority.readmit({ keyId: key, ...standingOf(payload) });
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
        audit: {
          actor: textOf(payload, "actor"),
          front: textOf(payload, "front"),
          requestId: textOf(payload, "requestId"),
          key,
          action: operation,
          resource: from,
          detail: { to, job: id },
        },
        idempotency: undefined,
      },
      commit: () => Promise.resolve(),
    };
    return transferDirectory(tree, ctx, operation, parseVirtualPath(from), parseVirtualPath(to), {
      progress: (done) => control.progress({ ...done }),
    });
  };
