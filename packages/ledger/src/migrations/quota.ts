/**
 * Limits on every storage. What a body is going to need is reserved while it streams, under a lease; what is about to
 * become visible on storage outside the ledger is reserved by its intent, from its commit on, until it is settled. A
 * reservation of files counts among `tenant_head.files`, so that whoever asks for room sees it; `reserved_files` says how
 * many of them are not there yet.
 */
export const quotaTables: string = String.raw`
create table bulkhead.reservation (
  id uuid primary key,
  tenant uuid not null,
  bytes bigint not null check (bytes >= 0),
  lease timestamptz not null
);
create index reservation_lapsed on bulkhead.reservation (tenant, lease);

alter table bulkhead.tenant_head add column reserved_files bigint not null default 0;
alter table bulkhead.intent
  add column reserved_bytes bigint not null default 0,
  add column reserved_files bigint not null default 0;

-- Of which resources a tenant was told that they are nearly used up, and when it was last looked at.
create table bulkhead.quota_watch (
  tenant uuid primary key,
  seq bigint not null,
  audit_seq bigint not null,
  n bigint not null,
  above text[] not null default '{}'
);

do $$
declare
  v_name text;
begin
  foreach v_name in array array['reservation', 'quota_watch'] loop
    execute format('alter table bulkhead.%I enable row level security', v_name);
    execute format('alter table bulkhead.%I force row level security', v_name);
    execute format('create policy app on bulkhead.%I to bulkhead_app using (tenant = (select bulkhead.tenant()))
      with check (tenant = (select bulkhead.tenant()))', v_name);
    execute format('create policy system on bulkhead.%I to bulkhead_system using (true) with check (true)', v_name);
    execute format('grant select, insert, update, delete on bulkhead.%I to bulkhead_system', v_name);
  end loop;
end $$;
grant select, insert, update, delete on bulkhead.reservation to bulkhead_app;
`;

export const quotaFunctions: string = String.raw`
-- What somebody reserved whose lease is over belongs to nobody. The head's lock is held.
create function bulkhead.reservations_lapse_v1(p_tenant uuid) returns bigint language plpgsql as $$
declare
  v_bytes bigint;
begin
  with gone as (
    delete from bulkhead.reservation r where r.tenant = p_tenant and r.lease <= bulkhead.now() returning r.bytes
  ) select coalesce(sum(g.bytes), 0) into v_bytes from gone g;
  if v_bytes > 0 then
    update bulkhead.tenant_head h set reserved = h.reserved - v_bytes where h.uid = p_tenant;
  end if;
  return v_bytes;
end $$;

-- Adds to a reservation, or makes it: as much as is wanted, or what there is, but no less than p_least. Answers how much;
-- null where nothing limits the tenant's bytes.
create function bulkhead.reserve_v1(p_tenant uuid, p_id uuid, p_wanted bigint, p_least bigint) returns bigint
language plpgsql as $$
declare
  v_limit bigint;
  v_head bulkhead.tenant_head;
  v_room bigint;
  v_granted bigint;
begin
  perform bulkhead.enter_v1(p_tenant);
  select floor((t.limits->>'bytes')::numeric)::bigint into v_limit from bulkhead.tenant t where t.uid = p_tenant;
  if v_limit is null then return null; end if;
  select h.* into v_head from bulkhead.tenant_head h where h.uid = p_tenant for update;
  v_room := v_limit - v_head.used - v_head.reserved;
  if v_room < p_wanted then v_room := v_room + bulkhead.reservations_lapse_v1(p_tenant); end if;
  if v_room < p_least then
    raise exception 'quota' using errcode = 'BH507', detail = jsonb_build_object('resource', 'bytes', 'limit', v_limit,
      'used', v_head.used, 'requested', p_least)::text;
  end if;
  v_granted := least(p_wanted, v_room);
  insert into bulkhead.reservation as r (id, tenant, bytes, lease)
    values (p_id, p_tenant, v_granted, bulkhead.now() + interval '60 seconds')
    on conflict (id) do update set bytes = r.bytes + v_granted, lease = excluded.lease;
  update bulkhead.tenant_head h set reserved = h.reserved + v_granted where h.uid = p_tenant;
  return v_granted;
end $$;

create function bulkhead.reservation_renew_v1(p_tenants uuid[], p_ids uuid[]) returns void language plpgsql as $$
declare
  v record;
begin
  for v in select * from unnest(p_tenants, p_ids) as u (tenant, id) order by u.tenant, u.id loop
    perform bulkhead.enter_v1(v.tenant);
    update bulkhead.reservation r set lease = bulkhead.now() + interval '60 seconds' where r.id = v.id;
  end loop;
end $$;

-- Gives a reservation back; nothing if it was used or is over. The head is locked first, as by everybody.
create function bulkhead.reservation_release_v1(p_tenant uuid, p_id uuid) returns bigint language plpgsql as $$
declare
  v_bytes bigint;
begin
  perform bulkhead.enter_v1(p_tenant);
  perform 1 from bulkhead.tenant_head h where h.uid = p_tenant for update;
  delete from bulkhead.reservation r where r.id = p_id returning r.bytes into v_bytes;
  if v_bytes > 0 then
    update bulkhead.tenant_head h set reserved = h.reserved - v_bytes where h.uid = p_tenant;
  end if;
  return coalesce(v_bytes, 0);
end $$;

-- Lets go of what writers reserved that are gone, tenant after tenant; answers how many bytes that were.
create function bulkhead.reservations_sweep_v1(p_limit integer) returns bigint language plpgsql as $$
declare
  v_uid uuid;
  v_bytes bigint := 0;
begin
  for v_uid in select distinct r.tenant from bulkhead.reservation r where r.lease <= bulkhead.now()
    order by r.tenant limit p_limit
  loop
    perform 1 from bulkhead.tenant_head h where h.uid = v_uid for update;
    v_bytes := v_bytes + bulkhead.reservations_lapse_v1(v_uid);
  end loop;
  return v_bytes;
end $$;

-- As before; a commit that stands on a reservation is not kept from the room that it reserved itself.
create or replace function bulkhead.tree_head_v1(p_tenant uuid) returns bulkhead.tenant_head language plpgsql as $$
declare
  v bulkhead.tenant_head;
  v_own text := current_setting('bulkhead.reservation', true);
begin
  select h.* into v from bulkhead.tenant_head h where h.uid = p_tenant for update;
  if not found then raise exception 'no such tenant' using errcode = 'BH404'; end if;
  if v_own <> '' then
    v.reserved := v.reserved - coalesce((select r.bytes from bulkhead.reservation r where r.id = v_own::uuid), 0);
  end if;
  return v;
end $$;

-- commit_write_v1 of one write whose bytes were reserved. Whatever becomes of it but another decision, the reservation
-- is over.
create function bulkhead.commit_write_held_v1(p_tenant uuid, p_items jsonb, p_content bytea, p_reservation uuid)
returns jsonb language plpgsql as $$
declare
  v_results jsonb;
begin
  perform set_config('bulkhead.reservation', p_reservation::text, true);
  v_results := bulkhead.commit_write_v1(p_tenant, p_items, p_content);
  if v_results->0->>'state' in ('done', 'refused') then
    perform bulkhead.reservation_release_v1(p_tenant, p_reservation);
  end if;
  return v_results;
end $$;

-- What is really there, without what is only reserved.
create or replace function bulkhead.usage_v1(p_tenant uuid) returns jsonb language sql stable as $$
  select jsonb_build_object(
      'counted', jsonb_build_object('bytes', h.used, 'files', h.files - h.reserved_files),
      'charged', jsonb_build_object('bytes', x.bytes + n.bytes, 'files', x.files + n.files))
    from bulkhead.tenant_head h,
      (select coalesce(sum(a.size), 0) as bytes, count(a.path) as files from bulkhead.accounted_mount m
        left join bulkhead.accounted a on a.mount = m.mount where m.tenant = p_tenant) x,
      (select coalesce(sum(n.size), 0) as bytes, count(*) as files from bulkhead.node n
        where n.tenant = p_tenant and n.version is not null) n
    where h.uid = p_tenant
$$;

create or replace function bulkhead.trees_recount_v1(p_tenant uuid) returns jsonb language sql stable as $$
  with live as (select n.size from bulkhead.node n where n.tenant = p_tenant and n.version is not null),
  kept as (select v.size from bulkhead.node_version v where v.tenant = p_tenant and v.kind = 'write' and not exists (
    select 1 from bulkhead.node n where n.tree = v.tree and n.id = v.node and n.version = v.n))
  select jsonb_build_object('counted', jsonb_build_object('bytes', h.used, 'files', h.files - h.reserved_files,
      'versionBytes', h.version_bytes),
    'found', jsonb_build_object('bytes', (select coalesce(sum(l.size), 0) from live l), 'files', (select count(*) from live),
      'versionBytes', (select coalesce(sum(k.size), 0) from kept k)))
    from bulkhead.tenant_head h where h.uid = p_tenant
$$;

create or replace function bulkhead.used_v1(p_tenant uuid, p_resource text) returns bigint language plpgsql stable as $$
begin
  return case p_resource
    when 'bytes' then (select h.used from bulkhead.tenant_head h where h.uid = p_tenant)
    when 'files' then (select h.files - h.reserved_files from bulkhead.tenant_head h where h.uid = p_tenant)
    when 'versionBytes' then (select h.version_bytes from bulkhead.tenant_head h where h.uid = p_tenant)
    when 'users' then (select count(*) from bulkhead.subject s
      where s.tenant = p_tenant and s.type = 'user' and s.status <> 'removing')
    when 'keys' then (select count(*) from bulkhead.key k where k.tenant = p_tenant and k.revoked_at is null
      and (k.expires_at is null or k.expires_at > bulkhead.now()))
    when 'shares' then (select count(*) from bulkhead.share s where s.tenant = p_tenant and s.revoked_at is null
      and (s.expires_at is null or s.expires_at > bulkhead.now()) and (s.max_uses is null or s.uses < s.max_uses))
    when 'mounts' then (select count(*) from bulkhead.mount m where m.tenant = p_tenant)
    else coalesce((select c.used from bulkhead.counter c where c.tenant = p_tenant and c.resource = p_resource), 0)
  end;
end $$;

create trigger mount_room after insert on bulkhead.mount for each row execute function bulkhead.room_v1('mounts');

-- As quota_v1, with what is reserved by those who write at the moment.
create function bulkhead.quota_v2(p_tenant uuid) returns jsonb language sql stable as $$
  select bulkhead.quota_v1(p_tenant) || jsonb_build_object('reserved', jsonb_build_object('bytes', h.reserved,
    'files', h.reserved_files)) from bulkhead.tenant_head h where h.uid = p_tenant
$$;

revoke execute on all functions in schema bulkhead from public;
grant execute on all functions in schema bulkhead to bulkhead_system;
grant select on bulkhead.accounted_mount to bulkhead_app;
grant execute on function bulkhead.reservations_lapse_v1(uuid), bulkhead.reserve_v1(uuid, uuid, bigint, bigint),
  bulkhead.reservation_renew_v1(uuid[], uuid[]), bulkhead.reservation_release_v1(uuid, uuid),
  bulkhead.commit_write_held_v1(uuid, jsonb, bytea, uuid),
  bulkhead.intent_begin_v2(jsonb, text, bigint, text, text[], bigint),
  bulkhead.refuse_v1(text, bigint, bigint, bigint), bulkhead.intent_needs_v1(text, text, text[], bigint, jsonb),
  bulkhead.intent_commit_v3(text, jsonb, text, bigint, text, text, jsonb),
  bulkhead.intent_settle_v3(text, jsonb, jsonb)
  to bulkhead_app;
`;
