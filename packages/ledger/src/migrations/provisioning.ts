/** Tenants with a database of their own, what is kept sealed, and effects that are charged when their intent is settled. */
export const provisioning: string = String.raw`
-- The zero uuid stands for the platform. What the ledger cannot open is all that is here: it never has the key.
create table bulkhead.secret (
  tenant uuid not null,
  name text collate "C" not null,
  key_id text collate "C" not null,
  sealed bytea not null,
  updated_at timestamptz not null default bulkhead.now(),
  primary key (tenant, name)
);
create index secret_key on bulkhead.secret (key_id);
alter table bulkhead.secret enable row level security;
alter table bulkhead.secret force row level security;
create policy app on bulkhead.secret to bulkhead_app using (tenant = (select bulkhead.tenant()))
  with check (tenant = (select bulkhead.tenant()));
create policy system on bulkhead.secret to bulkhead_system using (true) with check (true);
grant select, insert, update, delete on bulkhead.secret to bulkhead_system;

alter table bulkhead.tenant
  add column database_name text collate "C",
  -- False until everything in it has been made: nothing opens it before.
  add column database_ready boolean not null default false,
  add column provision_job uuid;
create unique index tenant_database on bulkhead.tenant (database_name)
  where database_name is not null and status <> 'deleted';

create or replace function bulkhead.tenant_json_v1(t bulkhead.tenant) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'uid', t.uid, 'id', t.id, 'name', t.name, 'status', t.status, 'plan', t.plan,
    'roots', coalesce((select jsonb_agg(r.path order by r.generation) from bulkhead.root r where r.tenant = t.uid), '[]'),
    'subdomain', t.subdomain, 'region', t.region, 'allowedRegions', to_jsonb(t.allowed_regions),
    'limits', t.limits, 'features', to_jsonb(t.features), 'settings', t.settings,
    'databaseName', t.database_name,
    'provisioning', case when t.database_name is not null and not t.database_ready then t.provision_job end,
    'billingCycle', t.billing_cycle, 'mrrMinor', t.mrr_minor,
    'createdAt', bulkhead.ms(t.created_at), 'updatedAt', bulkhead.ms(t.updated_at),
    'trialEndsAt', bulkhead.ms(t.trial_ends_at), 'suspendedAt', bulkhead.ms(t.suspended_at),
    'suspensionReason', t.suspension_reason, 'reactivatedAt', bulkhead.ms(t.reactivated_at),
    'deletedAt', bulkhead.ms(t.deleted_at))
$$;

-- Settles an intent and charges what its effect added, in one transaction: once, because the intent goes with it.
create function bulkhead.intent_charge_v1(p_id text, p_outcome jsonb) returns boolean language plpgsql as $$
declare
  v_tenant uuid := split_part(p_id, '.', 1)::uuid;
begin
  if not bulkhead.intent_settle_v1(p_id, p_outcome) then return false; end if;
  perform bulkhead.enter_v1(v_tenant);
  update bulkhead.tenant_head h set used = h.used + coalesce((p_outcome->>'bytes')::bigint, 0),
      files = h.files + coalesce((p_outcome->>'files')::bigint, 0) where h.uid = v_tenant;
  return true;
end $$;

revoke execute on function bulkhead.intent_charge_v1(text, jsonb) from public;
grant execute on function bulkhead.intent_charge_v1(text, jsonb) to bulkhead_app, bulkhead_system;
`;
