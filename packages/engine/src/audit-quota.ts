import {
  FileError,
  type QuotaAudit,
  type StorageAudit,
  type VirtualPath,
} from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import type { JobHandler, Ledger } from "@bulkhead/ledger";
import { auditKind } from "@bulkhead/policy";
import { recount } from "@bulkhead/settle";
import type { Mount } from "@bulkhead/vfs";
import type { MountTemplates } from "./mount-templates.ts";
import type { RootsTable } from "./roots.ts";

export { auditKind };

export interface AuditQuotaOptions {
  readonly ledger: Pick<Ledger, "accounted" | "tenants" | "trees">;
  readonly roots: Pick<RootsTable, "table" | "rootAt" | "catchUp">;
  readonly templates: Pick<MountTemplates, "weigh">;
  readonly tenantAt: (path: VirtualPath) => string | undefined;
}

/** Changes go on while it counts: what differs is counted again so often before it is called drift. */
const rounds = 5;
const pauseMs = 300;
/** Of each storage so many files whose charge is not their size are named. */
const named = 20;

type Amounts = QuotaAudit["counted"];

const zero: Amounts = { bytes: 0, files: 0, versionBytes: 0 };
const combine = (a: Amounts, b: Amounts, sign: 1 | -1): Amounts => ({
  bytes: a.bytes + sign * b.bytes,
  files: a.files + sign * b.files,
  versionBytes: a.versionBytes + sign * b.versionBytes,
});
const isZero = ({ bytes, files, versionBytes }: Amounts): boolean =>
  bytes === 0 && files === 0 && versionBytes === 0;

/** Counts what a tenant really has, on every storage, beside what its counters say. */
export const auditQuota = (options: AuditQuotaOptions): JobHandler => {
  const { ledger, roots, templates, tenantAt } = options;

  const storageAt = async (mount: Mount): Promise<StorageAudit | undefined> => {
    const { path, backend } = mount;
    const { scheme } = backend;
    // Of all trees together the ledger tells.
    if (scheme === "versioned") return undefined;
    if (scheme === "postgres") {
      const root = roots.rootAt(path);
      const weighed = root && (await templates.weigh(root));
      if (weighed === undefined)
        throw new FileError("unavailable", `The database of ${path} does not answer.`);
      return { path, scheme, found: { ...zero, ...weighed }, differences: [] };
    }
    const { found, differences } = await recount(
      plainContext({ requestId: "quota-audit" }),
      backend,
      ledger.accounted,
      mount.id,
    );
    return {
      path,
      scheme,
      found: { ...zero, ...found },
      differences: differences.slice(0, named).map((one) => ({
        path: one.path,
        found: one.found ?? null,
        charged: one.charged ?? null,
      })),
    };
  };

  const count = async (uid: string, id: string): Promise<QuotaAudit> => {
    const storages: StorageAudit[] = [];
    for (const mount of roots.table().mounts()) {
      // What is mounted to be read is nobody's charge.
      if (mount.readOnly === true || tenantAt(mount.path) !== uid) continue;
      const one = await storageAt(mount);
      if (one !== undefined) storages.push(one);
    }
    const { counted, found: trees } = await ledger.trees.recount(uid);
    const found = storages.reduce((sum, one) => combine(sum, one.found, 1), trees);
    return { tenant: id, counted, found, drift: combine(counted, found, -1), storages };
  };

  return async ({ payload }) => {
    const uid = String(payload["tenant"]);
    const tenant = await ledger.tenants.byUid(uid);
    if (tenant === undefined) throw new FileError("not-found", "There is no such tenant.");
    await roots.catchUp(undefined);
    for (let round = 1; ; round++) {
      const audit = await count(uid, tenant.id);
      const exact =
        isZero(audit.drift) && audit.storages.every((one) => one.differences.length === 0);
      if (exact || round === rounds) return audit;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
};
