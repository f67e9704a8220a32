import { type BillBasis, type BillControl, billOf, FileError, monthSpan } from "@bulkhead/contract";
import type { TenantStore } from "../ports.ts";
import type { Audited } from "./audited.ts";
import { checkWholeTenant } from "./check-admin.ts";
import { visibleTenant } from "./visible-tenant.ts";

export interface BillControlOptions {
  readonly tenants: Pick<TenantStore, "get">;
  /** All that the bill of a month is made from, as of now. */
  readonly billed: (tenantUid: string, from: number, to: number) => Promise<BillBasis>;
  /** Brings what this process counted into the ledger. */
  readonly flush: () => Promise<void>;
  /** ISO 4217. */
  readonly currency: string;
  readonly audited: Audited;
}

/** Makes bills: of what is counted and of the plans there were, at the moment somebody asks. */
export const billControl = (options: BillControlOptions): BillControl => ({
  get: (ctx, id, month) =>
    options.audited(ctx, "bill.get", `tenant:${id}`, async () => {
      const tenant = await visibleTenant(options.tenants)(ctx, id);
      checkWholeTenant(ctx.principal, tenant.roots);
      const span = monthSpan(month);
      if (span === undefined || span.from > ctx.now)
        throw new FileError("invalid-request", "A month is written 2026-11, and has begun.");
      await options.flush();
      const basis = await options.billed(tenant.uid, span.from, span.to);
      return billOf(tenant.id, month, options.currency, basis);
    }),
});
