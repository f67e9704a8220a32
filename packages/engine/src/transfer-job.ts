import { randomUUID } from "node:crypto";
import { type Context, parseVirtualPath, type Tree } from "@bulkhead/contract";
import type { JobControl, JobHandler, Ledger, RunningJob } from "@bulkhead/ledger";
import type { Admitted, Authority } from "@bulkhead/policy";
import { type Transfer, transferDirectory } from "@bulkhead/vfs";

export const transferKind = "tree.transfer";

/** Turns the copy or move of a directory from one storage to another into a job. */
export const enqueueTransfer =
  (ledger: Ledger): Transfer =>
  async (ctx, operation, from, to) => ({
    job: await ledger.jobs.enqueue({
      kind: transferKind,
      tenantUid: ctx.principal.tenant?.uid,
      idempotency: ctx.settlement.idempotency,
      payload: { ...askedBy(ctx), operation, from, to },
    }),
  });

/** Whose request a job goes on with, as its payload keeps it. */
export const askedBy = ({
  principal,
  requestId,
  settlement: { audit },
}: Context): Readonly<Record<string, unknown>> => ({
  key: principal.keyId,
  ...(principal.acting !== undefined && {
    as: principal.acting.subject,
    asTenant: principal.acting.tenant,
  }),
  ...(principal.via !== undefined && { via: principal.via }),
  actor: audit?.actor ?? "",
  front: audit?.front ?? "",
  requestId,
});

export const textOf = (payload: Readonly<Record<string, unknown>>, name: string): string => {
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

/** A request of the job's own, with the key that asked for it as it stands now. */
export const contextOf = async (
  authority: Pick<Authority, "readmit">,
  { id, payload }: RunningJob,
  control: JobControl,
  action: "copy" | "move",
): Promise<Context> => {
  const key = textOf(payload, "key");
  const admission = await authority.readmit({ keyId: key, ...standingOf(payload) });
  return {
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
        action,
        resource: textOf(payload, "from"),
        detail: { to: textOf(payload, "to"), job: id },
      },
      idempotency: undefined,
    },
    commit: () => Promise.resolve(),
  };
};

/**
 * Does the transfer with the key that asked for it, entry by entry and decided anew at each: a key that was revoked
 * since moves nothing more. `tree` is the one below the session, with its policy.
 */
export const transferDirectories =
  (authority: Pick<Authority, "readmit">, tree: Tree): JobHandler =>
  async (job, control) => {
    const [from, to] = [textOf(job.payload, "from"), textOf(job.payload, "to")];
    const operation = textOf(job.payload, "operation") === "move" ? "move" : "copy";
    const ctx = await contextOf(authority, job, control, operation);
    return transferDirectory(tree, ctx, operation, parseVirtualPath(from), parseVirtualPath(to), {
      progress: (done) => control.progress({ ...done }),
    });
  };
