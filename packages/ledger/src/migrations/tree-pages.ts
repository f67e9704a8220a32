/** A page of a directory in columns: what PostgreSQL has to spell out costs more than to look it up. */
export const treePages: string = String.raw`
-- v_state is null where there is a page: then v_names has the sort keys, one a line, which no name can hold, and v_facts
-- for each 40 bytes: size, version (-1 of a directory), the times in microseconds since 2000, and of the digest as much as
-- is in an ETag. v_types and v_metadata are JSON, null where no entry has any.
create function bulkhead.tree_list_v3(p_tenant uuid, p_tree uuid, p_names text[], p_after text, p_limit integer,
  out v_state text, out v_names text, out v_facts bytea, out v_types text, out v_metadata text)
language plpgsql stable as $$
declare
  v_set constant text := set_config('bulkhead.tenant', p_tenant::text, true);
  v bulkhead.found := bulkhead.tree_find_v1(p_tree, p_names);
  v_dir uuid;
begin
  if v.state <> 'directory' then
    v_state := case v.state when 'file' then 'not-directory' else 'not-found' end;
    return;
  end if;
  v_dir := (v.node).id;
  select string_agg(e.sort_key, E'\n'),
      string_agg(int8send(e.size) || int8send(coalesce(e.version, -1)) || timestamptz_send(e.modified_at)
        || timestamptz_send(e.created_at) || coalesce(substring(e.digest for 8), '\x0000000000000000'), ''),
      case when count(e.content_type) > 0 then '[' || string_agg(coalesce(to_json(e.content_type)::text, 'null'), ',') || ']' end,
      json_object_agg(e.sort_key, e.metadata) filter (where e.metadata is not null)
    into v_names, v_facts, v_types, v_metadata
    from (select n.sort_key, n.size, n.modified_at, n.created_at, n.version, n.digest, n.content_type, n.metadata
      from bulkhead.node n where n.tree = p_tree and n.parent = v_dir and n.sort_key > p_after
      order by n.sort_key limit p_limit) e;
end $$;
revoke execute on function bulkhead.tree_list_v3(uuid, uuid, text[], text, integer) from public;
grant execute on function bulkhead.tree_list_v3(uuid, uuid, text[], text, integer) to bulkhead_app, bulkhead_system;
`;
