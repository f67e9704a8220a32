/**
 * Plans, limits and counters. `tenant.limits` is what a tenant is held to: its plan's limits, and over them its own. A
 * commit reads it, so that a change is effective at once. What can be counted is counted under a lock, where it is made;
 * what only others know of has a row that says how much of it there is.
 */
export const plans: string = String.raw`
-- The plans of the configuration, as the server that was started last has them. One that it no longer has stays, for
-- the tenants that are on it.
create table bulkhead.plan (
  id text collate "C" primary key,
  -- What is not refused is not in it; the plan's own words are in its document.
  limits jsonb not null,
  features text[] not null,
  document jsonb not null,
  updated_at timestamptz not null default bulkhead.now()
);
grant select, insert, update on bulkhead.plan to bulkhead_system;

alter table bulkhead.tenant
  -- The tenant's own limits, which count more than its plan's.
  add column overrides jsonb not null default '{}',
  -- Beyond them somebody is told, and nothing is refused.
  add column soft_limits jsonb not null default '{}';
update bulkhead.tenant set overrides = limits;

-- Which plan a tenant had, how it was billed and what its status was, from when on.
create table bulkhead.plan_change (
  tenant uuid not null,
  n bigint generated always as identity,
  at timestamptz not null default bulkhead.now(),
  plan text,
  billing_cycle text not null,
  status text not null,
  primary key (tenant, n)
);

-- How much there is of what only others know of.
create table bulkhead.counter (
  tenant uuid not null,
  resource text collate "C" not null,
  used bigint not null default 0 check (used >= 0),
  primary key (tenant, resource)
);

do $$
declare
  v_name text;
begin
  foreach v_name in array array['plan_change', 'counter'] loop
    execute format('alter table bulkhead.%I enable row level security', v_name);
    execute format('alter table bulkhead.%I force row level security', v_name);
    execute format('create policy app on bulkhead.%I to bulkhead_app using (tenant = (select bulkhead.tenant()))
      with check (tenant = (select bulkhead.tenant()))', v_name);
    execute format('create policy system on bulkhead.%I to bulkhead_system using (true) with check (true)', v_name);
  end loop;
end $$;
grant select, insert, delete on bulkhead.plan_change to bulkhead_system;
grant select, insert, update, delete on bulkhead.counter to bulkhead_system;

create function bulkhead.plan_noted_v1() returns trigger language plpgsql as $$
begin
  -- A backup brings these rows itself, and is loaded as the tables' owner.
  if current_user <> 'bulkhead_system' then return null; end if;
  if tg_op = 'INSERT' or (old.plan, old.billing_cycle, old.status) is distinct from (new.plan, new.billing_cycle, new.status) then
    insert into bulkhead.plan_change (tenant, plan, billing_cycle, status)
      values (new.uid, new.plan, new.billing_cycle, new.status);
  end if;
  return null;
end $$;
create trigger tenant_plan after insert or update on bulkhead.tenant for each row execute function bulkhead.plan_noted_v1();
insert into bulkhead.plan_change (tenant, at, plan, billing_cycle, status)
  select t.uid, t.created_at, t.plan, t.billing_cycle, t.status from bulkhead.tenant t order by t.created_at, t.uid;

-- What a tenant is held to: its plan's limits, and over them its own.
create function bulkhead.limits_v1(p_plan text, p_overrides jsonb) returns jsonb language sql stable as $$
  select coalesce((select p.limits from bulkhead.plan p where p.id = p_plan), '{}') || p_overrides
$$;

create function bulkhead.features_v1(p_plan text) returns text[] language sql stable as $$
  select coalesce((select p.features from bulkhead.plan p where p.id = p_plan), '{}')
$$;

-- What a tenant pays a month, half up; nothing without a plan, and nothing while it tries it.
create function bulkhead.mrr_v1(p_plan text, p_cycle text, p_status text) returns bigint language sql stable as $$
  select coalesce((select case
      when p_status = 'trial' then 0
      when p_cycle = 'annual' and p.document ? 'annualMinor' then floor((p.document->>'annualMinor')::numeric / 12 + 0.5)::bigint
      else (p.document->>'baseMinor')::bigint end
    from bulkhead.plan p where p.id = p_plan), 0)
$$;

-- Makes the plans those of a configuration: [{id, limits, features, document}]. The limits of whom it concerns change
-- with them, in the same transaction. Answers how many tenants that were.
create function bulkhead.plans_sync_v1(p_plans jsonb) returns bigint language plpgsql as $$
declare
  v_changed text[];
  v_tenants uuid[];
begin
  perform pg_advisory_xact_lock(20265, 1);
  with wanted as (
    select w.value->>'id' as id, w.value->'limits' as limits,
        array(select jsonb_array_elements_text(w.value->'features')) as features, w.value->'document' as document
      from jsonb_array_elements(p_plans) w
  ), put as (
    insert into bulkhead.plan as p (id, limits, features, document) select w.id, w.limits, w.features, w.document from wanted w
      on conflict (id) do update set limits = excluded.limits, features = excluded.features, document = excluded.document,
        updated_at = bulkhead.now()
      where (p.limits, p.features, p.document) is distinct from (excluded.limits, excluded.features, excluded.document)
      returning p.id
  ) select coalesce(array_agg(p.id), '{}') into v_changed from put p;
  if cardinality(v_changed) = 0 then return 0; end if;
  select coalesce(array_agg(t.uid order by t.uid), '{}') into v_tenants from bulkhead.tenant t
    where t.plan = any (v_changed) and t.status <> 'deleted';
  -- Each commit reads the limits itself: no fence is needed, and a revision so that nobody keeps an older record.
  perform 1 from bulkhead.revision r where r.tenant = any (v_tenants) order by r.tenant for update;
  with moved as (
    update bulkhead.revision r set n = r.n + 1 where r.tenant = any (v_tenants) returning r.tenant, r.n
  ) insert into bulkhead.changelog (tenant, n, at, kind, payload)
    select m.tenant, m.n, bulkhead.now(), 'tenant.plan', jsonb_build_object('tenant', m.tenant) from moved m;
  update bulkhead.tenant t set limits = bulkhead.limits_v1(t.plan, t.overrides), features = bulkhead.features_v1(t.plan),
      mrr_minor = bulkhead.mrr_v1(t.plan, t.billing_cycle, t.status), updated_at = bulkhead.now()
    where t.uid = any (v_tenants);
  return cardinality(v_tenants);
end $$;

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
    'upgradedAt', bulkhead.ms(t.upgraded_at), 'deletedAt', bulkhead.ms(t.deleted_at))
$$;

-- How much of a resource there is: counted where the ledger has the rows, else what was told.
create function bulkhead.used_v1(p_tenant uuid, p_resource text) returns bigint language plpgsql stable as $$
begin
  return case p_resource
    when 'bytes' then (select h.used from bulkhead.tenant_head h where h.uid = p_tenant)
    when 'files' then (select h.files from bulkhead.tenant_head h where h.uid = p_tenant)
    when 'versionBytes' then (select h.version_bytes from bulkhead.tenant_head h where h.uid = p_tenant)
    when 'users' then (select count(*) from bulkhead.subject s
      where s.tenant = p_tenant and s.type = 'user' and s.status <> 'removing')
    when 'keys' then (select count(*) from bulkhead.key k where k.tenant = p_tenant and k.revoked_at is null
      and (k.expires_at is null or k.expires_at > bulkhead.now()))
    when 'shares' then (select count(*) from bulkhead.share s where s.tenant = p_tenant and s.revoked_at is null
      and (s.expires_at is null or s.expires_at > bulkhead.now()) and (s.max_uses is null or s.uses < s.max_uses))
    else coalesce((select c.used from bulkhead.counter c where c.tenant = p_tenant and c.resource = p_resource), 0)
  end;
end $$;

-- Refuses a row more of a resource, which its first argument names, than the tenant may have. Who makes one holds the
-- resource's lock until it commits, so that the next one counts it.
create function bulkhead.room_v1() returns trigger language plpgsql as $$
declare
  v_limit bigint;
  v_used bigint;
begin
  -- A backup is loaded as the tables' owner, whatever the limits have become.
  if current_user <> 'bulkhead_system' then return null; end if;
  select floor((t.limits->>tg_argv[0])::numeric)::bigint into v_limit from bulkhead.tenant t where t.uid = new.tenant;
  if v_limit is null then return null; end if;
  perform pg_advisory_xact_lock(hashtextextended(new.tenant || '/' || tg_argv[0], 20266));
  v_used := bulkhead.used_v1(new.tenant, tg_argv[0]);
  -- One that takes another's place, which stays for an overlap, is no more than it was.
  if current_setting('bulkhead.replaces', true) = tg_argv[0] then v_used := v_used - 1; end if;
  if v_used > v_limit then
    raise exception 'quota' using errcode = 'BH507', detail = jsonb_build_object('resource', tg_argv[0],
      'limit', v_limit, 'used', v_used - 1, 'requested', 1)::text;
  end if;
  return null;
end $$;
create trigger key_room after insert on bulkhead.key for each row execute function bulkhead.room_v1('keys');
create trigger share_room after insert on bulkhead.share for each row execute function bulkhead.room_v1('shares');
create trigger subject_room after insert on bulkhead.subject for each row when (new.type = 'user')
  execute function bulkhead.room_v1('users');

-- What a tenant may have and what it has, of everything that is limited, counted or told.
create function bulkhead.quota_v1(p_tenant uuid) returns jsonb language plpgsql stable as $$
declare
  v bulkhead.tenant;
  v_document jsonb;
begin
  select t.* into v from bulkhead.tenant t where t.uid = p_tenant;
  if not found then raise exception 'no such tenant' using errcode = 'BH404'; end if;
  select p.document into v_document from bulkhead.plan p where p.id = v.plan;
  return jsonb_build_object('plan', v.plan, 'limits', v.limits, 'overrides', v.overrides, 'soft', v.soft_limits, 'features', to_jsonb(v.features),
    -- What is billed beyond a limit is told with the limit all the same.
    'included', coalesce(v_document->'limits', '{}') || v.overrides,
    'used', (select jsonb_object_agg(r.resource, bulkhead.used_v1(p_tenant, r.resource)) from (
      select unnest(array['bytes', 'files', 'versionBytes', 'users', 'keys', 'shares', 'mounts']) as resource
      union select jsonb_object_keys(v.limits) union select jsonb_object_keys(v.soft_limits)
      union select c.resource from bulkhead.counter c where c.tenant = p_tenant) r));
end $$;

-- Adds to what was told, or takes from it, unless that is more than there may be, or less than nothing. Answers what
-- there is then.
create function bulkhead.counter_add_v1(p_tenant uuid, p_resource text, p_amount bigint) returns jsonb
language plpgsql as $$
declare
  v_limits jsonb;
  v_limit bigint;
  v_used bigint;
begin
  select t.limits into v_limits from bulkhead.tenant t where t.uid = p_tenant and t.status not in ('deleting', 'deleted');
  if not found then raise exception 'no such tenant' using errcode = 'BH404'; end if;
  if v_limits ? p_resource and p_amount > 0 then
    insert into bulkhead.counter (tenant, resource) values (p_tenant, p_resource) on conflict do nothing;
  end if;
  select c.used into v_used from bulkhead.counter c where c.tenant = p_tenant and c.resource = p_resource for update;
  if not v_limits ? p_resource and (v_used is null or p_amount > 0) then return '{"state": "unconfigured"}'; end if;
  v_used := coalesce(v_used, 0);
  v_limit := floor((v_limits->>p_resource)::numeric)::bigint;
  if p_amount > 0 and v_used + p_amount > v_limit then
    return jsonb_build_object('state', 'exceeded', 'current', v_used, 'limit', v_limit);
  elsif v_used + p_amount < 0 then
    return jsonb_build_object('state', 'negative', 'current', v_used, 'limit', v_limit);
  end if;
  update bulkhead.counter c set used = c.used + p_amount where c.tenant = p_tenant and c.resource = p_resource;
  return jsonb_build_object('state', 'done', 'current', v_used + p_amount, 'limit', v_limit);
end $$;

revoke execute on all functions in schema bulkhead from public;
grant execute on all functions in schema bulkhead to bulkhead_system;
`;
