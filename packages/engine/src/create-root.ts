import { nameOf } from "@bulkhead/contract";
import type { Ledger } from "@bulkhead/ledger";
import type { Tenants } from "@bulkhead/policy";
import type { RootsTable } from "./roots.ts";

/** Makes a root, and with it its tenant unless that has another one already; both are served when it resolves. */
export const createRoot =
  (
    ledger: Pick<Ledger, "tenants">,
    roots: Pick<RootsTable, "catchUp">,
    placement: string,
  ): Tenants["createRoot"] =>
  async (settlement, path) => {
    const id = nameOf(path);
    const existing = await ledger.tenants.get(id);
    if (settlement.audit !== undefined)
      settlement.audit.action = existing === undefined ? "tenant.create" : "tenant.root";
    if (existing !== undefined) {
      settlement.tenant = existing.uid;
      await ledger.tenants.addRoot(settlement, existing.uid, path, placement);
    } else
      await ledger.tenants.create(settlement, {
        id,
        name: id,
        root: path,
        placement,
        subdomain: undefined,
        allowedRegions: undefined,
        limits: {},
        settings: {},
      });
    // What comes next in the same request may lie below it.
    await roots.catchUp(undefined);
  };
