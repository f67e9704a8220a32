import type { AuditDraft, Context, Revision, TenantRecord, VirtualPath } from "@bulkhead/contract";

/** Where it is recorded who reads what, for tenants that want to know. */
export interface ReadAudit {
  /** True if the tenant of that uid wants it, as of revisions no older than these. */
  readonly wanted: (uid: string, revisions: readonly Revision[]) => Promise<boolean>;
  /** Writes an entry to the tenant's chain. Rejects where that cannot be. */
  readonly record: (uid: string, draft: AuditDraft) => Promise<void>;
  /** Whose ground a path is. */
  readonly tenantAt: (path: VirtualPath) => string | undefined;
}

/** True if a tenant's settings say that reading its files is audited. */
export const auditsReads = ({ settings }: Pick<TenantRecord, "settings">): boolean =>
  settings["auditReads"] === true;

/**
 * Makes what is called before anything of a content is told: it records that once, as the open entry of `ctx` says it,
 * with the owner of what is read. Only then is that known: fill `ctx.settlement` in until the first call.
 */
export const readRecord = (
  { wanted, record }: Pick<ReadAudit, "wanted" | "record">,
  { settlement }: Pick<Context, "settlement">,
  detail: Readonly<Record<string, unknown>>,
): (() => Promise<void>) => {
  let recorded: Promise<void> | undefined;
  const once = async (): Promise<void> => {
    const { tenant, audit, revisions } = settlement;
    if (tenant === undefined || audit === undefined || !(await wanted(tenant, revisions))) return;
    await record(tenant, { ...audit, action: "read", detail: { ...audit.detail, ...detail } });
  };
  return () => (recorded ??= once());
};

/** Records what is copied or moved out of a tenant's ground with that tenant: the entry of the commit is the other one's. */
export const recordTaken = async (
  { wanted, record, tenantAt }: ReadAudit,
  { settlement }: Pick<Context, "settlement">,
  from: VirtualPath,
): Promise<void> => {
  const owner = tenantAt(from);
  const { tenant, audit, revisions } = settlement;
  if (owner === undefined || owner === tenant || audit === undefined) return;
  if (await wanted(owner, revisions)) await record(owner, { ...audit, action: "read" });
};
