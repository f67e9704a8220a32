/** Makes the functions behind copy and move; see `functions-effects.ts`. `s` is the quoted schema. */
export const transferFunctions = (s: string): string => `
-- Copies rows and shares contents, in one statement and so of one moment.
create function ${s}.copy_tree_v1(p_source bigint, p_names text[], p_now timestamptz, out o_files bigint, out o_bytes bigint)
language plpgsql volatile as $$
declare
  v_parent bigint := ${s}.parents_v1(p_names, p_now);
begin
  with recursive tree as (
    select n.id from ${s}.node n where n.id = p_source
    union all
    select c.id from tree t join ${s}.node c on c.parent = t.id
  ), fresh as materialized (
    select id, nextval('${s}.node_id') as made from tree
  ), copied as (
    insert into ${s}.node (id, parent, name, directory, size, blob, content_type, metadata, created_at, modified_at)
    select f.made,
      case when n.id = p_source then v_parent else p.made end,
      case when n.id = p_source then p_names[cardinality(p_names)] else n.name end,
      n.directory, n.size, n.blob, n.content_type, n.metadata, p_now, p_now
    from fresh f join ${s}.node n on n.id = f.id left join fresh p on p.id = n.parent
    returning directory, size
  )
  select count(*) filter (where not directory), coalesce(sum(size), 0) into o_files, o_bytes from copied;
end $$;

create function ${s}.transfer_v1(
  p_apply boolean, p_staged uuid, p_move boolean, p_from text[], p_to text[], p_inside boolean, p_mode text,
  p_match text, p_source_match text, p_now timestamptz, p_grace interval, p_bound integer) returns text
language plpgsql volatile as $$
declare
  v_found record := ${s}.find_v1(p_from);
  v_exclusive boolean := p_move and coalesce(v_found.o_directory, false);
  v_from_first boolean := array_to_string(p_from, '/') collate "C" < array_to_string(p_to, '/') collate "C";
  v_source ${s}.node;
  v_target record;
  v_weight record;
  v_id bigint;
  v_old_blob uuid;
  v_old_size bigint;
  v_files bigint := 0;
  v_bytes bigint := 0;
  v_result jsonb;
begin
  if p_apply then
    perform ${s}.lock_tree_v1(v_exclusive);
    if v_from_first then perform ${s}.lock_path_v1(p_from, p_move); end if;
    perform ${s}.lock_path_v1(p_to, true);
    if not v_from_first then perform ${s}.lock_path_v1(p_from, p_move); end if;
    v_found := ${s}.find_v1(p_from);
  end if;
  if v_found.o_id is null then raise exception using errcode = 'BHNFD', message = 'missing'; end if;
  select * into v_source from ${s}.node where id = v_found.o_id;
  -- It became another thing before the lock was there.
  if p_move and v_source.directory and not v_exclusive then
    raise exception using errcode = '40001', message = 'lock';
  end if;
  if v_source.directory and p_inside then raise exception using errcode = 'BHINV', message = 'into itself'; end if;
  if p_source_match is not null and v_source.blob::text is distinct from p_source_match then
    raise exception using errcode = 'BHPRE', message = 'changed', detail = coalesce(v_source.blob::text, '');
  end if;

  if v_source.directory then
    v_target := ${s}.find_v1(p_to);
    if v_target.o_below then raise exception using errcode = 'BHNDR', message = 'below a file'; end if;
    if v_target.o_id is not null then raise exception using errcode = 'BHAEX', message = 'exists'; end if;
    if p_mode = 'match' then raise exception using errcode = 'BHPRE', message = 'missing'; end if;
    if not p_move then
      v_weight := ${s}.weigh_v1(v_source.id, p_bound);
      v_bytes := v_weight.o_bytes;
    end if;
  else
    select o_id, o_blob, o_size into v_id, v_old_blob, v_old_size
    from ${s}.target_v1(p_to, case when cardinality(p_to) = 0 then 'create' else p_mode end, p_match);
    if not p_move then v_bytes := v_source.size; end if;
  end if;
  if not p_apply then return json_build_object('before', v_old_blob, 'size', v_bytes); end if;

  if p_move then
    delete from ${s}.node where id = v_id;
    update ${s}.node set parent = ${s}.parents_v1(p_to, p_now), name = p_to[cardinality(p_to)] where id = v_source.id;
    v_files := -(v_id is not null)::int;
    v_bytes := -coalesce(v_old_size, 0);
    v_result := jsonb_build_object('replaced', v_old_size);
  elsif v_source.directory then
    select o_files, o_bytes into v_files, v_bytes from ${s}.copy_tree_v1(v_source.id, p_to, p_now);
    v_result := jsonb_build_object('files', v_files, 'bytes', v_bytes);
  else
    perform ${s}.land_v1(v_id, p_to, v_source.blob, v_source.size, v_source.content_type, v_source.metadata, p_now);
    v_files := (v_id is null)::int;
    v_bytes := v_source.size - coalesce(v_old_size, 0);
    v_result := jsonb_build_object('etag', v_source.blob, 'size', v_source.size, 'replaced', v_old_size);
  end if;
  perform ${s}.retire_v1(array[v_old_blob], p_grace);
  insert into ${s}.effect (staged, operation, files, bytes, result)
  values (p_staged, case when p_move then 'move' else 'copy' end, v_files, v_bytes, v_result);
  return v_result;
end $$;
`;
