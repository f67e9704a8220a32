/** Grants follow what they are on: a rename moves them, a removal takes them away, in the transaction that does it. */
export const followFunctions: string = String.raw`
-- The relations lock of a tenant, after the fences: a grant takes it whole, what relocates objects shares it, so that
-- no grant is made on what is just going.
create function bulkhead.relations_hold_v1(p_tenant uuid, p_whole boolean) returns void language plpgsql as $$
begin
  if p_whole then perform pg_advisory_xact_lock(hashtextextended(p_tenant::text, 20265));
  else perform pg_advisory_xact_lock_shared(hashtextextended(p_tenant::text, 20265)); end if;
end $$;

create function bulkhead.bump_v2(p_uid uuid, p_takes boolean) returns jsonb language plpgsql as $$
declare
  v bulkhead.revision;
begin
  update bulkhead.revision r set n = r.n + 1, taken = case when p_takes then r.n + 1 else r.taken end
    where r.tenant = p_uid returning r.* into v;
  if not found then raise exception 'no such tenant' using errcode = 'BH404'; end if;
  return jsonb_build_object('epoch', v.epoch, 'n', v.n);
end $$;

-- True if a relation or a live share lies at or below one of two paths.
create function bulkhead.relations_touched_v1(p_tenant uuid, p_from text, p_to text) returns boolean
language plpgsql security definer set search_path = pg_catalog as $$
declare
  v_path text;
begin
  foreach v_path in array array[p_from, p_to] loop
    continue when v_path is null;
    if exists (select 1 from bulkhead.relation r where r.tenant = p_tenant and r.object_type = 'file'
        and r.object = v_path)
      or exists (select 1 from bulkhead.relation r where r.tenant = p_tenant and r.object_type = 'file'
        and r.object >= v_path || '/' and r.object < v_path || '0')
      or exists (select 1 from bulkhead.share s where s.tenant = p_tenant and s.revoked_at is null and s.path = v_path)
      or exists (select 1 from bulkhead.share s where s.tenant = p_tenant and s.revoked_at is null
        and s.path >= v_path || '/' and s.path < v_path || '0')
    then return true; end if;
  end loop;
  return false;
end $$;

-- Moves what is granted and shared at and below a path, or takes it away where p_to is null; what was granted at the
-- target goes first. Bumps and logs in every tenant concerned, in order of uid. The caller holds the tenant's fence
-- exclusively and the relations lock, and no revision row of its own. Answers how many relations it touched.
create function bulkhead.relations_follow_v1(p_tenant uuid, p_from text, p_to text) returns bigint
language plpgsql security definer set search_path = pg_catalog as $$
declare
  v_uid uuid;
  v_tenants uuid[];
  v_ns bigint[] := '{}';
  v_now timestamptz;
  v_count bigint := 0;
  v_rows bigint;
  v_gone text;
  v_deeper integer := (length(p_to) - length(replace(p_to, '/', ''))) - (length(p_from) - length(replace(p_from, '/', '')));
  v_changes jsonb := '[]';
begin
  if not bulkhead.relations_touched_v1(p_tenant, p_from, p_to) then return 0; end if;
  select array_agg(distinct u.uid order by u.uid) into v_tenants from (
    select p_tenant as uid
    union select r.subject_tenant from bulkhead.relation r, unnest(array[p_from, p_to]) p (path)
      where r.tenant = p_tenant and r.object_type = 'file' and r.tenant <> r.subject_tenant
        and (r.object = p.path or (r.object >= p.path || '/' and r.object < p.path || '0'))
    union select s.subject_tenant from bulkhead.share s, unnest(array[p_from, p_to]) p (path)
      where s.tenant = p_tenant and s.revoked_at is null and s.subject_tenant is not null
        and (s.path = p.path or (s.path >= p.path || '/' and s.path < p.path || '0'))) u;
  foreach v_uid in array v_tenants loop
    v_ns := v_ns || (bulkhead.bump_v2(v_uid, true)->>'n')::bigint;
  end loop;
  v_now := bulkhead.now();

  v_gone := coalesce(p_to, p_from);
  delete from bulkhead.relation r where r.tenant = p_tenant and r.object_type = 'file'
    and (r.object = v_gone or (r.object >= v_gone || '/' and r.object < v_gone || '0'));
  get diagnostics v_count = row_count;
  update bulkhead.share s set revoked_at = v_now, relation = null where s.tenant = p_tenant and s.revoked_at is null
    and (s.path = v_gone or (s.path >= v_gone || '/' and s.path < v_gone || '0'));
  if v_count > 0 or p_to is null then
    v_changes := v_changes || jsonb_build_object('kind', 'purge', 'path', v_gone);
  end if;
  if p_to is not null then
    -- What would lie at a path that is none cannot be reached any more.
    if octet_length(p_to) > octet_length(p_from) or v_deeper > 0 then
      delete from bulkhead.relation r where r.tenant = p_tenant and r.object_type = 'file'
        and r.object >= p_from || '/' and r.object < p_from || '0'
        and (octet_length(r.object) + octet_length(p_to) - octet_length(p_from) > 1024
          or length(r.object) - length(replace(r.object, '/', '')) + v_deeper > 64);
      update bulkhead.share s set revoked_at = v_now, relation = null where s.tenant = p_tenant and s.revoked_at is null
        and s.path >= p_from || '/' and s.path < p_from || '0'
        and (octet_length(s.path) + octet_length(p_to) - octet_length(p_from) > 1024
          or length(s.path) - length(replace(s.path, '/', '')) + v_deeper > 64);
    end if;
    update bulkhead.relation r set object = p_to || substring(r.object from length(p_from) + 1)
      where r.tenant = p_tenant and r.object_type = 'file'
        and (r.object = p_from or (r.object >= p_from || '/' and r.object < p_from || '0'));
    get diagnostics v_rows = row_count;
    v_count := v_count + v_rows;
    update bulkhead.share s set path = p_to || substring(s.path from length(p_from) + 1)
      where s.tenant = p_tenant and s.revoked_at is null
        and (s.path = p_from or (s.path >= p_from || '/' and s.path < p_from || '0'));
    v_changes := v_changes || jsonb_build_object('kind', 'move', 'from', p_from, 'to', p_to);
  end if;
  insert into bulkhead.changelog (tenant, n, at, kind, payload)
    select t.uid, t.n, v_now, 'relation.follow', jsonb_build_object('changes', v_changes)
      from unnest(v_tenants, v_ns) t (uid, n);
  return v_count;
end $$;
`;
