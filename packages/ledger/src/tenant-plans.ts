import { isFileError, type TenantRecord } from "@bulkhead/contract";
import { type Database, type Queries, toJson } from "./database.ts";
import { type AlterTenant, patchTenant, tenantRecord } from "./tenant-rows.ts";
import type { TenantPlans } from "./types-quota.ts";

/** What a tenant is once its trial is over. */
const past = `status = case when status = 'trial' then 'active' else status end,
  status_before = case when status_before = 'trial' then 'active' else status_before end`;

const onPlan = (plan: string): string => `plan = ${plan},
  limits = bulkhead.limits_v1(${plan}, overrides), features = bulkhead.features_v1(${plan}),
  mrr_minor = bulkhead.mrr_v1(${plan}, billing_cycle, case when status = 'trial' then 'active' else status end)`;

const over = "trial_ends_at <= bulkhead.now() and 'trial' in (status, status_before)";

/** Writes what the server did by itself: an event and an entry of the tenant's audit chain. */
const tell = async (
  tx: Queries,
  uid: string,
  kind: string,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> => {
  await tx.rows(
    `with head as (update bulkhead.tenant_head set seq = seq + 1 where uid = $1 returning uid, seq)
     insert into bulkhead.outbox (tenant, seq, kind, payload, created_at)
     select uid, seq, $2, $3, bulkhead.now() from head`,
    [uid, kind, toJson(detail)],
  );
  await tx.rows("select bulkhead.audit_append_v1($1, $2, 'SUCCESS')", [
    uid,
    toJson({
      actor: "service:bulkhead",
      key: "",
      action: kind,
      resource: uid,
      requestId: "",
      front: "job",
      detail,
    }),
  ]);
};

/** Changes the plans and limits of tenants. A limit may become lower: what was begun under the higher one is decided again. */
export const tenantPlans = (database: Database, alter: AlterTenant): TenantPlans => ({
  upgrade: (settlement, uid, plan) =>
    alter("tenant.upgrade", settlement, uid, true, (tx) =>
      patchTenant(
        tx,
        `${onPlan("$2")}, ${past}, trial_ends_at = null, upgraded_at = bulkhead.now()
         where uid = $1 and status not in ('deleting', 'deleted')`,
        [uid, plan],
      ),
    ),

  setQuota: (settlement, uid, { limits, soft, dropped }) =>
    alter("tenant.quota", settlement, uid, true, (tx) =>
      patchTenant(
        tx,
        `overrides = (overrides - $3::text[]) || $2,
         limits = bulkhead.limits_v1(plan, (overrides - $3::text[]) || $2),
         soft_limits = jsonb_strip_nulls(soft_limits || $4)
         where uid = $1 and status not in ('deleting', 'deleted')`,
        [uid, toJson(limits), dropped, toJson(soft)],
      ),
    ),

  endTrials: async (end) => {
    const due = await database.rows<{ uid: string }>(
      `select uid from bulkhead.tenant where status in ('trial', 'suspended', 'cancelled') and ${over} order by uid`,
    );
    for (const { uid } of due)
      await alter("tenant.trial-ended", undefined, uid, end === "suspend", async (tx, n) => {
        const before = await tenantRecord(tx, uid);
        const patch = (text: string, values: readonly unknown[]): Promise<TenantRecord> =>
          patchTenant(tx, `${text} where uid = $1`, [uid, ...values]);
        const [still] = await tx.rows(
          `select from bulkhead.tenant where uid = $1 and ${over} for update`,
          [uid],
        );
        // Upgraded or deleted meanwhile, or ended by another process.
        if (still === undefined) return before;
        const ended =
          end === "suspend" && before.status === "trial"
            ? await patch(
                `status = 'suspended', status_before = 'active', suspended_at = bulkhead.now(),
                 suspension_reason = 'trial-ended', status_n = $2`,
                [n],
              )
            : await (typeof end === "object"
                ? patch(`${onPlan("$2")}, ${past}`, [end.plan])
                : patch(`${onPlan("plan")}, ${past}`, []));
        await tell(tx, uid, "tenant.trial-ended", { status: ended.status, plan: ended.plan });
        return ended;
      }).catch((error: unknown) => {
        // Deleted meanwhile: nobody's trial any more.
        if (!isFileError(error, "not-found")) throw error;
      });
    return due.length;
  },
});
