import {
  FileError,
  type PageOf,
  type PageQuery,
  type ResidencyControl,
  type ResidencyItem,
  type TenantRecord,
} from "@bulkhead/contract";
import type { TenantStore } from "../ports.ts";
import type { Audited } from "./audited.ts";
import { checkWholeTenant } from "./check-admin.ts";
import { visibleTenant } from "./visible-tenant.ts";

export interface ResidencyControlOptions {
  readonly tenants: Pick<TenantStore, "get">;
  /** Looks where a tenant's files are. */
  readonly look: (tenant: TenantRecord, query: PageQuery) => Promise<PageOf<ResidencyItem>>;
  readonly audited: Audited;
}

const most = 1000;

/** Shows where a tenant's files are. */
export const residencyControl = ({
  tenants,
  look,
  audited,
}: ResidencyControlOptions): ResidencyControl => ({
  verify: (ctx, id, query) =>
    audited(ctx, "residency.verify", `tenant:${id}`, async () => {
      const tenant = await visibleTenant(tenants)(ctx, id);
      checkWholeTenant(ctx.principal, tenant.roots);
      if (query.limit !== undefined && (query.limit < 1 || query.limit > most))
        throw new FileError("invalid-request", `A page holds 1 to ${most} entries.`);
      return look(tenant, query);
    }),
});
