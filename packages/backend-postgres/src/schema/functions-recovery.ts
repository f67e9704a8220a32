/** Makes the functions that say afterwards what happened. `s` is the quoted schema. */
export const recoveryFunctions = (s: string): string => `
-- The result of an effect, or null: then it did not happen and never will. A transaction that is about to insert the
-- row is waited for; one that comes later breaks on the row made here.
create function ${s}.verdict_v1(p_staged uuid) returns text
language plpgsql volatile as $$
begin
  insert into ${s}.effect (staged, undone) values (p_staged, true) on conflict on constraint effect_once do nothing;
  return (select e.result from ${s}.effect e where e.staged = p_staged and not e.undone);
end $$;

create function ${s}.effects_v1(p_limit integer) returns text
language sql stable as $$
  select coalesce(json_agg(json_build_object(
    'staged', e.staged, 'operation', e.operation, 'files', e.files, 'bytes', e.bytes, 'etag', e.result ->> 'etag')
    order by e.at), '[]')
  from (select * from ${s}.effect where not undone order by at limit p_limit) e
$$;

create function ${s}.settled_v1(p_staged uuid[]) returns void
language plpgsql volatile as $$
begin
  perform ${s}.loosely_v1();
  delete from ${s}.effect where staged = any (p_staged) and not undone;
end $$;

create function ${s}.forget_v1(p_age interval) returns void
language plpgsql volatile as $$
begin
  perform ${s}.loosely_v1();
  delete from ${s}.effect where at < clock_timestamp() - p_age;
end $$;
`;
