/**
 * Makes what keeps an effect within what was granted for it: what a change adds is asked for before its transaction, and
 * between the two somebody else may have changed what it replaces. `s` is the quoted schema.
 */
export const grantFunctions = (s: string): string => `
-- True. Until the transaction ends no effect adds more than so many bytes and files; null for no bound.
create function ${s}.grant_v1(p_bytes bigint, p_files bigint) returns boolean
language plpgsql volatile as $$
begin
  perform set_config('bulkhead.granted', coalesce(p_bytes || '/' || p_files, ''), true);
  return true;
end $$;

create function ${s}.granted_v1() returns trigger
language plpgsql volatile as $$
declare
  v_granted text := current_setting('bulkhead.granted', true);
begin
  if v_granted <> '' and (new.bytes > split_part(v_granted, '/', 1)::bigint or new.files > split_part(v_granted, '/', 2)::bigint) then
    raise exception using errcode = 'BHGRW', message = 'more than granted';
  end if;
  return new;
end $$;
create trigger effect_granted before insert on ${s}.effect for each row execute function ${s}.granted_v1();

-- Judges a write as write_v1 does, and says what it would add.
create function ${s}.judge_write_v2(p_names text[], p_mode text, p_match text, p_size bigint) returns text
language plpgsql volatile as $$
declare
  v_old record := ${s}.target_v1(p_names, p_mode, p_match);
begin
  return json_build_object('before', v_old.o_blob, 'bytes', p_size - coalesce(v_old.o_size, 0),
    'files', (v_old.o_id is null)::int);
end $$;

-- Judges a copy or move as transfer_v1 does, and says what it would add.
create function ${s}.judge_transfer_v2(
  p_move boolean, p_from text[], p_to text[], p_inside boolean, p_mode text, p_match text, p_source_match text,
  p_now timestamptz, p_grace interval, p_bound integer) returns text
language plpgsql volatile as $$
declare
  v_judged jsonb := ${s}.transfer_v1(
    false, null, p_move, p_from, p_to, p_inside, p_mode, p_match, p_source_match, p_now, p_grace, p_bound)::jsonb;
  v_from record := ${s}.find_v1(p_from);
  v_to record := ${s}.find_v1(p_to);
  v_bytes bigint := 0;
  v_files bigint := 0;
begin
  if not p_move then
    select w.o_bytes, w.o_files into v_bytes, v_files from ${s}.weigh_v1(v_from.o_id, p_bound) w;
    if v_to.o_id is not null then
      select v_bytes - n.size, v_files - 1 into v_bytes, v_files from ${s}.node n where n.id = v_to.o_id;
    end if;
  end if;
  return v_judged || jsonb_build_object('bytes', v_bytes, 'files', v_files);
end $$;
`;
