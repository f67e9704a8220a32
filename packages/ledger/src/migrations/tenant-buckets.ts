/** Buckets that are made with a tenant, whose provisioning is a job as that of a database is. */
export const tenantBuckets: string = String.raw`
-- No two tenants of a ledger are given one bucket.
create unique index mount_made on bulkhead.mount ((storage->>'bucket')) where storage ? 'made';

create or replace function bulkhead.tenant_json_v1(t bulkhead.tenant) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'uid', t.uid, 'id', t.id, 'name', t.name, 'status', t.status, 'plan', t.plan,
    'roots', coalesce((select jsonb_agg(r.path order by r.generation) from bulkhead.root r where r.tenant = t.uid), '[]'),
    'subdomain', t.subdomain, 'region', t.region, 'allowedRegions', to_jsonb(t.allowed_regions),
    'limits', t.limits, 'features', to_jsonb(t.features), 'settings', t.settings,
    'databaseName', t.database_name,
    'provisioning', case when not t.database_ready then t.provision_job end,
    'billingCycle', t.billing_cycle, 'mrrMinor', t.mrr_minor,
    'createdAt', bulkhead.ms(t.created_at), 'updatedAt', bulkhead.ms(t.updated_at),
    'trialEndsAt', bulkhead.ms(t.trial_ends_at), 'suspendedAt', bulkhead.ms(t.suspended_at),
    'suspensionReason', t.suspension_reason, 'reactivatedAt', bulkhead.ms(t.reactivated_at),
    'upgradedAt', bulkhead.ms(t.upgraded_at), 'deletedAt', bulkhead.ms(t.deleted_at))
$$;
`;
