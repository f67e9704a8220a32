/** What looks at a tree, each from one snapshot in one round trip, and the blobs that content is staged in. */
export const treeReads: string = String.raw`
create function bulkhead.tree_stat_v1(p_tenant uuid, p_tree uuid, p_names text[]) returns jsonb
language plpgsql stable as $$
declare
  v bulkhead.found;
begin
  perform bulkhead.enter_v1(p_tenant);
  v := bulkhead.tree_find_v1(p_tree, p_names);
  if v.state in ('missing', 'below-file') then return '{"state": "refused", "code": "not-found"}'; end if;
  return jsonb_build_object('state', 'done', 'stat', bulkhead.node_json_v1(v.node));
end $$;

-- A length of four bytes, so much JSON, and the content where it lies in the row.
create function bulkhead.tree_read_v1(p_tenant uuid, p_tree uuid, p_names text[], p_n bigint) returns bytea
language plpgsql stable as $$
declare
  v bulkhead.found;
  v_row bulkhead.node_version;
  v_stat jsonb;
  v_json bytea;
  v_meta jsonb;
begin
  perform bulkhead.enter_v1(p_tenant);
  v := bulkhead.tree_find_v1(p_tree, p_names);
  if v.state = 'directory' then v_meta := '{"state": "refused", "code": "is-directory"}';
  elsif p_n is null and v.state <> 'file' then v_meta := '{"state": "refused", "code": "not-found"}';
  elsif p_n is null then
    select x.* into strict v_row from bulkhead.node_version x
      where x.tree = p_tree and x.node = (v.node).id and x.n = (v.node).version;
    v_stat := bulkhead.node_json_v1(v.node);
  else
    select x.* into v_row from bulkhead.node_version x where x.tree = p_tree and x.n = p_n and x.kind = 'write'
      and x.node = any (bulkhead.tree_files_v1(p_tree, p_names)) limit 1;
    if not found then v_meta := '{"state": "refused", "code": "not-found", "reason": "version"}';
    else
      v_stat := jsonb_strip_nulls(jsonb_build_object('name', p_names[cardinality(p_names)], 'kind', 'file', 'size', v_row.size,
        'modifiedAt', bulkhead.ms(v_row.at), 'etag', bulkhead.etag_v1(v_row.n, v_row.digest), 'version', v_row.n::text,
        'contentType', v_row.content_type, 'metadata', v_row.metadata));
    end if;
  end if;
  if v_meta is null then
    v_meta := jsonb_build_object('state', 'done', 'stat', v_stat);
    if v_row.blob is not null then
      v_meta := v_meta || (select jsonb_build_object('blob', jsonb_build_object('id', b.id, 'codec', b.codec,
        'size', b.size, 'frames', encode(b.frames, 'hex'))) from bulkhead.blob b where b.id = v_row.blob);
    end if;
  end if;
  v_json := convert_to(v_meta::text, 'UTF8');
  return int4send(length(v_json)) || v_json || coalesce(v_row.inline, '');
end $$;

create function bulkhead.tree_list_v1(p_tenant uuid, p_tree uuid, p_names text[], p_after text, p_limit integer)
returns jsonb language plpgsql stable as $$
declare
  v bulkhead.found;
  v_entries jsonb;
begin
  perform bulkhead.enter_v1(p_tenant);
  v := bulkhead.tree_find_v1(p_tree, p_names);
  if v.state = 'file' then return '{"state": "refused", "code": "not-directory"}'; end if;
  if v.state <> 'directory' then return '{"state": "refused", "code": "not-found"}'; end if;
  select coalesce(jsonb_agg(bulkhead.node_json_v1(e.n) order by (e.n).sort_key), '[]') into v_entries from (
    select n from bulkhead.node n where n.tree = p_tree and n.parent = (v.node).id and n.sort_key > p_after
      order by n.sort_key limit p_limit) e;
  return jsonb_build_object('state', 'done', 'entries', v_entries);
end $$;

-- What was stored and removed at a path, newest first, also of files that were removed there.
create function bulkhead.versions_v1(p_tenant uuid, p_tree uuid, p_names text[], p_before bigint, p_limit integer)
returns jsonb language plpgsql stable as $$
declare
  v bulkhead.found;
  v_files uuid[];
  v_entries jsonb;
begin
  perform bulkhead.enter_v1(p_tenant);
  v := bulkhead.tree_find_v1(p_tree, p_names);
  v_files := bulkhead.tree_files_v1(p_tree, p_names);
  if v_files is null then
    return case when v.state = 'directory' then '{"state": "refused", "code": "is-directory"}'::jsonb
      else '{"state": "refused", "code": "not-found"}' end;
  end if;
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('version', e.n::text, 'kind', e.kind, 'size', e.size,
      'modifiedAt', bulkhead.ms(e.at), 'etag', bulkhead.etag_v1(e.n, e.digest), 'contentType', e.content_type,
      'current', v.state = 'file' and e.n = (v.node).version and e.node = (v.node).id)) order by e.n desc), '[]')
    into v_entries from (
      select x.n, x.node, x.kind, x.size, x.at, x.digest, x.content_type from bulkhead.node_version x
        where x.tree = p_tree and x.node = any (v_files) and (p_before is null or x.n < p_before)
        order by x.n desc limit p_limit) e;
  return jsonb_build_object('state', 'done', 'entries', v_entries);
end $$;

-- Registers a blob before its first byte, unless what it is for would be refused already.
create function bulkhead.blob_open_v1(p_tenant uuid, p_tree uuid, p_names text[], p_mode text, p_if_match text,
  p_size bigint) returns jsonb language plpgsql as $$
declare
  v bulkhead.found;
  v_refused jsonb;
  v_head bulkhead.tenant_head;
  v_id uuid := gen_random_uuid();
begin
  perform bulkhead.enter_v1(p_tenant);
  v := bulkhead.tree_find_v1(p_tree, p_names);
  v_refused := bulkhead.tree_target_v1(v, p_mode, p_if_match);
  if v_refused is null then
    select h.* into v_head from bulkhead.tenant_head h where h.uid = p_tenant;
    v_refused := bulkhead.tree_room_v1(v_head, bulkhead.tree_limits_v1(p_tenant),
      coalesce(p_size, 0) - case when v.state = 'file' then (v.node).size else 0 end, (v.state <> 'file')::integer);
  end if;
  if v_refused is not null then return v_refused || '{"state": "refused"}'; end if;
  insert into bulkhead.blob (id, tenant, tree, content, lease)
    select v_id, p_tenant, t.id, t.content, bulkhead.now() + interval '60 seconds' from bulkhead.tree t where t.id = p_tree;
  if not found then raise exception 'no such tree' using errcode = 'BH404'; end if;
  return jsonb_build_object('state', 'done', 'id', v_id);
end $$;

create function bulkhead.blob_renew_v1(p_tenant uuid, p_ids uuid[]) returns void language plpgsql as $$
begin
  perform bulkhead.enter_v1(p_tenant);
  update bulkhead.blob b set lease = bulkhead.now() + interval '60 seconds' where b.id = any (p_ids) and b.refs = 0;
end $$;

-- True if nothing stands on the blob, whose bytes may go then: its row is a tombstone now. Waits for a commit in doubt.
create function bulkhead.blob_discard_v1(p_tenant uuid, p_id uuid) returns boolean language plpgsql as $$
begin
  perform bulkhead.enter_v1(p_tenant);
  with gone as (delete from bulkhead.blob b where b.id = p_id and b.refs = 0 returning b.id, b.tenant, b.content)
  insert into bulkhead.blob_tombstone (id, tenant, content, dead_at)
    select g.id, g.tenant, g.content, bulkhead.now() from gone g;
  return found;
end $$;

create function bulkhead.blob_forget_v1(p_tenant uuid, p_id uuid) returns void language plpgsql as $$
begin
  perform bulkhead.enter_v1(p_tenant);
  delete from bulkhead.blob_tombstone d where d.id = p_id;
end $$;
`;
