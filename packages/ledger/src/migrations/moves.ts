/** Moves of tenants from one placement to another, and content that names the store it was begun for. */
export const moves: string = String.raw`
alter table bulkhead.root
  -- Which copy of its content a versioned root stands on: 0 where it was made, another one after each move.
  add column copy bigint not null default 0,
  -- The last number that was given, if only to a move that was given up.
  add column copies bigint not null default 0;

create table bulkhead.tenant_move (
  job uuid primary key,
  tenant uuid not null,
  placement text not null,
  -- Whether what is left behind stays.
  keep boolean not null,
  state text not null default 'copying' check (state in ('copying', 'switched', 'ended')),
  aborted boolean not null default false,
  -- Until then nobody begins content that is too long for its row.
  fenced_until timestamptz,
  began_at timestamptz not null default bulkhead.now()
);
create unique index tenant_move_one on bulkhead.tenant_move (tenant) where state <> 'ended';
create index tenant_move_tenant on bulkhead.tenant_move (tenant, began_at);

-- Content of a tenant beside what its roots stand on: 'coming' by a move, 'left' behind by one, or 'kept' after it.
create table bulkhead.content_copy (
  store text collate "C" primary key,
  tenant uuid not null,
  job uuid not null,
  state text not null check (state in ('coming', 'left', 'kept')),
  tree uuid not null,
  path text collate "C" not null,
  placement text not null,
  generation bigint not null,
  copy bigint not null,
  -- The tenant's commit before the first look through all blobs, how far that has come, and the commit up to which
  -- everything has been copied.
  floor bigint,
  after uuid not null default '00000000-0000-0000-0000-000000000000',
  as_of bigint
);
create index content_copy_job on bulkhead.content_copy (job);
create index content_copy_tenant on bulkhead.content_copy (tenant);

-- Blobs that lie in a store that is coming, read again there and found to be what they are.
create table bulkhead.blob_copy (
  store text collate "C" not null,
  blob uuid not null,
  tenant uuid not null,
  primary key (store, blob)
);

do $$
declare
  v_name text;
begin
  foreach v_name in array array['tenant_move', 'content_copy', 'blob_copy'] loop
    execute format('alter table bulkhead.%I enable row level security', v_name);
    execute format('alter table bulkhead.%I force row level security', v_name);
    execute format('create policy app on bulkhead.%I to bulkhead_app using (tenant = (select bulkhead.tenant()))
      with check (tenant = (select bulkhead.tenant()))', v_name);
    execute format('create policy system on bulkhead.%I to bulkhead_system using (true) with check (true)', v_name);
    execute format('grant select, insert, update, delete on bulkhead.%I to bulkhead_system', v_name);
  end loop;
end $$;
grant select on bulkhead.tenant_move to bulkhead_app;

-- What a tenant's latest commits stand on, without a look at the contents that lie in rows.
create index node_version_blob on bulkhead.node_version (tree, n) where blob is not null;

create or replace function bulkhead.roots_v1(p_paths text[], p_tenants uuid[]) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('path', r.path, 'placement', r.placement, 'generation', r.generation,
      'copy', r.copy, 'tenant', jsonb_build_object('uid', t.uid, 'id', t.id, 'status', t.status)) order by r.path), '[]')
    from bulkhead.root r join bulkhead.tenant t on t.uid = r.tenant
    where p_paths is null or r.path = any (p_paths) or r.tenant = any (p_tenants)
$$;

-- Registers a blob before its first byte, unless what it is for would be refused already, or the store that the caller
-- would write to is not the tree's any more. The fence comes first: what is read after it a move has not changed since.
create function bulkhead.blob_open_v2(p_tenant uuid, p_tree uuid, p_names text[], p_mode text, p_if_match text,
  p_size bigint, p_store text) returns jsonb language plpgsql as $$
declare
  v bulkhead.found;
  v_refused jsonb;
  v_head bulkhead.tenant_head;
  v_content text;
  v_id uuid := gen_random_uuid();
begin
  perform pg_advisory_xact_lock_shared(bulkhead.fence_key(p_tenant));
  perform bulkhead.enter_v1(p_tenant);
  select t.content into v_content from bulkhead.tree t where t.id = p_tree;
  if not found then raise exception 'no such tree' using errcode = 'BH404'; end if;
  if v_content <> coalesce(p_store, v_content) or exists (select 1 from bulkhead.tenant_move m
      where m.tenant = p_tenant and m.state <> 'ended' and m.fenced_until > bulkhead.now()) then
    return '{"state": "refused", "code": "unavailable", "reason": "moving"}';
  end if;
  v := bulkhead.tree_find_v1(p_tree, p_names);
  v_refused := bulkhead.tree_target_v1(v, p_mode, p_if_match);
  if v_refused is null then
    select h.* into v_head from bulkhead.tenant_head h where h.uid = p_tenant;
    v_refused := bulkhead.tree_room_v1(v_head, bulkhead.tree_limits_v1(p_tenant),
      coalesce(p_size, 0) - case when v.state = 'file' then (v.node).size else 0 end, (v.state <> 'file')::integer);
  end if;
  if v_refused is not null then return v_refused || '{"state": "refused"}'; end if;
  insert into bulkhead.blob (id, tenant, tree, content, lease)
    values (v_id, p_tenant, p_tree, v_content, bulkhead.now() + interval '60 seconds');
  return jsonb_build_object('state', 'done', 'id', v_id);
end $$;

-- Who calls this knows no other store than the one that is named as the mount.
create or replace function bulkhead.blob_open_v1(p_tenant uuid, p_tree uuid, p_names text[], p_mode text, p_if_match text,
  p_size bigint) returns jsonb language plpgsql as $$
declare
  v_mount text;
begin
  perform bulkhead.enter_v1(p_tenant);
  select t.mount into v_mount from bulkhead.tree t where t.id = p_tree;
  return bulkhead.blob_open_v2(p_tenant, p_tree, p_names, p_mode, p_if_match, p_size, v_mount);
end $$;

-- Begins a move under a job of that id. Null, with nothing done, where there is nothing to move.
create function bulkhead.move_begin_v1(p_job uuid, p_tenant uuid, p_placement text, p_keep boolean) returns boolean
language plpgsql as $$
begin
  if not exists (select 1 from bulkhead.root r where r.tenant = p_tenant and r.placement <> p_placement) then
    return false;
  end if;
  insert into bulkhead.tenant_move (job, tenant, placement, keep) values (p_job, p_tenant, p_placement, p_keep);
  return true;
end $$;

-- Registers where the content of a root goes, once; its folder or prefix is nobody else's, and never was.
create function bulkhead.move_aim_v1(p_job uuid, p_path text, p_tree uuid, p_mount text) returns void
language plpgsql as $$
declare
  v bulkhead.root;
  v_move bulkhead.tenant_move;
begin
  select m.* into strict v_move from bulkhead.tenant_move m where m.job = p_job for update;
  if exists (select 1 from bulkhead.content_copy c where c.job = p_job and c.path = p_path) then return; end if;
  update bulkhead.root r set copies = r.copies + 1 where r.path = p_path and r.tenant = v_move.tenant returning r.* into v;
  if not found then return; end if;
  insert into bulkhead.content_copy (store, tenant, job, state, tree, path, placement, generation, copy)
    values (p_mount || '+' || v.copies, v.tenant, p_job, 'coming', p_tree, v.path, v_move.placement, v.generation, v.copies);
end $$;

-- A batch of blobs that are not in the store yet: first by their ids, then those that commits up to p_seq stand on. None
-- once it has everything up to a commit, which is remembered.
create function bulkhead.move_next_v1(p_store text, p_seq bigint, p_limit integer) returns jsonb language plpgsql as $$
declare
  v bulkhead.content_copy;
  v_from text;
  v_blobs jsonb;
begin
  select c.* into v from bulkhead.content_copy c where c.store = p_store and c.state = 'coming';
  if not found then return '[]'; end if;
  if v.as_of is null then
    if v.floor is null then
      update bulkhead.content_copy c set floor = p_seq where c.store = p_store returning c.floor into v.floor;
    end if;
    select t.content into v_from from bulkhead.tree t where t.id = v.tree;
    select jsonb_agg(bulkhead.blob_json_v1(b) order by b.id) into v_blobs from (
      select b.* from bulkhead.blob b where b.content = v_from and b.tree = v.tree and b.refs > 0 and b.id > v.after
        order by b.id limit p_limit) b;
    if v_blobs is not null then return v_blobs; end if;
    update bulkhead.content_copy c set as_of = v.floor where c.store = p_store returning c.as_of into v.as_of;
  end if;
  select jsonb_agg(bulkhead.blob_json_v1(b) order by b.id) into v_blobs from bulkhead.blob b where b.id in (
    select x.blob from bulkhead.node_version x where x.tree = v.tree and x.n > v.as_of and x.n <= p_seq
      and x.blob is not null and not exists (
        select 1 from bulkhead.blob_copy k where k.store = p_store and k.blob = x.blob) limit p_limit);
  if v_blobs is null then update bulkhead.content_copy c set as_of = greatest(c.as_of, p_seq) where c.store = p_store; end if;
  return coalesce(v_blobs, '[]');
end $$;

create function bulkhead.blob_json_v1(b bulkhead.blob) returns jsonb language sql stable as $$
  select jsonb_build_object('id', b.id, 'codec', b.codec, 'size', b.size, 'digest', encode(b.digest, 'hex'),
    'frames', encode(b.frames, 'hex'))
$$;

-- Notes that a batch is in the store, and how far the first look has come.
create function bulkhead.move_copied_v1(p_store text, p_blobs uuid[], p_after uuid) returns void language plpgsql as $$
begin
  insert into bulkhead.blob_copy (store, blob, tenant)
    select p_store, b.id, b.tenant from bulkhead.blob b where b.id = any (p_blobs) on conflict do nothing;
  update bulkhead.content_copy c set after = greatest(c.after, p_after) where c.store = p_store and c.as_of is null;
end $$;

-- Lets a tenant's roots stand on the content that came, all at once, under its exclusive fence: 'done', 'more' where
-- something has been stored since, 'over' where the move was given up or is past this.
create function bulkhead.move_switch_v1(p_job uuid) returns text language plpgsql as $$
declare
  v_move bulkhead.tenant_move;
  v bulkhead.content_copy;
  v_old text;
  v_root bulkhead.root;
begin
  select m.* into v_move from bulkhead.tenant_move m where m.job = p_job for update;
  if not found or v_move.state <> 'copying' or v_move.aborted then return 'over'; end if;
  if exists (select 1 from bulkhead.root r where r.tenant = v_move.tenant and r.placement <> v_move.placement
      and not exists (select 1 from bulkhead.content_copy c where c.job = p_job and c.state = 'coming'
        and c.path = r.path and c.generation = r.generation)) then return 'more'; end if;
  for v in select c.* from bulkhead.content_copy c where c.job = p_job and c.state = 'coming' loop
    if v.as_of is null or exists (select 1 from bulkhead.node_version x where x.tree = v.tree and x.n > v.as_of
        and x.blob is not null and not exists (
          select 1 from bulkhead.blob_copy k where k.store = v.store and k.blob = x.blob)) then return 'more'; end if;
  end loop;
  for v in select c.* from bulkhead.content_copy c where c.job = p_job and c.state = 'coming' loop
    select t.content into v_old from bulkhead.tree t where t.id = v.tree;
    -- Content that is on its way goes where nobody looks any more: its commit finds nothing to stand on.
    with late as (delete from bulkhead.blob b where b.content = v_old and b.tree = v.tree and b.refs = 0
      returning b.id, b.tenant)
    insert into bulkhead.blob_tombstone (id, tenant, content, dead_at)
      select l.id, l.tenant, v.store, bulkhead.now() from late l;
    update bulkhead.tree t set content = v.store where t.id = v.tree;
    select r.* into v_root from bulkhead.root r where r.path = v.path and r.generation = v.generation;
    update bulkhead.root r set placement = v.placement, copy = v.copy where r.path = v.path and r.generation = v.generation;
    delete from bulkhead.content_copy c where c.store = v.store;
    insert into bulkhead.content_copy (store, tenant, job, state, tree, path, placement, generation, copy)
      values (v_old, v.tenant, p_job, 'left', v.tree, v.path, v_root.placement, v.generation, v_root.copy);
  end loop;
  update bulkhead.tenant_move m set state = 'switched', fenced_until = null where m.job = p_job;
  return 'done';
end $$;

-- Names the new store where the old one is still named, one batch a call; true once it is named nowhere.
create function bulkhead.move_relabel_v1(p_store text, p_limit integer) returns boolean language plpgsql as $$
declare
  v bulkhead.content_copy;
  v_to text;
  v_count bigint;
begin
  select c.* into v from bulkhead.content_copy c where c.store = p_store;
  if not found then return true; end if;
  select t.content into v_to from bulkhead.tree t where t.id = v.tree;
  if not found or v_to = p_store then return true; end if;
  with batch as (select b.id from bulkhead.blob b where b.content = p_store and b.tree = v.tree order by b.id limit p_limit
    for update)
  update bulkhead.blob b set content = v_to from batch s where b.id = s.id;
  get diagnostics v_count = row_count;
  if v_count > 0 then return false; end if;
  with batch as (select d.id from bulkhead.blob_tombstone d where d.content = p_store limit p_limit)
  update bulkhead.blob_tombstone d set content = v_to from batch s where d.id = s.id;
  get diagnostics v_count = row_count;
  if v_count > 0 then return false; end if;
  return bulkhead.copies_forget_v1(v_to, p_limit);
end $$;

-- Forgets which blobs a store has, one batch a call; true once there is nothing to forget.
create function bulkhead.copies_forget_v1(p_store text, p_limit integer) returns boolean language plpgsql as $$
begin
  delete from bulkhead.blob_copy k where k.store = p_store and k.blob in (
    select x.blob from bulkhead.blob_copy x where x.store = p_store limit p_limit);
  return not found;
end $$;

-- What a move that the backup was made in had copied is not in the backup: it is given up.
create or replace function bulkhead.restored_v1(p_detail jsonb) returns void language plpgsql as $$
declare
  v_epoch uuid := gen_random_uuid();
  v_now timestamptz := bulkhead.now();
begin
  update bulkhead.revision r set epoch = v_epoch;
  update bulkhead.lease l set holder = null, until = v_now;
  -- The attempt that was cut short is not held against a job.
  update bulkhead.job j set state = 'queued', claim = null, lease = null, attempts = greatest(j.attempts - 1, 0),
      run_at = least(j.run_at, v_now), updated_at = v_now where j.state = 'running';
  update bulkhead.intent i set lease = v_now;
  update bulkhead.idempotency i set lease = v_now where i.state = 'in-flight';
  update bulkhead.blob b set lease = v_now where b.lease is not null;
  update bulkhead.event_position p set claimed_until = null where p.claimed_until is not null;
  update bulkhead.tenant_move m set aborted = true, fenced_until = null where m.state = 'copying';
  -- Plain storage is copied after its charges were: each is counted anew when it is opened.
  update bulkhead.accounted_mount m set counted_at = null;
  perform bulkhead.audit_append_v1('00000000-0000-0000-0000-000000000000', jsonb_build_object('actor', 'operator',
    'action', 'ledger.restore', 'resource', 'ledger', 'front', 'cli', 'detail', p_detail), 'SUCCESS');
end $$;

revoke execute on function bulkhead.blob_open_v2(uuid, uuid, text[], text, text, bigint, text),
  bulkhead.move_begin_v1(uuid, uuid, text, boolean), bulkhead.move_aim_v1(uuid, text, uuid, text),
  bulkhead.move_next_v1(text, bigint, integer), bulkhead.blob_json_v1(bulkhead.blob),
  bulkhead.move_copied_v1(text, uuid[], uuid), bulkhead.move_switch_v1(uuid), bulkhead.move_relabel_v1(text, integer),
  bulkhead.copies_forget_v1(text, integer) from public;
grant execute on function bulkhead.blob_open_v2(uuid, uuid, text[], text, text, bigint, text)
  to bulkhead_app, bulkhead_system;
grant execute on function bulkhead.move_begin_v1(uuid, uuid, text, boolean), bulkhead.move_aim_v1(uuid, text, uuid, text),
  bulkhead.move_next_v1(text, bigint, integer), bulkhead.blob_json_v1(bulkhead.blob),
  bulkhead.move_copied_v1(text, uuid[], uuid), bulkhead.move_switch_v1(uuid), bulkhead.move_relabel_v1(text, integer),
  bulkhead.copies_forget_v1(text, integer) to bulkhead_system;
`;
