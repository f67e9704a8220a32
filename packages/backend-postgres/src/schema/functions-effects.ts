/**
 * Makes the functions that change the tree. Each is one transaction: locks, judgement, effect, and the row that says
 * that it happened. Without `p_apply` it judges alone. `s` is the quoted schema.
 *
 * Locks, in this order: the tree (shared; exclusive to move or remove a directory), paths in byte order, rows. A
 * directory that two writers make at once is settled by the unique index of names.
 */
export const effectFunctions = (s: string): string => `
create function ${s}.lock_tree_v1(p_exclusive boolean) returns void
language plpgsql volatile as $$
begin
  -- An answer is durable, whatever the database does by default.
  if current_setting('synchronous_commit') = 'off' then perform set_config('synchronous_commit', 'on', true); end if;
  if p_exclusive then
    perform pg_advisory_xact_lock(hashtextextended('/', '${s}.node'::regclass::oid::bigint));
  else
    perform pg_advisory_xact_lock_shared(hashtextextended('/', '${s}.node'::regclass::oid::bigint));
  end if;
end $$;

create function ${s}.lock_path_v1(p_names text[], p_exclusive boolean) returns void
language plpgsql volatile as $$
declare
  v_key bigint := hashtextextended(array_to_string(p_names, '/'), '${s}.node'::regclass::oid::bigint);
begin
  if p_exclusive then perform pg_advisory_xact_lock(v_key); else perform pg_advisory_xact_lock_shared(v_key); end if;
end $$;

-- Makes the directories above a path that are missing; answers the last one.
create function ${s}.parents_v1(p_names text[], p_now timestamptz) returns bigint
language plpgsql volatile as $$
declare
  v_at bigint := 0;
  v_id bigint;
  v_directory boolean;
begin
  for i in 1 .. cardinality(p_names) - 1 loop
    loop
      select n.id, n.directory into v_id, v_directory from ${s}.node n where n.parent = v_at and n.name = p_names[i];
      if found then
        if not v_directory then raise exception using errcode = 'BHNDR', message = 'below a file'; end if;
        exit;
      end if;
      insert into ${s}.node (parent, name, directory, created_at, modified_at)
      values (v_at, p_names[i], true, p_now, p_now)
      on conflict on constraint node_place do nothing returning id into v_id;
      exit when found;
    end loop;
    v_at := v_id;
  end loop;
  return v_at;
end $$;

-- Puts content at a path that was judged, over the file p_id or as a new one.
create function ${s}.land_v1(
  p_id bigint, p_names text[], p_blob uuid, p_size bigint, p_type text, p_metadata jsonb, p_now timestamptz) returns void
language plpgsql volatile as $$
begin
  if p_id is not null then
    update ${s}.node
    set blob = p_blob, size = p_size, content_type = p_type, metadata = p_metadata,
        modified_at = greatest(modified_at, p_now)
    where id = p_id;
  else
    insert into ${s}.node (parent, name, directory, size, blob, content_type, metadata, created_at, modified_at)
    values (${s}.parents_v1(p_names, p_now), p_names[cardinality(p_names)], false, p_size, p_blob, p_type, p_metadata, p_now, p_now);
  end if;
end $$;

create function ${s}.write_v1(
  p_apply boolean, p_staged uuid, p_names text[], p_mode text, p_match text, p_size bigint, p_type text,
  p_metadata jsonb, p_now timestamptz, p_grace interval) returns text
language plpgsql volatile as $$
declare
  v_old record;
  v_result jsonb;
begin
  if p_apply then
    perform ${s}.lock_tree_v1(false);
    perform ${s}.lock_path_v1(p_names, true);
  end if;
  v_old := ${s}.target_v1(p_names, p_mode, p_match);
  if not p_apply then return json_build_object('before', v_old.o_blob); end if;
  perform ${s}.publish_v1(p_staged);
  perform ${s}.land_v1(v_old.o_id, p_names, p_staged, p_size, p_type, p_metadata, p_now);
  perform ${s}.retire_v1(array[v_old.o_blob], p_grace);
  v_result := jsonb_build_object('etag', p_staged, 'size', p_size, 'replaced', v_old.o_size);
  insert into ${s}.effect (staged, operation, files, bytes, result)
  values (p_staged, 'write', (v_old.o_id is null)::int, p_size - coalesce(v_old.o_size, 0), v_result);
  return v_result;
end $$;

create function ${s}.mkdir_v1(p_apply boolean, p_staged uuid, p_names text[], p_now timestamptz) returns text
language plpgsql volatile as $$
declare
  v_above record;
begin
  if p_apply then
    perform ${s}.lock_tree_v1(false);
    perform ${s}.lock_path_v1(p_names, true);
  end if;
  v_above := ${s}.find_v1(p_names[:cardinality(p_names) - 1]);
  if v_above.o_id is null and not v_above.o_below then
    raise exception using errcode = 'BHNFD', message = 'no parent';
  end if;
  perform ${s}.target_v1(p_names, 'create', null);
  if not p_apply then return '{}'; end if;
  insert into ${s}.node (parent, name, directory, created_at, modified_at)
  values (v_above.o_id, p_names[cardinality(p_names)], true, p_now, p_now);
  insert into ${s}.effect (staged, operation) values (p_staged, 'mkdir');
  return '{}';
end $$;

create function ${s}.remove_v1(
  p_apply boolean, p_staged uuid, p_names text[], p_recursive boolean, p_match text, p_grace interval, p_bound integer)
returns text
language plpgsql volatile as $$
declare
  v_found record := ${s}.find_v1(p_names);
  v_exclusive boolean := coalesce(v_found.o_directory, false);
  v_node ${s}.node;
  v_gone record;
  v_blobs uuid[];
  v_result jsonb;
begin
  if p_apply then
    perform ${s}.lock_tree_v1(v_exclusive);
    perform ${s}.lock_path_v1(p_names, true);
    v_found := ${s}.find_v1(p_names);
  end if;
  if v_found.o_id is null then raise exception using errcode = 'BHNFD', message = 'missing'; end if;
  select * into v_node from ${s}.node where id = v_found.o_id;
  -- It became another thing before the lock was there.
  if v_node.directory and not v_exclusive then raise exception using errcode = '40001', message = 'lock'; end if;
  if p_match is not null and v_node.blob::text is distinct from p_match then
    raise exception using errcode = 'BHPRE', message = 'changed', detail = coalesce(v_node.blob::text, '');
  end if;
  if v_node.directory and not p_recursive and exists (select from ${s}.node where parent = v_node.id) then
    raise exception using errcode = 'BHNEM', message = 'not empty';
  end if;
  v_gone := ${s}.weigh_v1(v_node.id, p_bound);
  if not p_apply then return json_build_object('before', v_node.blob); end if;
  with recursive tree as (
    select v_node.id as id
    union all
    select c.id from tree t join ${s}.node c on c.parent = t.id
  ), gone as (
    delete from ${s}.node n using tree t where n.id = t.id and n.id <> 0 returning n.blob
  )
  select array_agg(blob) filter (where blob is not null) into v_blobs from gone;
  perform ${s}.retire_v1(v_blobs, p_grace);
  v_result := jsonb_build_object('files', v_gone.o_files, 'bytes', v_gone.o_bytes);
  insert into ${s}.effect (staged, operation, files, bytes, result)
  values (p_staged, 'remove', -v_gone.o_files, -v_gone.o_bytes, v_result);
  return v_result;
end $$;
`;
