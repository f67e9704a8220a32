/** What concerns more than one path: subtrees, copy and move. */
export const treeWhole: string = String.raw`
-- What lies below a directory; looks no further than p_most entries where it is given.
create function bulkhead.tree_weigh_v1(p_tree uuid, p_dir uuid, p_most integer, out entries bigint, out files bigint,
  out bytes bigint) language sql stable set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
  with recursive below as (
    select n.id, n.version, n.size from bulkhead.node n where n.tree = p_tree and n.parent = p_dir
    union all
    select c.id, c.version, c.size from below b join bulkhead.node c on c.tree = p_tree and c.parent = b.id
      where b.version is null
  ), seen as (select b.version, b.size from below b limit p_most)
  select count(*), count(s.version), coalesce(sum(s.size), 0)::bigint from seen s
$$;

-- Takes away all that lies below a directory; each file's last content stays as a version, and where it was.
create function bulkhead.tree_sweep_v1(p_tenant uuid, p_tree uuid, p_dir uuid, p_path text, p_n bigint,
  p_now timestamptz) returns void language sql
  set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
  with recursive below as (
    select n.id, n.parent, n.sort_key, n.version, n.modified_at,
        case when p_path = '' then '' else p_path || '/' end || rtrim(n.sort_key, '/') as path
      from bulkhead.node n where n.tree = p_tree and n.parent = p_dir
    union all
    select c.id, c.parent, c.sort_key, c.version, c.modified_at, b.path || '/' || rtrim(c.sort_key, '/')
      from below b join bulkhead.node c on c.tree = p_tree and c.parent = b.id where b.version is null
  ), gone as (
    delete from bulkhead.node n using below b
      where n.tree = p_tree and n.parent = b.parent and n.sort_key = b.sort_key
  )
  insert into bulkhead.node_version (tree, node, n, tenant, kind, path, at)
    select p_tree, b.id, p_n, p_tenant, 'remove', b.path, greatest(p_now, b.modified_at)
      from below b where b.version is not null
$$;

-- Copies the rows below a directory; blobs are shared. Answers how many blobs are gone, which there must not be.
create function bulkhead.tree_clone_v1(p_tenant uuid, p_tree uuid, p_from uuid, p_to uuid, p_n bigint, p_now timestamptz)
returns bigint language sql set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off as $$
  with recursive below as (
    select n.id, gen_random_uuid() as fresh, p_to as dir, n.sort_key, n.version, n.size, n.digest, n.content_type,
        n.metadata from bulkhead.node n where n.tree = p_tree and n.parent = p_from
    union all
    select c.id, gen_random_uuid(), b.fresh, c.sort_key, c.version, c.size, c.digest, c.content_type, c.metadata
      from below b join bulkhead.node c on c.tree = p_tree and c.parent = b.id where b.version is null
  ), nodes as (
    insert into bulkhead.node (tree, parent, sort_key, id, tenant, version, size, digest, content_type, metadata,
        created_at, modified_at)
      select p_tree, b.dir, b.sort_key, b.fresh, p_tenant, case when b.version is not null then p_n end, b.size,
        b.digest, b.content_type, b.metadata, p_now, p_now from below b
  ), versions as (
    insert into bulkhead.node_version (tree, node, n, tenant, kind, size, digest, blob, inline, content_type, metadata, at)
      select p_tree, b.fresh, p_n, p_tenant, 'write', v.size, v.digest, v.blob, v.inline, v.content_type, v.metadata, p_now
        from below b join bulkhead.node_version v on v.tree = p_tree and v.node = b.id and v.n = b.version
      returning blob
  ), wanted as (
    select v.blob, count(*) as more from versions v where v.blob is not null group by v.blob
  ), shared as (
    update bulkhead.blob b set refs = b.refs + w.more from wanted w where b.id = w.blob returning b.id
  )
  select (select count(*) from wanted) - (select count(*) from shared)
$$;

create function bulkhead.commit_copy_v1(p_tenant uuid, p_tree uuid, p_settlement jsonb, p_from text[], p_to text[],
  p_mode text, p_if_match text, p_source_match text) returns jsonb language plpgsql as $$
declare
  v_paths text[] := array[array_to_string(p_from, '/'), array_to_string(p_to, '/')];
  v_from bulkhead.found;
  v_to bulkhead.found;
  v_new bulkhead.node_version;
  v_head bulkhead.tenant_head;
  v_result jsonb;
  v_entries bigint;
  v_files bigint := 1;
  v_bytes bigint;
  v_old bigint := 0;
  v_created integer;
  v_now timestamptz;
  v_dir uuid;
begin
  if (bulkhead.tree_admit_v1(p_tenant, jsonb_build_array(p_settlement)))[1] then return '{"state": "moved"}'; end if;
  perform bulkhead.tree_hold_v1(p_tree, false);
  perform bulkhead.tree_lock_v1(p_tree, bulkhead.tree_missing_v1(p_tree, p_to), array[v_paths[1]]);
  v_from := bulkhead.tree_find_v1(p_tree, p_from);
  v_to := bulkhead.tree_find_v1(p_tree, p_to);
  v_result := bulkhead.tree_transfer_v1(v_from, v_to, p_from, p_to, p_mode, p_if_match, p_source_match);
  if v_result is not null then return v_result || '{"state": "refused"}'; end if;
  if v_from.state = 'file' then
    select x.* into strict v_new from bulkhead.node_version x
      where x.tree = p_tree and x.node = (v_from.node).id and x.n = (v_from.node).version;
    perform 1 from bulkhead.blob b where b.id = v_new.blob for update;
    if not found and v_new.blob is not null then
      return '{"state": "refused", "code": "conflict", "reason": "blob"}';
    end if;
  end if;
  -- From here on nothing else of this tenant commits: what is weighed is what is copied.
  v_head := bulkhead.tree_head_v1(p_tenant);
  if v_from.state = 'directory' then
    select w.entries, w.files, w.bytes into v_entries, v_files, v_bytes
      from bulkhead.tree_weigh_v1(p_tree, (v_from.node).id, 50001) w;
    if v_entries > 50000 then
      return '{"state": "refused", "code": "too-large", "reason": "entries", "limit": 50000}';
    end if;
    v_created := v_files;
  else
    if v_to.state = 'file' then v_old := (v_to.node).size; end if;
    v_bytes := v_new.size - v_old;
    v_created := (v_to.state <> 'file')::integer;
  end if;
  v_result := bulkhead.tree_room_v1(v_head, bulkhead.tree_limits_v1(p_tenant), v_bytes, v_created);
  if v_result is not null then return v_result || '{"state": "refused"}'; end if;
  v_head.seq := v_head.seq + 1;
  v_result := jsonb_build_object('files', v_created, 'bytes', v_bytes, 'created', v_from.state = 'directory' or v_created = 1);
  if v_from.state = 'file' then
    v_result := v_result || jsonb_build_object('etag', bulkhead.etag_v1(v_head.seq, v_new.digest));
  end if;
  if not bulkhead.tree_claim_v1(p_tenant, p_settlement, v_result) then
    return '{"state": "refused", "code": "conflict", "reason": "claim"}';
  end if;
  v_now := bulkhead.now();
  if v_from.state = 'directory' then
    v_dir := gen_random_uuid();
    insert into bulkhead.node (tree, parent, sort_key, id, tenant, created_at, modified_at)
      values (p_tree, bulkhead.tree_parents_v1(p_tenant, p_tree, p_to, v_to.dir, v_to.depth, v_now),
        p_to[cardinality(p_to)] || '/', v_dir, p_tenant, v_now, v_now);
    if bulkhead.tree_clone_v1(p_tenant, p_tree, (v_from.node).id, v_dir, v_head.seq, v_now) > 0 then
      raise exception 'blob gone' using errcode = 'BH409';
    end if;
  else
    update bulkhead.blob b set refs = b.refs + 1 where b.id = v_new.blob;
    v_new.n := v_head.seq;
    v_new.at := v_now;
    perform bulkhead.tree_put_v1(p_tenant, p_tree, p_to, v_to, v_new);
  end if;
  v_head.used := v_head.used + v_bytes;
  v_head.files := v_head.files + v_created;
  v_head.version_bytes := v_head.version_bytes + v_old;
  perform bulkhead.tree_settle_v1(bulkhead.tree_close_v1(v_head, p_tree, p_settlement, 'copy', v_paths, v_result));
  if v_from.state = 'directory' then return v_result || '{"state": "done", "directory": true}'; end if;
  v_result := v_result || jsonb_build_object('state', 'done', 'size', v_new.size, 'version', v_head.seq::text);
  if v_created = 0 then
    v_result := v_result || jsonb_build_object('replaced',
      jsonb_build_object('size', v_old, 'version', (v_to.node).version::text));
  end if;
  return v_result;
end $$;

-- One row changes its parent and name, whatever lies below it.
create function bulkhead.commit_move_v1(p_tenant uuid, p_tree uuid, p_settlement jsonb, p_from text[], p_to text[],
  p_mode text, p_if_match text, p_source_match text) returns jsonb language plpgsql as $$
declare
  v_paths text[] := array[array_to_string(p_from, '/'), array_to_string(p_to, '/')];
  v_from bulkhead.found;
  v_to bulkhead.found;
  v_whole boolean;
  v_replaces boolean;
  v_head bulkhead.tenant_head;
  v_result jsonb;
  v_old bigint := 0;
  v_now timestamptz;
begin
  if (bulkhead.tree_admit_v1(p_tenant, jsonb_build_array(p_settlement)))[1] then return '{"state": "moved"}'; end if;
  v_whole := (bulkhead.tree_find_v1(p_tree, p_from)).state = 'directory';
  if v_whole then perform bulkhead.tree_hold_v1(p_tree, true);
  else
    perform bulkhead.tree_hold_v1(p_tree, false);
    perform bulkhead.tree_lock_v1(p_tree, bulkhead.tree_missing_v1(p_tree, p_to) || v_paths[1], '{}');
  end if;
  v_from := bulkhead.tree_find_v1(p_tree, p_from);
  v_to := bulkhead.tree_find_v1(p_tree, p_to);
  v_result := bulkhead.tree_transfer_v1(v_from, v_to, p_from, p_to, p_mode, p_if_match, p_source_match);
  if v_result is not null then return v_result || '{"state": "refused"}'; end if;
  if v_from.state = 'directory' and not v_whole then return '{"state": "again"}'; end if;
  v_replaces := v_to.state = 'file';
  if v_replaces then v_old := (v_to.node).size; end if;
  v_head := bulkhead.tree_head_v1(p_tenant);
  v_result := case when v_replaces then jsonb_build_object('files', -1, 'bytes', -v_old, 'created', false)
    else '{"created": true}'::jsonb end;
  if not bulkhead.tree_claim_v1(p_tenant, p_settlement, v_result) then
    return '{"state": "refused", "code": "conflict", "reason": "claim"}';
  end if;
  v_now := bulkhead.now();
  v_head.seq := v_head.seq + 1;
  if v_replaces then
    perform bulkhead.tree_clear_v1(p_tenant, p_tree, v_to.dir, v_paths[2], v_head.seq, v_now);
    v_head.used := v_head.used - v_old;
    v_head.files := v_head.files - 1;
    v_head.version_bytes := v_head.version_bytes + v_old;
  end if;
  update bulkhead.node n
    set parent = bulkhead.tree_parents_v1(p_tenant, p_tree, p_to, v_to.dir, v_to.depth, v_now),
      sort_key = p_to[cardinality(p_to)] || case when v_whole then '/' else '' end
    where n.tree = p_tree and n.parent = v_from.dir and n.sort_key = (v_from.node).sort_key;
  perform bulkhead.tree_settle_v1(bulkhead.tree_close_v1(v_head, p_tree, p_settlement, 'move', v_paths, v_result));
  v_result := '{"state": "done"}';
  if v_replaces then
    v_result := v_result || jsonb_build_object('replaced',
      jsonb_build_object('size', v_old, 'version', (v_to.node).version::text));
  end if;
  return v_result;
end $$;
`;
