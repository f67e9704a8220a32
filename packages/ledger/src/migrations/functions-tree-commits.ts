/** What changes a tree, one round trip each: fences and revision, locks, condition, head and room, swap, record. */
export const treeCommits: string = String.raw`
-- Small writes of one tenant, together: each is judged before it has any effect, and a refused one leaves nothing.
create function bulkhead.commit_write_v1(p_tenant uuid, p_items jsonb, p_content bytea) returns jsonb
language plpgsql as $$
declare
  v_count integer := jsonb_array_length(p_items);
  v_moved boolean[];
  v_results jsonb := '[]';
  v_result jsonb;
  v_item jsonb;
  v_lock record;
  v_limits jsonb;
  v_head bulkhead.tenant_head;
  v_at bulkhead.found;
  v_found bulkhead.found[] := '{}';
  v_keys text[] := '{}';
  v_node bulkhead.node;
  v_new bulkhead.node_version;
  v_names text[];
  v_old bigint;
  v_now timestamptz;
begin
  v_moved := bulkhead.tree_admit_v1(p_tenant, (select jsonb_agg(i.value->'settlement' order by i.n)
    from jsonb_array_elements(p_items) with ordinality i (value, n)));
  for v_lock in select distinct (i.value->>'tree')::uuid as tree from jsonb_array_elements(p_items) i order by 1 loop
    perform bulkhead.tree_hold_v1(v_lock.tree, false);
  end loop;
  -- Where the directory is found now, under the trees' locks, it stays.
  for k in 1 .. v_count loop
    v_item := p_items->(k - 1);
    v_names := string_to_array(v_item->>'path', '/');
    v_at := bulkhead.tree_find_v1((v_item->>'tree')::uuid, v_names);
    v_found := v_found || v_at;
    for d in v_at.depth + 1 .. cardinality(v_names) loop
      v_keys := v_keys || ((v_item->>'tree') || '/' || array_to_string(v_names[1:d], '/'));
    end loop;
    if v_item->>'blob' is not null then
      perform 1 from bulkhead.blob b where b.id = (v_item->>'blob')::uuid for update;
    end if;
  end loop;
  if cardinality(v_keys) = 1 then perform pg_advisory_xact_lock(hashtextextended(v_keys[1], 20263));
  else
    for v_lock in select distinct u.key collate "C" as key from unnest(v_keys) u (key) order by 1 loop
      perform pg_advisory_xact_lock(hashtextextended(v_lock.key, 20263));
    end loop;
  end if;
  v_head := bulkhead.tree_head_v1(p_tenant);
  v_limits := bulkhead.tree_limits_v1(p_tenant);
  v_now := bulkhead.now();

  for k in 1 .. v_count loop
    v_item := p_items->(k - 1);
    v_result := case when v_moved[k] then '{"state": "moved"}'::jsonb end;
    if v_result is null then
      v_names := string_to_array(v_item->>'path', '/');
      v_at := v_found[k];
      if v_at.depth = cardinality(v_names) - 1 then
        v_node := null;
        select n.* into v_node from bulkhead.node n where n.tree = (v_item->>'tree')::uuid and n.parent = v_at.dir
          and n.sort_key in (v_names[cardinality(v_names)], v_names[cardinality(v_names)] || '/');
        v_at.node := v_node;
        v_at.state := case when not found then 'missing' when v_node.version is null then 'directory' else 'file' end;
      else
        v_at := bulkhead.tree_find_v1((v_item->>'tree')::uuid, v_names);
      end if;
      v_old := case when v_at.state = 'file' then (v_at.node).size else 0 end;
      v_new := null;
      v_new.size := (v_item->>'size')::bigint;
      v_result := bulkhead.tree_target_v1(v_at, v_item->>'mode', v_item->>'ifMatch');
      if v_result is null then
        v_result := bulkhead.tree_room_v1(v_head, v_limits, v_new.size - v_old, (v_at.state <> 'file')::integer);
      end if;
      if v_result is null and v_item->>'blob' is not null then
        v_new.blob := (v_item->>'blob')::uuid;
        if not exists (select 1 from bulkhead.blob b where b.id = v_new.blob and b.refs = 0) then
          v_result := '{"code": "conflict", "reason": "blob"}';
        end if;
      end if;
      if v_result is not null then v_result := v_result || '{"state": "refused"}'; end if;
    end if;
    if v_result is null then
      v_new.n := v_head.seq + 1;
      v_new.digest := decode(v_item->>'digest', 'hex');
      v_result := jsonb_build_object('files', (v_at.state <> 'file')::integer, 'bytes', v_new.size - v_old,
        'created', v_at.state <> 'file', 'etag', bulkhead.etag_v1(v_new.n, v_new.digest));
      if not bulkhead.tree_claim_v1(p_tenant, v_item->'settlement', v_result) then
        v_result := '{"state": "refused", "code": "conflict", "reason": "claim"}';
      else
        v_new.at := v_now;
        v_new.content_type := v_item->>'contentType';
        v_new.metadata := nullif(v_item->'metadata', 'null');
        if v_new.blob is null then
          v_new.inline := substring(p_content from (v_item->>'offset')::integer + 1 for v_new.size::integer);
        else
          update bulkhead.blob b set refs = 1, lease = null, size = v_new.size, digest = v_new.digest,
            frames = decode(v_item->>'frames', 'hex') where b.id = v_new.blob;
        end if;
        perform bulkhead.tree_put_v1(p_tenant, (v_item->>'tree')::uuid, v_names, v_at, v_new);
        v_head.seq := v_new.n;
        v_head.used := v_head.used + v_new.size - v_old;
        v_head.files := v_head.files + (v_at.state <> 'file')::integer;
        v_head.version_bytes := v_head.version_bytes + v_old;
        v_head := bulkhead.tree_close_v1(v_head, (v_item->>'tree')::uuid, v_item->'settlement', 'write',
          array[v_item->>'path'], v_result);
        v_result := v_result || jsonb_build_object('state', 'done', 'version', v_new.n::text);
        if v_at.state = 'file' then
          v_result := v_result || jsonb_build_object('replaced',
            jsonb_build_object('size', v_old, 'version', (v_at.node).version::text));
        end if;
      end if;
    end if;
    v_results := v_results || jsonb_build_array(v_result);
  end loop;
  perform bulkhead.tree_settle_v1(v_head);
  return v_results;
end $$;

create function bulkhead.commit_mkdir_v1(p_tenant uuid, p_tree uuid, p_settlement jsonb, p_names text[]) returns jsonb
language plpgsql as $$
declare
  v_at bulkhead.found;
  v_head bulkhead.tenant_head;
  v_now timestamptz;
begin
  if (bulkhead.tree_admit_v1(p_tenant, jsonb_build_array(p_settlement)))[1] then return '{"state": "moved"}'; end if;
  perform bulkhead.tree_hold_v1(p_tree, false);
  perform bulkhead.tree_lock_v1(p_tree, array[array_to_string(p_names, '/')], '{}');
  v_at := bulkhead.tree_find_v1(p_tree, p_names);
  if v_at.state = 'missing' and v_at.depth < cardinality(p_names) - 1 then
    return '{"state": "refused", "code": "not-found", "reason": "parent"}';
  elsif v_at.state <> 'missing' then
    return bulkhead.tree_target_v1(v_at, 'create', null) || '{"state": "refused"}';
  end if;
  v_head := bulkhead.tree_head_v1(p_tenant);
  if not bulkhead.tree_claim_v1(p_tenant, p_settlement, '{"created": true}') then
    return '{"state": "refused", "code": "conflict", "reason": "claim"}';
  end if;
  v_now := bulkhead.now();
  insert into bulkhead.node (tree, parent, sort_key, id, tenant, created_at, modified_at)
    values (p_tree, v_at.dir, p_names[cardinality(p_names)] || '/', gen_random_uuid(), p_tenant, v_now, v_now);
  v_head.seq := v_head.seq + 1;
  perform bulkhead.tree_settle_v1(bulkhead.tree_close_v1(v_head, p_tree, p_settlement, 'mkdir',
    array[array_to_string(p_names, '/')], '{"created": true}'));
  return '{"state": "done"}';
end $$;

-- Takes a file away: its last content stays as a version, and where it was.
create function bulkhead.tree_clear_v1(p_tenant uuid, p_tree uuid, p_dir uuid, p_path text, p_n bigint,
  p_now timestamptz) returns bigint language plpgsql as $$
declare
  v bulkhead.node;
begin
  delete from bulkhead.node n where n.tree = p_tree and n.parent = p_dir
    and n.sort_key = substring(p_path from '[^/]*$') returning n.* into v;
  insert into bulkhead.node_version (tree, node, n, tenant, kind, path, at)
    values (p_tree, v.id, p_n, p_tenant, 'remove', p_path, greatest(p_now, v.modified_at));
  return v.size;
end $$;

create function bulkhead.commit_remove_v1(p_tenant uuid, p_tree uuid, p_settlement jsonb, p_names text[],
  p_recursive boolean, p_if_match text) returns jsonb language plpgsql as $$
declare
  v_path text := array_to_string(p_names, '/');
  v_at bulkhead.found;
  v_whole boolean;
  v_etag text;
  v_head bulkhead.tenant_head;
  v_files bigint := 1;
  v_bytes bigint;
  v_outcome jsonb;
  v_now timestamptz;
begin
  if (bulkhead.tree_admit_v1(p_tenant, jsonb_build_array(p_settlement)))[1] then return '{"state": "moved"}'; end if;
  v_whole := (bulkhead.tree_find_v1(p_tree, p_names)).state = 'directory';
  if v_whole then perform bulkhead.tree_hold_v1(p_tree, true);
  else
    perform bulkhead.tree_hold_v1(p_tree, false);
    perform bulkhead.tree_lock_v1(p_tree, array[v_path], '{}');
  end if;
  v_at := bulkhead.tree_find_v1(p_tree, p_names);
  if v_at.state in ('missing', 'below-file') then return '{"state": "refused", "code": "not-found"}'; end if;
  -- It became a directory after the look that chose the lock.
  if v_at.state = 'directory' and not v_whole then return '{"state": "again"}'; end if;
  if p_if_match is not null then
    v_etag := bulkhead.etag_v1((v_at.node).version, (v_at.node).digest);
    if v_etag is distinct from p_if_match then
      return jsonb_strip_nulls(jsonb_build_object('state', 'refused', 'code', 'precondition-failed', 'etag', v_etag));
    end if;
  end if;
  if v_at.state = 'directory' and not p_recursive
      and exists (select 1 from bulkhead.node n where n.tree = p_tree and n.parent = (v_at.node).id) then
    return '{"state": "refused", "code": "not-empty"}';
  end if;
  v_head := bulkhead.tree_head_v1(p_tenant);
  v_head.seq := v_head.seq + 1;
  v_now := bulkhead.now();
  if v_at.state = 'directory' then
    select w.files, w.bytes into v_files, v_bytes from bulkhead.tree_weigh_v1(p_tree, (v_at.node).id, null) w;
  else v_bytes := (v_at.node).size; end if;
  v_outcome := jsonb_build_object('files', -v_files, 'bytes', -v_bytes);
  if not bulkhead.tree_claim_v1(p_tenant, p_settlement, v_outcome) then
    return '{"state": "refused", "code": "conflict", "reason": "claim"}';
  end if;
  if v_at.state = 'file' then
    perform bulkhead.tree_clear_v1(p_tenant, p_tree, v_at.dir, v_path, v_head.seq, v_now);
  else
    perform bulkhead.tree_sweep_v1(p_tenant, p_tree, (v_at.node).id, v_path, v_head.seq, v_now);
    delete from bulkhead.node n where n.tree = p_tree and n.parent = v_at.dir
      and n.sort_key = p_names[cardinality(p_names)] || '/';
  end if;
  v_head.used := v_head.used - v_bytes;
  v_head.files := v_head.files - v_files;
  v_head.version_bytes := v_head.version_bytes + v_bytes;
  perform bulkhead.tree_settle_v1(bulkhead.tree_close_v1(v_head, p_tree, p_settlement, 'remove', array[v_path], v_outcome));
  return jsonb_build_object('state', 'done', 'files', v_files, 'bytes', v_bytes);
end $$;

-- A version of a file, brought back as its newest content; a removed file comes back where it was.
create function bulkhead.restore_v1(p_tenant uuid, p_tree uuid, p_settlement jsonb, p_names text[], p_n bigint)
returns jsonb language plpgsql as $$
declare
  v_path text := array_to_string(p_names, '/');
  v_at bulkhead.found;
  v_head bulkhead.tenant_head;
  v_from bulkhead.node_version;
  v_old bigint;
  v_created boolean;
  v_result jsonb;
begin
  if (bulkhead.tree_admit_v1(p_tenant, jsonb_build_array(p_settlement)))[1] then return '{"state": "moved"}'; end if;
  perform bulkhead.tree_hold_v1(p_tree, false);
  perform bulkhead.tree_lock_v1(p_tree, bulkhead.tree_missing_v1(p_tree, p_names), '{}');
  v_at := bulkhead.tree_find_v1(p_tree, p_names);
  if v_at.state = 'below-file' then return '{"state": "refused", "code": "not-directory"}'; end if;
  if v_at.state = 'directory' then return '{"state": "refused", "code": "is-directory"}'; end if;
  select x.* into v_from from bulkhead.node_version x where x.tree = p_tree and x.n = p_n
    and x.node = any (bulkhead.tree_files_v1(p_tree, p_names)) and x.kind = 'write' limit 1;
  if not found then return '{"state": "refused", "code": "not-found", "reason": "version"}'; end if;
  if v_from.blob is not null then
    perform 1 from bulkhead.blob b where b.id = v_from.blob for update;
    if not found then return '{"state": "refused", "code": "conflict", "reason": "blob"}'; end if;
  end if;
  v_head := bulkhead.tree_head_v1(p_tenant);
  v_created := v_at.state <> 'file';
  v_old := case when v_created then 0 else (v_at.node).size end;
  v_result := bulkhead.tree_room_v1(v_head, bulkhead.tree_limits_v1(p_tenant), v_from.size - v_old, v_created::integer);
  if v_result is not null then return v_result || '{"state": "refused"}'; end if;
  v_from.n := v_head.seq + 1;
  v_result := jsonb_build_object('files', v_created::integer, 'bytes', v_from.size - v_old, 'created', v_created,
    'etag', bulkhead.etag_v1(v_from.n, v_from.digest), 'restored', p_n::text);
  if not bulkhead.tree_claim_v1(p_tenant, p_settlement, v_result) then
    return '{"state": "refused", "code": "conflict", "reason": "claim"}';
  end if;
  update bulkhead.blob b set refs = b.refs + 1 where b.id = v_from.blob;
  v_from.at := bulkhead.now();
  perform bulkhead.tree_put_v1(p_tenant, p_tree, p_names, v_at, v_from);
  v_head.seq := v_from.n;
  v_head.used := v_head.used + v_from.size - v_old;
  v_head.files := v_head.files + v_created::integer;
  v_head.version_bytes := v_head.version_bytes + v_old;
  perform bulkhead.tree_settle_v1(bulkhead.tree_close_v1(v_head, p_tree, p_settlement, 'write', array[v_path], v_result));
  v_result := v_result || jsonb_build_object('state', 'done', 'version', v_from.n::text, 'size', v_from.size);
  if not v_created then
    v_result := v_result || jsonb_build_object('replaced',
      jsonb_build_object('size', v_old, 'version', (v_at.node).version::text));
  end if;
  return v_result;
end $$;
`;
