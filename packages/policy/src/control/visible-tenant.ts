import { type Context, FileError, type TenantRecord } from "@bulkhead/contract";
import { checkScope } from "../decision.ts";
import type { TenantStore } from "../ports.ts";
import { checkAdmin } from "./check-admin.ts";

type Lookup = Pick<TenantStore, "get">;

const noSuchTenant = (): FileError => new FileError("not-found", "There is no such tenant.");

/** The tenant of that id, for those who may see all of them. Rejects with `not-found`. */
export const existingTenant = async (tenants: Lookup, id: string): Promise<TenantRecord> => {
  const tenant = await tenants.get(id);
  if (tenant === undefined) throw noSuchTenant();
  return tenant;
};

/** The tenant if it is the caller's to see; one answer for every other id, existing or not. */
export const visibleTenant =
  (tenants: Lookup) =>
  async ({ principal }: Context, id: string): Promise<TenantRecord> => {
    checkScope(principal, "admin");
    if (principal.kind === "platform") return existingTenant(tenants, id);
    if (principal.tenant?.id !== id) throw noSuchTenant();
    checkAdmin(principal);
    return existingTenant(tenants, id);
  };
