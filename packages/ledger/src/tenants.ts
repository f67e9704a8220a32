import { FileError, type PageQuery, type TenantRecord } from "@bulkhead/contract";
import { randomUUID } from "node:crypto";
import { forgetCharges } from "./accounted.ts";
import type { Changes } from "./change.ts";
import { type Database, type Statement, toJson } from "./database.ts";
import { endMounts, insertMount } from "./mounts.ts";
import { pageLimitOf, readPosition, writePosition } from "./position.ts";
import { beginProvisioning } from "./provisioning.ts";
import { endRelations } from "./relation-ending.ts";
import {
  alterTenants,
  noTenant,
  orTaken,
  patchTenant,
  tenantJson,
  tenantRecord,
} from "./tenant-rows.ts";
import { tenantPlans } from "./tenant-plans.ts";
import { platformUid } from "./types.ts";
import type { TenantCounts, LedgerTenants } from "./types-tenants.ts";

const one = (name: string, condition: string): Statement => ({
  name,
  text: `select (select ${tenantJson} from bulkhead.tenant t where ${condition})`,
});
// Asked for by requests: planned once a connection.
const byId = one("tenant_by_id", "id = $1 and status <> 'deleted'");
const byUid = one("tenant_by_uid", "uid = $1");

/** Keeps tenants and their roots. */
export const createTenants = (database: Database, change: Changes): LedgerTenants => {
  const alter = alterTenants(change);

  return {
    ...tenantPlans(database, alter),
    create: (settlement, tenant) => {
      const { uid = randomUUID(), buckets = [] } = tenant;
      return change({
        kind: "tenant.create",
        settlement,
        chain: uid,
        takesFrom: [],
        bumps: [platformUid],
        work: async (tx) => {
          await orTaken(
            tx.rows(
              `insert into bulkhead.tenant (uid, id, name, status, subdomain, region, allowed_regions, overrides, settings,
                 plan, limits, features, mrr_minor, trial_ends_at, created_at, updated_at)
               select $1, $2, $3, n.status, $4, coalesce($10, (select region from bulkhead.meta)), $5, $6, $7, $8,
                 bulkhead.limits_v1($8, $6), bulkhead.features_v1($8), bulkhead.mrr_v1($8, 'monthly', n.status),
                 n.at + $9::double precision * interval '1 day', n.at, n.at
               from (select bulkhead.now() as at, case when $9::double precision is null then 'active' else 'trial' end
                 as status) n`,
              [
                uid,
                tenant.id,
                tenant.name,
                tenant.subdomain ?? null,
                tenant.allowedRegions ?? null,
                toJson(tenant.limits),
                toJson(tenant.settings),
                tenant.plan ?? null,
                tenant.trialDays ?? null,
                tenant.region ?? null,
              ],
            ),
          );
          await tx.rows(
            "insert into bulkhead.revision (tenant, epoch, n) select $1, epoch, 0 from bulkhead.revision where tenant = $2",
            [uid, platformUid],
          );
          await orTaken(
            tx.rows("insert into bulkhead.root (path, tenant, placement) values ($1, $2, $3)", [
              tenant.root,
              uid,
              tenant.placement,
            ]),
          );
          await tx.rows("insert into bulkhead.tenant_head (uid) values ($1)", [uid]);
          for (const mount of buckets) await insertMount(tx, settlement, mount);
          if (tenant.database !== undefined || buckets.length > 0)
            await beginProvisioning(tx, uid, tenant.database);
          return {
            value: await tenantRecord(tx, uid),
            payload: { tenant: uid, mounts: buckets.map(({ id }) => id) },
            outcome: { tenant: uid },
          };
        },
      });
    },
    addRoot: (settlement, uid, path, placement) =>
      alter("root.add", settlement, uid, false, async (tx) => {
        const [row] = await orTaken(
          tx.rows(
            `insert into bulkhead.root (path, tenant, placement)
             select $1, t.uid, coalesce($3, (select r.placement from bulkhead.root r where r.tenant = t.uid
               order by r.generation limit 1))
             from bulkhead.tenant t where t.uid = $2 and t.status not in ('deleting', 'deleted') returning path`,
            [path, uid, placement ?? null],
          ),
        );
        return row === undefined ? noTenant() : await tenantRecord(tx, uid);
      }),
    get: async (id) => (await database.call<TenantRecord | null>(byId, [id])) ?? undefined,
    byUid: async (uid) => (await database.call<TenantRecord | null>(byUid, [uid])) ?? undefined,
    list: async (query: PageQuery & { readonly status?: string | undefined }) => {
      const limit = pageLimitOf(query);
      const [id, uid] = readPosition(query.after, 2) ?? ["", platformUid];
      const rows = await database.rows<{ record: TenantRecord }>(
        `select ${tenantJson} as record from bulkhead.tenant t
         where (id, uid) > ($1, $2::uuid) and (case when $3::text is null then status <> 'deleted' else status = $3 end)
         order by id, uid limit $4`,
        [id, uid, query.status ?? null, limit + 1],
      );
      const items = rows.slice(0, limit).map((row) => row.record);
      const last = rows.length > limit ? items.at(-1) : undefined;
      return last === undefined ? { items } : { items, next: writePosition([last.id, last.uid]) };
    },
    patch: (settlement, uid, patch) =>
      // A limit may become lower: what was begun under the higher one is decided again.
      alter("tenant.patch", settlement, uid, patch.limits !== undefined, (tx) =>
        patchTenant(
          tx,
          `name = coalesce($2, name), subdomain = case when $3 then $4 else subdomain end,
           overrides = overrides || coalesce($5::jsonb, '{}'),
           limits = bulkhead.limits_v1(plan, overrides || coalesce($5::jsonb, '{}')),
           settings = settings || coalesce($6::jsonb, '{}'),
           rate_limits = case when $7::jsonb is null then rate_limits when $7::jsonb = 'null' then '{}'
             else rate_limits || $7::jsonb end
           where uid = $1 and status not in ('deleting', 'deleted')`,
          [
            uid,
            patch.name ?? null,
            patch.subdomain !== undefined,
            patch.subdomain ?? null,
            patch.limits === undefined ? null : toJson(patch.limits),
            patch.settings === undefined ? null : toJson(patch.settings),
            patch.rateLimits === undefined ? null : toJson(patch.rateLimits),
          ],
        ),
      ),
    suspend: (settlement, uid, reason) =>
      alter("tenant.suspend", settlement, uid, true, (tx, n) =>
        patchTenant(
          tx,
          `status_before = case when status = 'suspended' then status_before else status end, status = 'suspended',
           suspended_at = coalesce(case when status = 'suspended' then suspended_at end, bulkhead.now()),
           suspension_reason = $2, status_n = $3 where uid = $1 and status not in ('deleting', 'deleted')`,
          [uid, reason ?? null, n],
        ),
      ),
    reactivate: (settlement, uid) =>
      alter("tenant.reactivate", settlement, uid, false, async (tx, n) => {
        const before = await tenantRecord(tx, uid);
        if (before.status === "deleting" || before.status === "deleted") return noTenant();
        if (before.status !== "suspended" && before.status !== "cancelled") return before;
        return await patchTenant(
          tx,
          `status = coalesce(status_before, 'active'), status_before = null, suspended_at = null,
           suspension_reason = null, reactivated_at = bulkhead.now(), status_n = $2 where uid = $1`,
          [uid, n],
        );
      }),
    remove: async (settlement, uid, graceMs) => {
      let job = "";
      await alter("tenant.delete", settlement, uid, true, async (tx, n) => {
        const before = await tenantRecord(tx, uid);
        if (before.status === "deleting" || before.status === "deleted") return noTenant();
        const value = await patchTenant(
          tx,
          "status_before = status, status = 'deleting', status_n = $2 where uid = $1",
          [uid, n],
        );
        const [row] = await tx.rows<{ id: string }>(
          `select bulkhead.job_enqueue_v1('tenant.delete', $1, $2,
             bulkhead.now() + $3::double precision * interval '1 millisecond', 20) as id`,
          [uid, toJson({ tenant: uid, id: before.id, roots: before.roots }), graceMs],
        );
        job = row?.id ?? noTenant();
        return value;
      });
      return { job };
    },
    finishRemoval: async (uid, certificate) => {
      if ((await tenantRecord(database, uid)).status === "deleting")
        await endRelations(database, change, uid);
      await change({
        kind: "tenant.deleted",
        settlement: undefined,
        chain: uid,
        takesFrom: [uid],
        bumps: [platformUid, uid],
        work: async (tx, at) => {
          const ended = await tx.rows(
            `update bulkhead.tenant set status = 'deleted', status_n = $3, certificate = $2, deleted_at = bulkhead.now(),
               updated_at = bulkhead.now() where uid = $1 and status = 'deleting' returning id`,
            [uid, toJson(certificate), at.get(uid)?.n ?? 0],
          );
          const roots = await tx.rows<{ path: string }>(
            "delete from bulkhead.root where tenant = $1 returning path",
            [uid],
          );
          if (ended.length === 0) {
            // Done before by an attempt whose answer was lost; anything else is no tenant to end.
            if ((await tenantRecord(tx, uid)).status !== "deleted")
              throw new FileError("conflict", "Only a tenant that is being deleted can be ended.", {
                retry: "never",
              });
          } else {
            await tx.rows("delete from bulkhead.key where tenant = $1", [uid]);
            await tx.rows("delete from bulkhead.subject where tenant = $1", [uid]);
            await tx.rows("delete from bulkhead.model where tenant = $1", [uid]);
            await tx.rows("delete from bulkhead.intent where tenant = $1", [uid]);
            await forgetCharges(tx, uid);
            await tx.rows(
              `with told as (delete from bulkhead.counter where tenant = $1),
                 held as (delete from bulkhead.reservation where tenant = $1)
               delete from bulkhead.quota_watch where tenant = $1`,
              [uid],
            );
            await tx.rows("delete from bulkhead.tenant_move where tenant = $1", [uid]);
            await tx.rows("delete from bulkhead.content_copy where tenant = $1", [uid]);
            await tx.rows("delete from bulkhead.blob_copy where tenant = $1", [uid]);
            await tx.rows("delete from bulkhead.rate where tenant = $1", [uid]);
            await tx.rows("delete from bulkhead.throttle where tenant = $1", [uid]);
            await tx.rows("delete from bulkhead.secret where tenant = $1", [uid]);
            await tx.rows("delete from bulkhead.idempotency where scope = $1", [uid]);
            await tx.rows("delete from bulkhead.change where tenant = $1", [uid]);
            await tx.rows("delete from bulkhead.event_position where tenant = $1", [uid]);
            await tx.rows("select bulkhead.audit_append_v1($1, $2, 'SUCCESS')", [
              uid,
              toJson({
                actor: "service:bulkhead",
                key: "",
                action: "tenant.deleted",
                resource: uid,
                requestId: "",
                front: "job",
                detail: certificate,
              }),
            ]);
          }
          const [removed, mounts] = [roots.map(({ path }) => path), await endMounts(tx, uid)];
          return { value: undefined, payload: { tenant: uid, removed, mounts } };
        },
      });
    },
    counts: async (uid) => {
      const [row] = await database.rows<Record<keyof TenantCounts, string>>(
        `select (select count(*) from bulkhead.key where tenant = $1) as keys,
           (select count(*) from bulkhead.root where tenant = $1) as roots,
           (select count(*) from bulkhead.subject where tenant = $1) as subjects,
           (select count(*) from bulkhead.relation where tenant = $1) + (select count(*) from bulkhead.relation
             where subject_tenant = $1 and tenant <> subject_tenant) as relations,
           (select count(*) from bulkhead.model where tenant = $1) as models,
           (select count(*) from bulkhead.share where tenant = $1 or subject_tenant = $1) as shares`,
        [uid],
      );
      return {
        keys: Number(row?.keys ?? 0),
        roots: Number(row?.roots ?? 0),
        subjects: Number(row?.subjects ?? 0),
        relations: Number(row?.relations ?? 0),
        models: Number(row?.models ?? 0),
        shares: Number(row?.shares ?? 0),
      };
    },
  };
};
