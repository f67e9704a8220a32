/**
 * Makes the functions that look and judge. They are stable: all they read is of one snapshot. Refusals are raised with
 * the SQLSTATEs of `refusals.ts`. `s` is the quoted schema.
 */
export const findFunctions = (s: string): string => `
create function ${s}.find_v1(p_names text[], out o_id bigint, out o_directory boolean, out o_below boolean)
language plpgsql stable as $$
declare
  v_name text;
begin
  o_id := 0; o_directory := true; o_below := false;
  foreach v_name in array p_names loop
    if not o_directory then
      o_id := null; o_below := true;
      return;
    end if;
    select n.id, n.directory into o_id, o_directory from ${s}.node n where n.parent = o_id and n.name = v_name;
    if not found then return; end if;
  end loop;
end $$;

create function ${s}.stat_v1(p_node ${s}.node) returns json
language sql immutable as $$
  select json_build_object(
    'name', p_node.name, 'directory', p_node.directory, 'size', p_node.size, 'blob', p_node.blob,
    'type', p_node.content_type, 'metadata', p_node.metadata,
    'created', round(extract(epoch from p_node.created_at) * 1000),
    'modified', round(extract(epoch from p_node.modified_at) * 1000))
$$;

-- The stat, and with it the content where it is one part.
create function ${s}.open_v1(p_names text[], p_content boolean, out o_stat text, out o_bytes bytea)
language plpgsql stable as $$
declare
  v_id bigint := (${s}.find_v1(p_names)).o_id;
  v_node ${s}.node;
begin
  if v_id is null then raise exception using errcode = 'BHNFD', message = 'missing'; end if;
  select * into v_node from ${s}.node where id = v_id;
  o_stat := ${s}.stat_v1(v_node);
  if p_content then
    select c.bytes into o_bytes from ${s}.chunk c where c.blob = v_node.blob and c.part = 0 and v_node.size <= 262144;
  end if;
end $$;

create function ${s}.list_v1(p_names text[], p_after text, p_limit integer) returns text
language plpgsql stable as $$
declare
  v_found record := ${s}.find_v1(p_names);
begin
  if v_found.o_id is null then raise exception using errcode = 'BHNFD', message = 'missing'; end if;
  if not v_found.o_directory then raise exception using errcode = 'BHNDR', message = 'a file'; end if;
  return coalesce((
    select json_agg(${s}.stat_v1(n) order by n.sort_key)
    from (
      select * from ${s}.node
      where parent = v_found.o_id and sort_key > p_after collate "C"
      order by sort_key limit p_limit
    ) n), '[]');
end $$;

-- Judges what a file put there would replace. p_mode is overwrite, create or match.
create function ${s}.target_v1(
  p_names text[], p_mode text, p_match text, out o_id bigint, out o_blob uuid, out o_size bigint)
language plpgsql volatile as $$
declare
  v_found record := ${s}.find_v1(p_names);
begin
  if v_found.o_below then raise exception using errcode = 'BHNDR', message = 'below a file'; end if;
  if v_found.o_id is null then
    if p_mode = 'match' then raise exception using errcode = 'BHPRE', message = 'missing'; end if;
    return;
  end if;
  if p_mode = 'create' then raise exception using errcode = 'BHAEX', message = 'exists'; end if;
  if v_found.o_directory then raise exception using errcode = 'BHDIR', message = 'a directory'; end if;
  select n.id, n.blob, n.size into o_id, o_blob, o_size from ${s}.node n where n.id = v_found.o_id;
  if p_mode = 'match' and o_blob::text is distinct from p_match then
    raise exception using errcode = 'BHPRE', message = 'changed', detail = o_blob::text;
  end if;
end $$;

-- Counts a tree, the directory itself among its entries. Refuses more than p_bound entries below it.
create function ${s}.weigh_v1(p_id bigint, p_bound integer, out o_files bigint, out o_bytes bigint)
language plpgsql volatile as $$
declare
  v_entries bigint;
begin
  with recursive tree as (
    select n.id, n.directory, n.size from ${s}.node n where n.id = p_id
    union all
    select c.id, c.directory, c.size from tree t join ${s}.node c on c.parent = t.id
  )
  select count(*), count(*) filter (where not directory), coalesce(sum(size), 0)
  into v_entries, o_files, o_bytes
  from (select * from tree limit p_bound + 2) as bounded;
  if v_entries > p_bound + 1 then raise exception using errcode = 'BHBIG', message = 'too many entries', detail = p_bound::text; end if;
end $$;
`;
