/**
 * Intents that reserve what their effect is going to add: at their commit, where it is refused if there is no room, and
 * until they are settled or discarded.
 */
export const quotaIntents: string = String.raw`
-- As intent_begin_v1, and refuses at once what could not be committed now: a body of a known size that is too long for
-- what is left. The room itself is taken at the commit.
create function bulkhead.intent_begin_v2(p_settlement jsonb, p_mount text, p_fencing bigint, p_operation text,
  p_paths text[], p_size bigint) returns text language plpgsql as $$
declare
  v_tenant uuid := bulkhead.uid_of(p_settlement->>'tenant');
  v_id text := bulkhead.intent_begin_v1(p_settlement, p_mount, p_fencing, p_operation, p_paths, p_size);
  v_limits jsonb;
  v_bytes bigint;
  v_files bigint;
  v_head bulkhead.tenant_head;
  v_old bigint;
begin
  if p_operation <> 'write' then return v_id; end if;
  select t.limits into v_limits from bulkhead.tenant t where t.uid = v_tenant;
  v_bytes := floor((v_limits->>'bytes')::numeric);
  v_files := floor((v_limits->>'files')::numeric);
  if v_bytes is null and v_files is null then return v_id; end if;
  select h.* into v_head from bulkhead.tenant_head h where h.uid = v_tenant;
  if exists (select 1 from bulkhead.accounted_mount m where m.mount = p_mount) then
    select a.size into v_old from bulkhead.accounted a where a.mount = p_mount and a.path = p_paths[1];
    if v_old is null and v_head.files + 1 > v_files then
      perform bulkhead.refuse_v1('files', v_files, v_head.files - v_head.reserved_files, 1);
    end if;
    if p_size > coalesce(v_old, 0) and v_head.used + v_head.reserved + p_size - coalesce(v_old, 0) > v_bytes then
      perform bulkhead.refuse_v1('bytes', v_bytes, v_head.used, p_size - coalesce(v_old, 0));
    end if;
  -- What it replaces is not known here, but is no more than all there is.
  elsif v_head.used <= v_bytes and p_size > v_bytes then
    perform bulkhead.refuse_v1('bytes', v_bytes, v_head.used, p_size);
  end if;
  return v_id;
end $$;

create function bulkhead.refuse_v1(p_resource text, p_limit bigint, p_used bigint, p_requested bigint) returns void
language plpgsql as $$
begin
  raise exception 'quota' using errcode = 'BH507', detail = jsonb_build_object('resource', p_resource, 'limit', p_limit,
    'used', p_used, 'requested', p_requested)::text;
end $$;

-- How much more there will be once an intent has its effect, by what is charged: at most, where it cannot be known.
create function bulkhead.intent_needs_v1(p_mount text, p_operation text, p_paths text[], p_size bigint, p_adds jsonb,
  out bytes bigint, out files bigint) language plpgsql stable as $$
declare
  v_from record;
  v_to record;
begin
  bytes := 0;
  files := 0;
  if p_adds is not null then
    bytes := (p_adds->>'bytes')::bigint;
    files := (p_adds->>'files')::bigint;
  elsif p_operation = 'write' then
    select coalesce(sum(a.size), 0) as bytes, count(*) as files into v_to from bulkhead.accounted a
      where a.mount = p_mount and a.path = p_paths[1];
    bytes := p_size - v_to.bytes;
    files := 1 - v_to.files;
  elsif p_operation = 'copy' then
    v_from := bulkhead.accounted_weigh_v1(p_mount, p_paths[1]);
    select coalesce(sum(a.size), 0) as bytes, count(*) as files into v_to from bulkhead.accounted a
      where a.mount = p_mount and a.path = p_paths[2];
    bytes := greatest(p_size, v_from.bytes) - v_to.bytes;
    files := greatest(v_from.files, 1) - v_to.files;
  end if;
end $$;

-- As intent_commit_v2; with it the intent reserves what its effect will add, unless that is more than there may be. What
-- was reserved for its body goes into that.
create function bulkhead.intent_commit_v3(p_id text, p_settlement jsonb, p_staged text, p_size bigint, p_digest text,
  p_etag_before text, p_adds jsonb) returns text language plpgsql as $$
declare
  v_tenant uuid := split_part(p_id, '.', 1)::uuid;
  v_state text := bulkhead.intent_commit_v2(p_id, p_settlement, p_staged, p_size, p_digest, p_etag_before);
  v_own uuid := (p_settlement->'reserved'->>'id')::uuid;
  v_limits jsonb;
  v_bytes bigint;
  v_files bigint;
  v_head bulkhead.tenant_head;
  v_before bulkhead.intent;
  v_needs record;
begin
  if v_state = 'moved' then return v_state; end if;
  perform bulkhead.enter_v1(v_tenant);
  select t.limits into v_limits from bulkhead.tenant t where t.uid = v_tenant;
  v_bytes := floor((v_limits->>'bytes')::numeric);
  v_files := floor((v_limits->>'files')::numeric);
  if v_bytes is null and v_files is null and v_own is null then return v_state; end if;
  select i.* into v_before from bulkhead.intent i where i.id = split_part(p_id, '.', 2)::uuid;
  select h.* into v_head from bulkhead.tenant_head h where h.uid = v_tenant for update;
  -- Under the head's lock: what is charged at these paths has been settled.
  v_needs := bulkhead.intent_needs_v1(v_before.mount, v_before.operation, v_before.paths, p_size, p_adds);
  -- Of this attempt alone: what the body reserved, and what an attempt before took.
  v_head.reserved := v_head.reserved - v_before.reserved_bytes
    - case when v_own is null then 0 else coalesce((select r.bytes from bulkhead.reservation r where r.id = v_own), 0) end;
  v_head.files := v_head.files - v_before.reserved_files;
  v_head.reserved_files := v_head.reserved_files - v_before.reserved_files;
  if v_needs.bytes > 0 and v_head.used + v_head.reserved + v_needs.bytes > v_bytes then
    v_head.reserved := v_head.reserved - bulkhead.reservations_lapse_v1(v_tenant);
    if v_head.used + v_head.reserved + v_needs.bytes > v_bytes then
      perform bulkhead.refuse_v1('bytes', v_bytes, v_head.used, v_needs.bytes);
    end if;
  end if;
  if v_needs.files > 0 and v_head.files + v_needs.files > v_files then
    perform bulkhead.refuse_v1('files', v_files, v_head.files - v_head.reserved_files, v_needs.files);
  end if;
  if v_own is not null then delete from bulkhead.reservation r where r.id = v_own; end if;
  update bulkhead.intent i set reserved_bytes = greatest(v_needs.bytes, 0), reserved_files = greatest(v_needs.files, 0)
    where i.id = v_before.id;
  update bulkhead.tenant_head h set reserved = v_head.reserved + greatest(v_needs.bytes, 0),
      files = v_head.files + greatest(v_needs.files, 0), reserved_files = v_head.reserved_files + greatest(v_needs.files, 0)
    where h.uid = v_tenant;
  return v_state;
end $$;

-- What an intent reserved is over with it, however it ends.
create function bulkhead.intent_over_v1() returns trigger language plpgsql as $$
declare
  v_kept bigint;
begin
  if old.state = 'committing' then
    delete from bulkhead.reservation r where r.id = old.id and r.tenant = old.tenant returning r.bytes into v_kept;
  end if;
  v_kept := coalesce(v_kept, 0);
  if old.reserved_bytes + v_kept <> 0 or old.reserved_files <> 0 then
    update bulkhead.tenant_head h set reserved = h.reserved - old.reserved_bytes - v_kept,
      files = h.files - old.reserved_files, reserved_files = h.reserved_files - old.reserved_files
      where h.uid = old.tenant;
  end if;
  return null;
end $$;
create trigger intent_over after delete on bulkhead.intent for each row execute function bulkhead.intent_over_v1();

-- As intent_settle_v2. Another intent that was granted on what this one has changed keeps what this one freed, under its
-- own id: it may add that much more than was known when it was granted.
create function bulkhead.intent_settle_v3(p_id text, p_outcome jsonb, p_facts jsonb) returns text language plpgsql as $$
declare
  v_tenant uuid := split_part(p_id, '.', 1)::uuid;
  v_mount text;
  v_state text;
  v_more bigint;
begin
  perform bulkhead.enter_v1(v_tenant);
  select i.mount into v_mount from bulkhead.intent i where i.id = split_part(p_id, '.', 2)::uuid;
  v_state := bulkhead.intent_settle_v2(p_id, p_outcome, p_facts);
  if v_state <> 'settled' or jsonb_typeof(p_facts) is distinct from 'array' then return v_state; end if;
  perform bulkhead.enter_v1(v_tenant);
  with short as (
    select i.id, i.staged_size - coalesce(a.size, 0) - i.reserved_bytes - coalesce(r.bytes, 0) as bytes
      from bulkhead.intent i left join bulkhead.accounted a on a.mount = i.mount and a.path = i.paths[1]
        left join bulkhead.reservation r on r.id = i.id
      where i.mount = v_mount and i.tenant = v_tenant and i.state = 'committing' and i.operation = 'write'
        and exists (select 1 from bulkhead.accounted_mount m where m.mount = v_mount)
        and exists (select 1 from bulkhead.tenant t where t.uid = v_tenant and t.limits->>'bytes' is not null)
  ), kept as (
    insert into bulkhead.reservation as r (id, tenant, bytes, lease)
      select s.id, v_tenant, s.bytes, 'infinity' from short s where s.bytes > 0
      on conflict (id) do update set bytes = r.bytes + excluded.bytes
      returning 1
  ) select coalesce(sum(s.bytes) filter (where s.bytes > 0), 0) into v_more from short s
    where (select count(*) from kept) >= 0;
  if v_more > 0 then
    update bulkhead.tenant_head h set reserved = h.reserved + v_more where h.uid = v_tenant;
  end if;
  return v_state;
end $$;
`;
