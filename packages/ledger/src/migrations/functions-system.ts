/** What the server's own work calls, as bulkhead_system: lifecycle, jobs, outbox, leases, housekeeping. */
export const systemFunctions: string = String.raw`
-- The fence of one tenant for a change that takes away, then its revision, each a statement of its own.
create function bulkhead.bump_v1(p_uid uuid) returns jsonb language plpgsql as $$
declare
  v bulkhead.revision;
begin
  update bulkhead.revision r set n = r.n + 1 where r.tenant = p_uid returning r.* into v;
  if not found then raise exception 'no such tenant' using errcode = 'BH404'; end if;
  return jsonb_build_object('epoch', v.epoch, 'n', v.n);
end $$;

-- True if what the acting key stands on became narrower since the decision: the key, one it was minted with, its tenant.
create function bulkhead.overtaken_v1(p_settlement jsonb) returns boolean language plpgsql as $$
declare
  v_tenant uuid;
  v_decided bigint;
begin
  if not bulkhead.moved_v1(p_settlement) then return false; end if;
  select k.tenant into v_tenant from bulkhead.key k where k.id = p_settlement->'audit'->>'key';
  if not found then return false; end if;
  select (r.value->>'n')::bigint into v_decided from jsonb_array_elements(p_settlement->'revisions') r
    where bulkhead.uid_of(r.value->>'tenant') = v_tenant
      and r.value->>'epoch' = (select x.epoch::text from bulkhead.revision x where x.tenant = v_tenant);
  if not found then return true; end if;
  return exists (select 1 from bulkhead.tenant t where t.uid = v_tenant and t.status_n > v_decided)
    or exists (
      with recursive chain as (
        select k.parent, k.changed_n from bulkhead.key k where k.id = p_settlement->'audit'->>'key'
        union all select k.parent, k.changed_n from chain c join bulkhead.key k on k.id = c.parent
      ) select 1 from chain c where c.changed_n > v_decided);
end $$;

-- True while a commit that was granted on an older revision of that tenant may still take effect.
create function bulkhead.committing_v1(p_uid uuid, p_epoch text, p_n bigint) returns boolean language plpgsql as $$
declare
  v_now timestamptz := bulkhead.now();
begin
  return exists (
    select 1 from bulkhead.intent i where i.state = 'committing' and i.lease > v_now and p_uid = any (i.fences)
      and not exists (select 1 from jsonb_array_elements(i.settlement->'revisions') r
        where bulkhead.uid_of(r.value->>'tenant') = p_uid and r.value->>'epoch' = p_epoch
          and (r.value->>'n')::bigint >= p_n));
end $$;

create function bulkhead.roots_v1(p_paths text[], p_tenants uuid[]) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('path', r.path, 'placement', r.placement, 'generation', r.generation,
      'tenant', jsonb_build_object('uid', t.uid, 'id', t.id, 'status', t.status)) order by r.path), '[]')
    from bulkhead.root r join bulkhead.tenant t on t.uid = r.tenant
    where p_paths is null or r.path = any (p_paths) or r.tenant = any (p_tenants)
$$;

create function bulkhead.roots_all_v1() returns jsonb language sql stable as $$
  select jsonb_build_object('epoch', r.epoch, 'n', r.n, 'roots', bulkhead.roots_v1(null, null))
    from bulkhead.revision r where r.tenant = '00000000-0000-0000-0000-000000000000'
$$;

-- What changed since a revision of the platform, in one snapshot; null if the changelog no longer tells.
create function bulkhead.roots_since_v1(p_epoch text, p_n bigint) returns jsonb language plpgsql stable as $$
declare
  v_now bulkhead.revision;
  v_count bigint;
  v_paths text[];
  v_tenants uuid[];
begin
  select r.* into v_now from bulkhead.revision r where r.tenant = '00000000-0000-0000-0000-000000000000';
  if v_now.epoch::text <> p_epoch or p_n > v_now.n then return null; end if;
  select count(*), array_agg((c.payload->>'tenant')::uuid) filter (where c.payload ? 'tenant')
    into v_count, v_tenants from bulkhead.changelog c
    where c.tenant = v_now.tenant and c.n > p_n and c.n <= v_now.n;
  if v_count <> v_now.n - p_n then return null; end if;
  select array_agg(distinct p.value) into v_paths from bulkhead.changelog c
    cross join jsonb_array_elements_text(coalesce(c.payload->'removed', '[]')) p
    where c.tenant = v_now.tenant and c.n > p_n and c.n <= v_now.n
      and not exists (select 1 from bulkhead.root r where r.path = p.value);
  return jsonb_build_object('epoch', v_now.epoch, 'n', v_now.n,
    'roots', bulkhead.roots_v1(array[]::text[], coalesce(v_tenants, array[]::uuid[])),
    'removed', to_jsonb(coalesce(v_paths, array[]::text[])));
end $$;

create function bulkhead.lease_acquire_v1(p_name text, p_holder jsonb, p_ttl_ms double precision, p_dead_fencing bigint)
returns jsonb language plpgsql as $$
declare
  v bulkhead.lease;
  v_until timestamptz;
begin
  perform pg_advisory_xact_lock(hashtextextended(p_name, 20262));
  v_until := bulkhead.now() + p_ttl_ms * interval '1 millisecond';
  insert into bulkhead.lease (name, holder, fencing, until) values (p_name, p_holder, 1, v_until)
    on conflict (name) do nothing;
  if found then return jsonb_build_object('fencing', 1); end if;
  select l.* into v from bulkhead.lease l where l.name = p_name for update;
  if v.holder is not null and v.until > bulkhead.now() and v.fencing is distinct from p_dead_fencing then
    return jsonb_build_object('holder', v.holder, 'held', v.fencing);
  end if;
  update bulkhead.lease l set holder = p_holder, fencing = l.fencing + 1, until = v_until where l.name = p_name
    returning l.* into v;
  return jsonb_build_object('fencing', v.fencing);
end $$;

create function bulkhead.job_enqueue_v1(p_kind text, p_tenant uuid, p_payload jsonb, p_run_at timestamptz,
  p_max_attempts integer) returns uuid language plpgsql as $$
declare
  v_id uuid := gen_random_uuid();
begin
  insert into bulkhead.job (id, kind, tenant, payload, run_at, max_attempts)
    values (v_id, p_kind, p_tenant, p_payload, coalesce(p_run_at, bulkhead.now()), p_max_attempts);
  return v_id;
end $$;

-- Takes due jobs, and those whose runner stopped renewing; one that has no attempt left dies here.
create function bulkhead.job_claim_v1(p_kinds text[], p_limit integer, p_lease_ms double precision)
returns jsonb language plpgsql as $$
declare
  v_now timestamptz := bulkhead.now();
  v_claimed jsonb;
begin
  update bulkhead.job j set state = 'dead', updated_at = v_now, claim = null, lease = null,
      error = coalesce(j.error, 'The process that ran it ended each time.')
    where j.id in (select d.id from bulkhead.job d where d.state = 'running' and d.lease <= v_now
      and d.attempts >= d.max_attempts and d.kind = any (p_kinds) for update skip locked);
  with due as (
    select j.id from bulkhead.job j where j.kind = any (p_kinds) and ((j.state = 'queued' and j.run_at <= v_now)
        or (j.state = 'running' and j.lease <= v_now))
      order by j.run_at limit p_limit for update skip locked
  ), taken as (
    update bulkhead.job j set state = 'running', attempts = j.attempts + 1, claim = gen_random_uuid(),
        lease = v_now + p_lease_ms * interval '1 millisecond', updated_at = v_now
      from due where j.id = due.id returning j.*
  )
  select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'kind', t.kind, 'tenant', t.tenant, 'payload', t.payload,
      'progress', t.progress, 'attempts', t.attempts, 'claim', t.claim) order by t.run_at), '[]')
    into v_claimed from taken t;
  return v_claimed;
end $$;

create function bulkhead.job_json_v1(j bulkhead.job) returns jsonb language sql stable as $$
  select jsonb_build_object('id', j.id, 'kind', j.kind,
    'tenant', (select t.id from bulkhead.tenant t where t.uid = j.tenant), 'state', j.state, 'attempts', j.attempts,
    'progress', j.progress, 'result', j.result, 'error', j.error,
    'createdAt', bulkhead.ms(j.created_at), 'updatedAt', bulkhead.ms(j.updated_at))
$$;

-- Claims the oldest events of each tenant; none while an earlier one of that tenant is with somebody else.
create function bulkhead.outbox_claim_v1(p_limit integer, p_lease_ms double precision) returns jsonb
language plpgsql as $$
declare
  v_now timestamptz := bulkhead.now();
  v_claimed jsonb;
begin
  perform pg_advisory_xact_lock(20261, 1);
  with taken as (
    update bulkhead.outbox o set claimed_until = v_now + p_lease_ms * interval '1 millisecond', attempts = o.attempts + 1
      where o.id in (
        select e.id from bulkhead.outbox e where not exists (
          select 1 from bulkhead.outbox b where b.tenant = e.tenant and b.seq <= e.seq and b.claimed_until > v_now)
        order by e.id limit p_limit)
      returning o.*
  )
  select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'tenant', t.tenant, 'seq', t.seq, 'kind', t.kind,
      'payload', t.payload, 'at', bulkhead.ms(t.created_at), 'attempts', t.attempts) order by t.tenant, t.seq), '[]')
    into v_claimed from taken t;
  return v_claimed;
end $$;

-- Makes the partitions of last month to the month after next, and drops what the changelog no longer keeps (7 days).
create function bulkhead.partitions_v1() returns void language plpgsql security definer set search_path = pg_catalog as $$
declare
  v_month date;
  v_name text;
  v_parent text;
  v_old record;
begin
  for v_month in select m::date from generate_series(date_trunc('month', bulkhead.now() at time zone 'UTC')
      - interval '1 month', date_trunc('month', bulkhead.now() at time zone 'UTC') + interval '2 months',
      interval '1 month') m
  loop
    foreach v_parent in array array['changelog', 'audit'] loop
      v_name := v_parent || to_char(v_month, '_YYYYMM');
      continue when to_regclass('bulkhead.' || v_name) is not null;
      begin
        execute format('create table bulkhead.%I partition of bulkhead.%I for values from (%L) to (%L)', v_name,
          v_parent, v_month::text || ' 00:00:00+00', (v_month + interval '1 month')::date::text || ' 00:00:00+00');
      exception when check_violation or duplicate_table or unique_violation then
        null; -- Rows of that month are in the default partition already, or another process was first.
      end;
    end loop;
  end loop;
  for v_old in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'bulkhead.changelog'::regclass and c.relname ~ '^changelog_[0-9]{6}$'
      and to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month 7 days' < bulkhead.now() at time zone 'UTC'
  loop
    execute format('drop table bulkhead.%I', v_old.relname);
  end loop;
end $$;

create function bulkhead.purge_v1() returns void language plpgsql as $$
begin
  delete from bulkhead.idempotency i where i.expires_at <= bulkhead.now() and (i.state <> 'in-flight' or i.lease <= bulkhead.now());
  delete from bulkhead.refusal r where r.hour < bulkhead.now() - interval '30 days';
end $$;
`;
