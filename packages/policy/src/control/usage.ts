import { FileError, type UsageControl, type UsageQuery, type UsageSpans } from "@bulkhead/contract";
import type { TenantStore } from "../ports.ts";
import type { Audited } from "./audited.ts";
import { checkWholeTenant } from "./check-admin.ts";
import { visibleTenant } from "./visible-tenant.ts";

export interface UsageControlOptions {
  readonly tenants: Pick<TenantStore, "get">;
  readonly usage: UsageSpans;
  /** Brings what this process counted into the ledger. */
  readonly flush: () => Promise<void>;
  readonly audited: Audited;
}

const hourMs = 3_600_000;
const stepMs = { hour: hourMs, day: 24 * hourMs, month: 28 * 24 * hourMs } as const;
/** The most steps that one answer tells, and the longest time, in hours. */
const mostSteps = 1000;
const mostHours = 40 * 31 * 24;

const rangeOf = (now: number, { from, to, by = "hour" }: UsageQuery) => {
  const end = Math.ceil((to ?? now + 1) / hourMs) * hourMs;
  const begin = Math.floor((from ?? end - 24 * hourMs) / hourMs) * hourMs;
  if (begin >= end)
    throw new FileError("invalid-request", "The time 'from' lies before the time 'to'.");
  if ((end - begin) / stepMs[by] > mostSteps || (end - begin) / hourMs > mostHours)
    throw new FileError(
      "invalid-request",
      "So much is not told at once; ask for less time, or by day or month.",
    );
  return { from: begin, to: end, by };
};

/** Tells what tenants used. */
export const usageControl = ({
  tenants,
  usage,
  flush,
  audited,
}: UsageControlOptions): UsageControl => ({
  over: (ctx, id, query) =>
    audited(ctx, "usage.get", `tenant:${id}`, async () => {
      const tenant = await visibleTenant(tenants)(ctx, id);
      checkWholeTenant(ctx.principal, tenant.roots);
      const { from, to, by } = rangeOf(ctx.now, query);
      await flush();
      const { spans } = await usage.spans(tenant.uid, from, to, by);
      return { tenant: tenant.id, from, to, by, spans };
    }),
});
