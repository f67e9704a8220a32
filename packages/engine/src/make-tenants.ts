import { randomUUID } from "node:crypto";
import {
  FileError,
  nameOf,
  type Settlement,
  type TenantRecord,
  type NewTenant,
} from "@bulkhead/contract";
import type { Ledger } from "@bulkhead/ledger";
import { checkHere, type Elsewhere, type Tenants } from "@bulkhead/policy";
import type { RootsTable } from "./roots.ts";
import type { TenantBuckets } from "./tenant-buckets.ts";
import type { TenantDatabases } from "./tenant-databases.ts";

export interface MakeTenantsOptions {
  readonly ledger: Pick<Ledger, "tenants" | "jobs">;
  readonly roots: Pick<RootsTable, "catchUp">;
  readonly databases: Pick<TenantDatabases, "plan">;
  readonly buckets: Pick<TenantBuckets, "has" | "plan">;
  readonly elsewhere: Pick<Elsewhere, "addressOf">;
  /** The placement of a new tenant. */
  readonly placement: string;
  /** The plan of a tenant that is made as a directory. */
  readonly plan?: string | undefined;
}

export interface MakeTenants {
  /** With a placement that needs a database, or buckets, the tenant is `provisioning`, and its record names the job. */
  readonly create: (settlement: Settlement, tenant: NewTenant) => Promise<TenantRecord>;
  /** Resolves once the tenant serves. */
  readonly createRoot: Tenants["createRoot"];
}

/** How long the making of a directory waits for what has to be made first. */
const patienceMs = 20_000;

/** Makes tenants: at once, or, where a database or buckets have to be made, by a job. */
export const makeTenants = (options: MakeTenantsOptions): MakeTenants => {
  const { ledger, roots, databases, buckets, placement, plan, elsewhere } = options;

  const create: MakeTenants["create"] = async (settlement, tenant) => {
    await checkHere(elsewhere, { tenant: tenant.id, subdomain: tenant.subdomain });
    const planned = databases.plan(tenant.id, tenant.placement);
    const uid = planned?.uid ?? randomUUID();
    const mounts = buckets.has(tenant.placement) ? await buckets.plan({ ...tenant, uid }) : [];
    const made = await ledger.tenants.create(settlement, {
      ...tenant,
      ...planned,
      uid,
      buckets: mounts,
    });
    if (planned !== undefined || mounts.length > 0) ledger.jobs.wake();
    return made;
  };

  const served = async (job: string): Promise<void> => {
    const end = performance.now() + patienceMs;
    for (let ms = 20; performance.now() < end; ms = Math.min(ms * 2, 500)) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      const record = await ledger.jobs.get(job);
      if (record?.state === "done") return;
      if (record === undefined || record.state === "dead")
        throw new FileError("conflict", record?.error ?? "The tenant could not be made.", {
          retry: "never",
        });
    }
    throw new FileError("unavailable", `The tenant is still being set up, by the job ${job}.`, {
      retry: "never",
      fields: { retryAfter: 5 },
    });
  };

  return {
    create,
    createRoot: async (settlement, path) => {
      const id = nameOf(path);
      const existing = await ledger.tenants.get(id);
      if (settlement.audit !== undefined)
        settlement.audit.action = existing === undefined ? "tenant.create" : "tenant.root";
      if (existing === undefined) {
        const { provisioning } = await create(settlement, {
          id,
          name: id,
          root: path,
          placement,
          subdomain: undefined,
          allowedRegions: undefined,
          limits: {},
          settings: {},
          plan,
        });
        if (typeof provisioning === "string") await served(provisioning);
      } else {
        settlement.tenant = existing.uid;
        // Beside its first root, by the same placement.
        await ledger.tenants.addRoot(settlement, existing.uid, path);
      }
      // What comes next in the same request may lie below it.
      await roots.catchUp(undefined);
    },
  };
};
