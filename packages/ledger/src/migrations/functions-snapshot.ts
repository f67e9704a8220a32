/** What every request stands on, by itself or beside what it reads, and what a write tells without a second look. */
export const snapshotFunctions: string = String.raw`
-- The ledger's time in milliseconds, then uid, epoch, number and, for tenants, status of each of these revisions. Null on
-- a server in recovery, which may lag behind a revoke that has returned. Always by the index: the table may have grown
-- since it was planned.
create function bulkhead.snapshot_v1(p_tenants uuid[]) returns text
language plpgsql stable set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
begin
  if pg_is_in_recovery() then return null; end if;
  return concat(bulkhead.ms(bulkhead.now()), (
    select string_agg(concat(' ', r.tenant, ' ', r.epoch, ' ', r.n, ' ', coalesce(t.status, '-')), '')
      from bulkhead.revision r left join bulkhead.tenant t on t.uid = r.tenant where r.tenant = any (p_tenants)));
end $$;

-- A file with what its content is, and these revisions as of the same snapshot, in the form of snapshot_v1 but for the
-- status. Whatever else there is, or is asked for, tree_read_v2 tells in v_other. Written for few statements and few
-- expressions, each of which costs as much as a look-up.
create function bulkhead.tree_read_v3(p_tenant uuid, p_tree uuid, p_names text[], p_n bigint, p_revisions uuid[],
  out v_other bytea, out v_snapshot text, out v_size bigint, out v_modified bigint, out v_created bigint,
  out v_version bigint, out v_digest text, out v_type text, out v_metadata jsonb, out v_inline bytea, out v_blob jsonb)
language plpgsql stable as $$
declare
  v_dir uuid := p_tree;
  v_uid uuid;
  v_id uuid;
  v_one text;
begin
  if cardinality(p_revisions) > 0 and not pg_is_in_recovery() then
    v_snapshot := bulkhead.ms(bulkhead.now());
    foreach v_uid in array p_revisions loop
      perform set_config('bulkhead.tenant', v_uid::text, true);
      select concat(' ', r.tenant, ' ', r.epoch, ' ', r.n, ' -') into v_one from bulkhead.revision r where r.tenant = v_uid;
      if found then v_snapshot := v_snapshot || v_one; end if;
    end loop;
  end if;
  if v_uid is distinct from p_tenant then perform set_config('bulkhead.tenant', p_tenant::text, true); end if;
  if p_n is not null or cardinality(p_names) = 0 then
    v_other := bulkhead.tree_read_v2(p_tenant, p_tree, p_names, p_n);
    return;
  end if;
  for i in 1 .. cardinality(p_names) - 1 loop
    select n.id into v_dir from bulkhead.node n
      where n.tree = p_tree and n.parent = v_dir and n.sort_key = p_names[i] || '/';
    exit when not found;
  end loop;
  select n.size, bulkhead.ms(n.modified_at), bulkhead.ms(n.created_at), n.version, encode(v.digest, 'hex'), n.content_type,
      n.metadata, v.inline, v.blob
    into v_size, v_modified, v_created, v_version, v_digest, v_type, v_metadata, v_inline, v_id
    from bulkhead.node n join bulkhead.node_version v on v.tree = n.tree and v.node = n.id and v.n = n.version
    where n.tree = p_tree and n.parent = v_dir and n.sort_key = p_names[cardinality(p_names)];
  if not found then v_other := bulkhead.tree_read_v2(p_tenant, p_tree, p_names, p_n);
  elsif v_id is not null then
    select jsonb_build_object('id', b.id, 'codec', b.codec, 'size', b.size, 'frames', encode(b.frames, 'hex')) into v_blob
      from bulkhead.blob b where b.id = v_id;
  end if;
end $$;

-- When each of these files was made and changed, in milliseconds; null for one that is not there. VOLATILE: asked in the
-- statement of their commit, after it, it sees what that did.
create function bulkhead.tree_times_v1(p_tenant uuid, p_tree uuid, p_paths text[]) returns jsonb language plpgsql as $$
declare
  v_set text := set_config('bulkhead.tenant', p_tenant::text, true);
  v_names text[];
  v_parent text;
  v_last text;
  v_dir uuid;
  v_one jsonb;
  v_all jsonb := '[]';
begin
  for k in 1 .. cardinality(p_paths) loop
    v_names := string_to_array(p_paths[k], '/');
    v_parent := left(p_paths[k], -length(v_names[cardinality(v_names)]));
    if v_parent is distinct from v_last then
      v_dir := p_tree;
      for d in 1 .. cardinality(v_names) - 1 loop
        select n.id into v_dir from bulkhead.node n
          where n.tree = p_tree and n.parent = v_dir and n.sort_key = v_names[d] || '/';
      end loop;
      v_last := v_parent;
    end if;
    v_one := null;
    select jsonb_build_array(bulkhead.ms(n.created_at), bulkhead.ms(n.modified_at)) into v_one from bulkhead.node n
      where n.tree = p_tree and n.parent = v_dir and n.sort_key = v_names[cardinality(v_names)];
    v_all := v_all || jsonb_build_array(v_one);
  end loop;
  return v_all;
end $$;

revoke execute on all functions in schema bulkhead from public;
grant execute on all functions in schema bulkhead to bulkhead_system;
grant execute on function bulkhead.tree_read_v3(uuid, uuid, text[], bigint, uuid[]),
  bulkhead.tree_times_v1(uuid, uuid, text[]) to bulkhead_app;
`;
