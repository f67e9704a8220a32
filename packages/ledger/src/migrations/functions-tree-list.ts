/** A page of a directory, told in few bytes: a row is an array, and its times are whole milliseconds. */
export const treeList: string = String.raw`
create function bulkhead.tree_list_v2(p_tenant uuid, p_tree uuid, p_names text[], p_after text, p_limit integer)
returns json language plpgsql stable as $$
declare
  v bulkhead.found;
  v_dir uuid;
begin
  perform bulkhead.enter_v1(p_tenant);
  v := bulkhead.tree_find_v1(p_tree, p_names);
  if v.state = 'file' then return '{"state": "refused", "code": "not-directory"}'; end if;
  if v.state <> 'directory' then return '{"state": "refused", "code": "not-found"}'; end if;
  v_dir := (v.node).id;
  return (select json_build_object('state', 'done', 'rows', coalesce(json_agg(json_build_array(e.sort_key, e.size,
      round(date_part('epoch', e.modified_at) * 1000), round(date_part('epoch', e.created_at) * 1000), e.version,
      bulkhead.etag_v1(e.version, e.digest), e.content_type, e.metadata)), '[]'))
    from (select n.sort_key, n.size, n.modified_at, n.created_at, n.version, n.digest, n.content_type, n.metadata
      from bulkhead.node n where n.tree = p_tree and n.parent = v_dir and n.sort_key > p_after
      order by n.sort_key limit p_limit) e);
end $$;
grant execute on function bulkhead.tree_list_v2(uuid, uuid, text[], text, integer) to bulkhead_app;
`;
