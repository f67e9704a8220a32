/** Moving and removing in versioned trees, as in migration 4, with what is granted there following in the same commit. */
export const followingCommits: string = String.raw`
-- Admits what relocates objects: the fences, the revisions, and the relations lock. Where grants or shares lie on its
-- way it takes something away, and holds the tenant's own fence alone: whoever decided before it has committed then, and
-- whoever commits after it decides again. A grant that came between the look and the lock asks for another try.
create function bulkhead.tree_admit_v2(p_tenant uuid, p_settlement jsonb, out state text, out touched boolean)
language plpgsql as $$
declare
  v_from text := p_settlement->'follow'->>'from';
  v_to text := p_settlement->'follow'->>'to';
  v_uid uuid;
begin
  touched := false;
  if v_from is null then
    if (bulkhead.tree_admit_v1(p_tenant, jsonb_build_array(p_settlement)))[1] then state := 'moved'; end if;
    return;
  end if;
  touched := bulkhead.relations_touched_v1(p_tenant, v_from, v_to);
  for v_uid in select bulkhead.uid_of(r.value->>'tenant') as uid from jsonb_array_elements(p_settlement->'revisions') r
    union select p_tenant order by uid
  loop
    if touched and v_uid = p_tenant then perform pg_advisory_xact_lock(bulkhead.fence_key(v_uid));
    else perform pg_advisory_xact_lock_shared(bulkhead.fence_key(v_uid)); end if;
  end loop;
  if bulkhead.moved_v1(p_settlement) then
    state := 'moved';
    return;
  end if;
  perform bulkhead.relations_hold_v1(p_tenant, false);
  if not touched and bulkhead.relations_touched_v1(p_tenant, v_from, v_to) then
    state := 'again';
    return;
  end if;
  perform bulkhead.enter_v1(p_tenant);
end $$;

create or replace function bulkhead.commit_remove_v1(p_tenant uuid, p_tree uuid, p_settlement jsonb, p_names text[],
  p_recursive boolean, p_if_match text) returns jsonb language plpgsql as $$
declare
  v_state text;
  v_touched boolean;
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
  select a.state, a.touched into v_state, v_touched from bulkhead.tree_admit_v2(p_tenant, p_settlement) a;
  if v_state is not null then return jsonb_build_object('state', v_state); end if;
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
  if v_touched then
    perform bulkhead.relations_follow_v1(p_tenant, p_settlement->'follow'->>'from', p_settlement->'follow'->>'to');
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

create or replace function bulkhead.commit_move_v1(p_tenant uuid, p_tree uuid, p_settlement jsonb, p_from text[], p_to text[],
  p_mode text, p_if_match text, p_source_match text) returns jsonb language plpgsql as $$
declare
  v_state text;
  v_touched boolean;
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
  select a.state, a.touched into v_state, v_touched from bulkhead.tree_admit_v2(p_tenant, p_settlement) a;
  if v_state is not null then return jsonb_build_object('state', v_state); end if;
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
  if v_touched then
    perform bulkhead.relations_follow_v1(p_tenant, p_settlement->'follow'->>'from', p_settlement->'follow'->>'to');
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
