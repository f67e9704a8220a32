/** A small write that rides alone, as most of many tenants' do: each row that it needs is touched once. */
export const loneWrite: string = String.raw`
-- The platform's revision, which is no tenant's, beside the own one: a commit reads both in one look.
create policy platform on bulkhead.revision for select to bulkhead_app
  using (tenant = '00000000-0000-0000-0000-000000000000' and bulkhead.tenant() is not null);

-- What is read or written row by row compares the setting in place: to prepare a subquery for one row costs more than the
-- row. Scans of many rows keep theirs, which reads the setting once.
do $$
declare
  v_name text;
  v_own text;
begin
  foreach v_name in array array['revision', 'tenant', 'tenant_head', 'tree'] loop
    v_own := case when v_name in ('tenant', 'tenant_head') then 'uid' else 'tenant' end;
    execute format('alter policy app on bulkhead.%I using (%I = bulkhead.tenant()) with check (%I = bulkhead.tenant())',
      v_name, v_own, v_own);
  end loop;
  foreach v_name in array array['node', 'node_version', 'change', 'audit'] loop
    execute format('drop policy app on bulkhead.%I', v_name);
    execute format('create policy app on bulkhead.%I for select to bulkhead_app
      using (tenant = (select bulkhead.tenant()))', v_name);
    execute format('create policy app_insert on bulkhead.%I for insert to bulkhead_app
      with check (tenant = bulkhead.tenant())', v_name);
  end loop;
end $$;
create policy app_update on bulkhead.node for update to bulkhead_app
  using (tenant = bulkhead.tenant()) with check (tenant = bulkhead.tenant());
create policy app_delete on bulkhead.node for delete to bulkhead_app using (tenant = bulkhead.tenant());
-- Only functions write it, with one of two words; to judge it again costs as much as a column does.
alter table bulkhead.node_version drop constraint node_version_kind_check;

-- With the number turned to text first every step is immutable, so that callers hold the expression, not a call.
create or replace function bulkhead.etag_v1(p_n bigint, p_digest bytea) returns text language sql immutable parallel safe
  as $$ select p_n::text || '-' || left(encode(p_digest, 'hex'), 16) $$;

-- One write, decided on one revision of the platform and one of the tenant, with an audit entry and without an
-- Idempotency-Key. Does it, or answers null with nothing done: whatever refuses it, commit_write_v1 judges and tells.
-- p_dirs are the names above p_name, each with its slash; p_id becomes the file's if it is new, p_entry the entry's.
-- The audit entry's hash is that of audit_bytes_v1.
create function bulkhead.commit_write_v3(p_tenant uuid, p_tree uuid, p_platform_n bigint, p_platform_epoch uuid, p_n bigint,
  p_epoch uuid, p_path text, p_dirs text[], p_name text, p_mode text, p_match text, p_size bigint, p_digest text,
  p_type text, p_metadata jsonb, p_actor text, p_key text, p_action text, p_resource text, p_request text, p_front text,
  p_detail jsonb, p_id uuid, p_entry uuid, p_content bytea) returns jsonb
language plpgsql as $$
declare
  v_set constant text := set_config('bulkhead.tenant', p_tenant::text, true);
  v_seq bigint;
  v_used bigint;
  v_reserved bigint;
  v_files bigint;
  v_version_bytes bigint;
  v_entry bigint;
  v_hash bytea;
  v_mount text;
  v_limits jsonb;
  v_now timestamptz;
  v_dir uuid := p_tree;
  v_node uuid;
  v_version bigint;
  v_old bigint;
  v_digest bytea;
  v_at timestamptz;
  v_made timestamptz;
  v_outcome jsonb;
  v_detail jsonb;
begin
  -- The lock order of every commit: fences, the platform's first, tree, path, and the head's row when those are held. In
  -- one expression: as statements each would cost as much as a look-up.
  if pg_advisory_xact_lock_shared(bulkhead.fence_key('00000000-0000-0000-0000-000000000000')) is null
    or pg_advisory_xact_lock_shared(bulkhead.fence_key(p_tenant)) is null
    or pg_advisory_xact_lock_shared(hashtextextended(p_tree::text, 20264)) is null
    or pg_advisory_xact_lock(hashtextextended(p_tree || '/' || p_path, 20263)) is null
  then return null; end if;
  select h.seq + 1, h.used, h.reserved, h.files, h.version_bytes, h.audit_seq + 1, h.audit_hash
    into v_seq, v_used, v_reserved, v_files, v_version_bytes, v_entry, v_hash
    from bulkhead.tenant_head h where h.uid = p_tenant for update;
  if not found then return null; end if;
  -- Everything below is read when everything is locked.
  select t.mount, e.limits into v_mount, v_limits
    from bulkhead.revision p, bulkhead.revision r, bulkhead.tree t, bulkhead.tenant e
    where p.tenant = '00000000-0000-0000-0000-000000000000' and p.n = p_platform_n and p.epoch = p_platform_epoch
      and r.tenant = p_tenant and r.n = p_n and r.epoch = p_epoch and t.id = p_tree and e.uid = p_tenant;
  if not found then return null; end if;
  for d in 1 .. cardinality(p_dirs) loop
    select n.id into v_dir from bulkhead.node n where n.tree = p_tree and n.parent = v_dir and n.sort_key = p_dirs[d];
    if not found then return null; end if;
  end loop;
  v_now := bulkhead.now();
  select n.id, n.version, n.size, n.digest, n.created_at, greatest(n.modified_at, v_now)
    into v_node, v_version, v_old, v_digest, v_made, v_at
    from bulkhead.node n where n.tree = p_tree and n.parent = v_dir and n.sort_key in (p_name, p_name || '/');
  if found then
    if v_version is null or p_mode = 'create'
      or p_mode = 'match' and bulkhead.etag_v1(v_version, v_digest) <> p_match
      or p_size > v_old and v_used + v_reserved + p_size - v_old > floor((v_limits->>'bytes')::numeric)
    then return null; end if;
  elsif p_mode = 'match' or p_size > 0 and v_used + v_reserved + p_size > floor((v_limits->>'bytes')::numeric)
    or v_files + 1 > floor((v_limits->>'files')::numeric)
  then return null; end if;

  v_digest := decode(p_digest, 'hex');
  v_outcome := jsonb_build_object('files', (v_node is null)::integer, 'bytes', p_size - coalesce(v_old, 0),
    'created', v_node is null, 'etag', v_seq || '-' || left(p_digest, 16));
  v_detail := p_detail || v_outcome;
  v_hash := sha256(v_hash || convert_to(jsonb_build_array(1, p_tenant, v_entry, p_entry,
    (extract(epoch from v_now) * 1000000)::bigint, p_actor, p_key, p_action, p_resource, 'SUCCESS', p_request, p_front,
    v_detail)::text, 'UTF8'));
  if v_node is null then
    insert into bulkhead.node (tree, parent, sort_key, id, tenant, version, size, digest, content_type, metadata,
        created_at, modified_at)
      values (p_tree, v_dir, p_name, p_id, p_tenant, v_seq, p_size, v_digest, p_type, p_metadata, v_now, v_now);
  else
    update bulkhead.node n set version = v_seq, size = p_size, digest = v_digest, content_type = p_type,
        metadata = p_metadata, modified_at = v_at
      where n.tree = p_tree and n.parent = v_dir and n.sort_key = p_name;
  end if;
  insert into bulkhead.node_version (tree, node, n, tenant, kind, size, digest, inline, content_type, metadata, at)
    values (p_tree, coalesce(v_node, p_id), v_seq, p_tenant, 'write', p_size, v_digest, p_content, p_type, p_metadata,
      coalesce(v_at, v_now));
  insert into bulkhead.change (tenant, seq, at, kind, payload)
    values (p_tenant, v_seq, v_now, 'file.write', jsonb_build_object('mount', v_mount, 'paths',
      jsonb_build_array(p_path), 'outcome', v_outcome));
  insert into bulkhead.audit (tenant, n, at, id, actor, key, action, resource, result, request_id, front, detail, hash)
    values (p_tenant, v_entry, v_now, p_entry, p_actor, p_key, p_action, p_resource, 'SUCCESS', p_request, p_front,
      v_detail, v_hash);
  update bulkhead.tenant_head h set seq = v_seq, used = v_used + p_size - coalesce(v_old, 0),
      files = v_files + (v_node is null)::integer, version_bytes = v_version_bytes + coalesce(v_old, 0),
      audit_seq = v_entry, audit_hash = v_hash
    where h.uid = p_tenant;
  v_outcome := v_outcome || jsonb_build_object('state', 'done', 'version', v_seq::text,
    'times', jsonb_build_object('createdAt', bulkhead.ms(coalesce(v_made, v_now)),
      'modifiedAt', bulkhead.ms(coalesce(v_at, v_now))));
  if v_node is null then return v_outcome; end if;
  return v_outcome || jsonb_build_object('replaced', jsonb_build_object('size', v_old, 'version', v_version::text));
end $$;
revoke execute on function bulkhead.commit_write_v3(uuid, uuid, bigint, uuid, bigint, uuid, text, text[], text, text, text,
  bigint, text, text, jsonb, text, text, text, text, text, text, jsonb, uuid, uuid, bytea) from public;
grant execute on function bulkhead.commit_write_v3(uuid, uuid, bigint, uuid, bigint, uuid, text, text[], text, text, text,
  bigint, text, text, jsonb, text, text, text, text, text, text, jsonb, uuid, uuid, bytea) to bulkhead_app, bulkhead_system;
`;
