/** The pieces that every commit on a tree is made of, in the order in which a commit uses them. */
export const treeFunctions: string = String.raw`
create function bulkhead.etag_v1(p_n bigint, p_digest bytea) returns text language sql immutable parallel safe
  as $$ select p_n || '-' || left(encode(p_digest, 'hex'), 16) $$;

create function bulkhead.node_json_v1(n bulkhead.node) returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'name', rtrim(n.sort_key, '/'), 'kind', case when n.version is null then 'directory' else 'file' end,
    'size', n.size, 'modifiedAt', bulkhead.ms(n.modified_at), 'createdAt', bulkhead.ms(n.created_at),
    'etag', bulkhead.etag_v1(n.version, n.digest), 'version', n.version::text, 'contentType', n.content_type,
    'metadata', n.metadata))
$$;

-- What lies at a path: 'file', 'directory', 'missing' or 'below-file'; the deepest directory on the way, and how deep.
create type bulkhead.found as (state text, dir uuid, depth integer, node bulkhead.node);

-- STABLE: all its reads are of the caller's snapshot.
create function bulkhead.tree_find_v1(p_tree uuid, p_names text[]) returns bulkhead.found language plpgsql stable as $$
declare
  v bulkhead.found;
  v_last integer := cardinality(p_names);
  v_id uuid;
  v_node bulkhead.node;
begin
  v.dir := p_tree;
  v.depth := 0;
  if v_last = 0 then
    select t.id, '', t.created_at, t.created_at, 0 into v_node.id, v_node.sort_key, v_node.created_at, v_node.modified_at, v_node.size
      from bulkhead.tree t where t.id = p_tree;
    v.node := v_node;
    v.state := case when found then 'directory' else 'missing' end;
    return v;
  end if;
  for i in 1 .. v_last - 1 loop
    select n.id into v_id from bulkhead.node n
      where n.tree = p_tree and n.parent = v.dir and n.sort_key = p_names[i] || '/';
    if not found then
      perform 1 from bulkhead.node n where n.tree = p_tree and n.parent = v.dir and n.sort_key = p_names[i];
      v.state := case when found then 'below-file' else 'missing' end;
      return v;
    end if;
    v.dir := v_id;
    v.depth := i;
  end loop;
  select n.* into v_node from bulkhead.node n
    where n.tree = p_tree and n.parent = v.dir and n.sort_key in (p_names[v_last], p_names[v_last] || '/');
  v.state := case when not found then 'missing' when v_node.version is null then 'directory' else 'file' end;
  v.node := v_node;
  return v;
end $$;

-- Every file that is or was at a path: the one that is there, and those that were removed there.
create function bulkhead.tree_files_v1(p_tree uuid, p_names text[]) returns uuid[] language plpgsql stable as $$
declare
  v bulkhead.found := bulkhead.tree_find_v1(p_tree, p_names);
  v_files uuid[];
begin
  select array_agg(distinct r.node) into v_files from bulkhead.node_version r
    where r.tree = p_tree and r.path = array_to_string(p_names, '/') and r.kind = 'remove';
  if v.state = 'file' then v_files := coalesce(v_files, '{}') || (v.node).id; end if;
  return v_files;
end $$;

-- The paths that a commit at a path makes: its own, and those of the directories that are missing above it.
create function bulkhead.tree_missing_v1(p_tree uuid, p_names text[]) returns text[] language plpgsql stable as $$
declare
  v bulkhead.found := bulkhead.tree_find_v1(p_tree, p_names);
  v_paths text[] := '{}';
begin
  for i in v.depth + 1 .. cardinality(p_names) loop
    v_paths := v_paths || array_to_string(p_names[1:i], '/');
  end loop;
  return v_paths;
end $$;

-- The tree's lock: shared by what changes single paths, whole for what moves or removes a directory.
create function bulkhead.tree_hold_v1(p_tree uuid, p_whole boolean) returns void language plpgsql as $$
begin
  if p_whole then perform pg_advisory_xact_lock(hashtextextended(p_tree::text, 20264));
  else perform pg_advisory_xact_lock_shared(hashtextextended(p_tree::text, 20264)); end if;
  if not exists (select 1 from bulkhead.tree t where t.id = p_tree) then
    raise exception 'no such tree' using errcode = 'BH404';
  end if;
end $$;

-- Path locks in byte order. Who would make a directory locks its path as well: a file may be coming there.
create function bulkhead.tree_lock_v1(p_tree uuid, p_exclusive text[], p_shared text[]) returns void language plpgsql as $$
declare
  v record;
begin
  for v in select p.path, bool_or(p.ours) as ours from (
      select e.path, true as ours from unnest(p_exclusive) e (path)
      union all select s.path, false from unnest(p_shared) s (path)) p
    group by p.path order by p.path collate "C"
  loop
    if v.ours then perform pg_advisory_xact_lock(hashtextextended(p_tree || '/' || v.path, 20263));
    else perform pg_advisory_xact_lock_shared(hashtextextended(p_tree || '/' || v.path, 20263)); end if;
  end loop;
end $$;

-- Why a file cannot be put there, or null.
create function bulkhead.tree_target_v1(p_at bulkhead.found, p_mode text, p_if_match text) returns jsonb
language plpgsql stable as $$
declare
  v_etag text;
begin
  if p_at.state = 'below-file' then return '{"code": "not-directory"}'; end if;
  if p_at.state = 'missing' then
    return case when p_mode = 'match' then '{"code": "precondition-failed"}'::jsonb end;
  end if;
  if p_mode = 'create' then return '{"code": "already-exists"}'; end if;
  if p_at.state = 'directory' then return '{"code": "is-directory"}'; end if;
  if p_mode = 'match' then
    v_etag := bulkhead.etag_v1((p_at.node).version, (p_at.node).digest);
    if v_etag <> p_if_match then return jsonb_build_object('code', 'precondition-failed', 'etag', v_etag); end if;
  end if;
  return null;
end $$;

-- Why one thing cannot be brought to another place, or null: what is senseless first, then the source, then the target.
create function bulkhead.tree_transfer_v1(p_from bulkhead.found, p_to bulkhead.found, p_from_names text[],
  p_to_names text[], p_mode text, p_if_match text, p_source_match text) returns jsonb language plpgsql stable as $$
declare
  v_depth integer := cardinality(p_from_names);
  v_is_dir boolean := p_from.state = 'directory';
  v_etag text;
begin
  if v_depth = 0 then return '{"code": "invalid-request", "reason": "root"}'; end if;
  if p_from_names = p_to_names and p_mode <> 'create' then
    return '{"code": "invalid-request", "reason": "same"}';
  end if;
  if p_from.state in ('missing', 'below-file') then return '{"code": "not-found"}'; end if;
  if v_is_dir and cardinality(p_to_names) > v_depth and p_to_names[1:v_depth] = p_from_names then
    return '{"code": "invalid-request", "reason": "inside"}';
  end if;
  if p_source_match is not null then
    v_etag := bulkhead.etag_v1((p_from.node).version, (p_from.node).digest);
    if v_etag is distinct from p_source_match then
      return jsonb_strip_nulls(jsonb_build_object('code', 'precondition-failed', 'etag', v_etag));
    end if;
  end if;
  if v_is_dir and p_to.state in ('file', 'directory') then return '{"code": "already-exists"}'; end if;
  if cardinality(p_to_names) = 0 or (v_is_dir and p_mode = 'overwrite') then
    return bulkhead.tree_target_v1(p_to, 'create', null);
  end if;
  return bulkhead.tree_target_v1(p_to, p_mode, p_if_match);
end $$;

-- The fences of all that the settlements were decided on, shared; true for each that has to be decided again.
create function bulkhead.tree_admit_v1(p_tenant uuid, p_settlements jsonb) returns boolean[] language plpgsql as $$
declare
  v_all jsonb;
  v_moved boolean[];
begin
  if jsonb_array_length(p_settlements) = 1 then
    v_all := (p_settlements->0) || jsonb_build_object('tenant', p_tenant);
  else
    select jsonb_build_object('tenant', p_tenant, 'revisions', coalesce(jsonb_agg(distinct r.value), '[]')) into v_all
      from jsonb_array_elements(p_settlements) s cross join jsonb_array_elements(s.value->'revisions') r;
  end if;
  perform bulkhead.fences_v1(v_all);
  -- One look for all where nothing moved, as almost always.
  if not bulkhead.moved_v1(v_all) then
    v_moved := array_fill(false, array[jsonb_array_length(p_settlements)]);
  else
    select array_agg(bulkhead.moved_v1(s.value) order by s.i) into v_moved
      from jsonb_array_elements(p_settlements) with ordinality s (value, i);
  end if;
  perform bulkhead.enter_v1(p_tenant);
  return v_moved;
end $$;

-- The last lock of a commit.
create function bulkhead.tree_head_v1(p_tenant uuid) returns bulkhead.tenant_head language plpgsql as $$
declare
  v bulkhead.tenant_head;
begin
  select h.* into v from bulkhead.tenant_head h where h.uid = p_tenant for update;
  if not found then raise exception 'no such tenant' using errcode = 'BH404'; end if;
  return v;
end $$;

create function bulkhead.tree_limits_v1(p_tenant uuid) returns jsonb language plpgsql stable
  as $$ begin return (select t.limits from bulkhead.tenant t where t.uid = p_tenant); end $$;

-- Why so much does not fit, or null. What does not grow always fits.
create function bulkhead.tree_room_v1(p_head bulkhead.tenant_head, p_limits jsonb, p_bytes bigint, p_files bigint)
returns jsonb language plpgsql stable as $$
declare
  v_limit bigint := floor((p_limits->>'bytes')::numeric);
begin
  if p_bytes > 0 and p_head.used + p_head.reserved + p_bytes > v_limit then
    return jsonb_build_object('code', 'quota-exceeded', 'resource', 'bytes', 'limit', v_limit, 'used', p_head.used,
      'requested', p_bytes);
  end if;
  v_limit := floor((p_limits->>'files')::numeric);
  if p_files > 0 and p_head.files + p_files > v_limit then
    return jsonb_build_object('code', 'quota-exceeded', 'resource', 'files', 'limit', v_limit, 'used', p_head.files,
      'requested', p_files);
  end if;
  return null;
end $$;

-- Makes the directories that are missing below the deepest one; answers the last.
create function bulkhead.tree_parents_v1(p_tenant uuid, p_tree uuid, p_names text[], p_dir uuid, p_depth integer,
  p_now timestamptz) returns uuid language plpgsql as $$
declare
  v_dir uuid := p_dir;
  v_id uuid;
begin
  for i in p_depth + 1 .. cardinality(p_names) - 1 loop
    v_id := gen_random_uuid();
    insert into bulkhead.node (tree, parent, sort_key, id, tenant, created_at, modified_at)
      values (p_tree, v_dir, p_names[i] || '/', v_id, p_tenant, p_now, p_now);
    v_dir := v_id;
  end loop;
  return v_dir;
end $$;

-- Swaps the row of a file, or makes it and its parents, and adds the version.
create function bulkhead.tree_put_v1(p_tenant uuid, p_tree uuid, p_names text[], p_at bulkhead.found,
  p_version bulkhead.node_version) returns void language plpgsql as $$
declare
  v_name text := p_names[cardinality(p_names)];
  v_dir uuid;
begin
  p_version.tree := p_tree;
  p_version.tenant := p_tenant;
  p_version.kind := 'write';
  p_version.path := null;
  if p_at.state = 'file' then
    p_version.node := (p_at.node).id;
    p_version.at := greatest(p_version.at, (p_at.node).modified_at);
    update bulkhead.node n set version = p_version.n, size = p_version.size, digest = p_version.digest,
        content_type = p_version.content_type, metadata = p_version.metadata, modified_at = p_version.at
      where n.tree = p_tree and n.parent = p_at.dir and n.sort_key = v_name;
  else
    p_version.node := gen_random_uuid();
    v_dir := bulkhead.tree_parents_v1(p_tenant, p_tree, p_names, p_at.dir, p_at.depth, p_version.at);
    insert into bulkhead.node (tree, parent, sort_key, id, tenant, version, size, digest, content_type, metadata,
        created_at, modified_at)
      values (p_tree, v_dir, v_name, p_version.node, p_tenant, p_version.n, p_version.size, p_version.digest,
        p_version.content_type, p_version.metadata, p_version.at, p_version.at);
  end if;
  insert into bulkhead.node_version select p_version.*;
end $$;

-- False if the Idempotency-Key of this operation is somebody else's by now: doing it as well would do it twice.
create function bulkhead.tree_claim_v1(p_tenant uuid, p_settlement jsonb, p_outcome jsonb) returns boolean
language plpgsql as $$
declare
  v_ours boolean;
begin
  if p_settlement->>'idempotency' is null then return true; end if;
  v_ours := bulkhead.idempotency_commit_v1(p_settlement->>'idempotency', p_outcome);
  perform bulkhead.enter_v1(p_tenant);
  return v_ours;
end $$;

-- The event and the audit entry of an effect, whose number is the head's.
create function bulkhead.tree_close_v1(p_head bulkhead.tenant_head, p_tree uuid, p_settlement jsonb, p_operation text,
  p_paths text[], p_outcome jsonb) returns bulkhead.tenant_head language plpgsql as $$
declare
  v_draft jsonb := p_settlement->'audit';
  v bulkhead.audit;
begin
  insert into bulkhead.outbox (tenant, seq, kind, payload, created_at)
    select p_head.uid, p_head.seq, 'file.' || p_operation,
      jsonb_build_object('mount', t.mount, 'paths', to_jsonb(p_paths), 'outcome', p_outcome), bulkhead.now()
    from bulkhead.tree t where t.id = p_tree;
  if not found then raise exception 'no such tree' using errcode = 'BH404'; end if;
  if jsonb_typeof(v_draft) is distinct from 'object' then return p_head; end if;
  v.tenant := p_head.uid;
  v.n := p_head.audit_seq + 1;
  v.at := bulkhead.now();
  v.id := gen_random_uuid();
  v.actor := coalesce(v_draft->>'actor', '');
  v.key := coalesce(v_draft->>'key', '');
  v.action := coalesce(v_draft->>'action', '');
  v.resource := coalesce(v_draft->>'resource', '');
  v.result := 'SUCCESS';
  v.request_id := coalesce(v_draft->>'requestId', '');
  v.front := coalesce(v_draft->>'front', '');
  v.detail := coalesce(v_draft->'detail', '{}') || p_outcome;
  v.hash := sha256(p_head.audit_hash || bulkhead.audit_bytes_v1(v));
  insert into bulkhead.audit (tenant, n, at, id, actor, key, action, resource, result, request_id, front, detail, hash)
    values (v.tenant, v.n, v.at, v.id, v.actor, v.key, v.action, v.resource, v.result, v.request_id, v.front,
      v.detail, v.hash);
  p_head.audit_seq := v.n;
  p_head.audit_hash := v.hash;
  return p_head;
end $$;

create function bulkhead.tree_settle_v1(p_head bulkhead.tenant_head) returns void language plpgsql as $$
begin
  update bulkhead.tenant_head h set seq = p_head.seq, used = p_head.used, files = p_head.files,
    version_bytes = p_head.version_bytes, audit_seq = p_head.audit_seq, audit_hash = p_head.audit_hash
    where h.uid = p_head.uid;
end $$;
`;
