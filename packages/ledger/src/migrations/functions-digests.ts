/**
 * Content in rows answered with its digest, so that what is not what was stored is never sent, and looked through in
 * pages, so that no statement reads a whole tree.
 */
export const digests: string = String.raw`
-- A length of four bytes, so much JSON, and the content where it lies in the row; 'digest' is that content's.
create function bulkhead.tree_read_v2(p_tenant uuid, p_tree uuid, p_names text[], p_n bigint) returns bytea
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
    if v_row.blob is null then
      v_meta := jsonb_build_object('state', 'done', 'stat', v_stat, 'digest', encode(v_row.digest, 'hex'));
    else
      v_meta := jsonb_build_object('state', 'done', 'stat', v_stat, 'blob', (
        select jsonb_build_object('id', b.id, 'codec', b.codec, 'size', b.size, 'frames', encode(b.frames, 'hex'))
          from bulkhead.blob b where b.id = v_row.blob));
    end if;
  end if;
  v_json := convert_to(v_meta::text, 'UTF8');
  return int4send(length(v_json)) || v_json || coalesce(v_row.inline, '');
end $$;

-- Contents in rows that are not what was stored, among so many after a place; 'next' is the last place looked at, null
-- at the end.
create function bulkhead.inline_damaged_v2(p_tree uuid, p_node uuid, p_n bigint, p_limit integer) returns jsonb
language sql stable as $$
  with page as materialized (
    select v.node, v.n, v.inline, v.digest from bulkhead.node_version v
      where v.tree = p_tree and (v.node, v.n) > (p_node, p_n) order by v.node, v.n limit p_limit
  )
  select jsonb_build_object(
    'damaged', (select coalesce(jsonb_agg(jsonb_build_object('node', p.node, 'version', p.n::text) order by p.node, p.n), '[]')
      from page p where p.inline is not null and sha256(p.inline) <> p.digest),
    'next', case when (select count(*) from page) = p_limit then
      (select jsonb_build_object('node', p.node, 'n', p.n) from page p order by p.node desc, p.n desc limit 1) end)
$$;

revoke execute on all functions in schema bulkhead from public;
grant execute on all functions in schema bulkhead to bulkhead_system;
grant execute on function bulkhead.tree_read_v2(uuid, uuid, text[], bigint) to bulkhead_app;
`;
