/** A tuple of one row is a tuple of another, whatever their ends and shares. */
const same = (a: string, b: string): string =>
  ["tenant", "object_type", "object", "subject_tenant", "subject_type", "subject_id"]
    .concat("subject_relation", "role", "below_only")
    .map((column) => `${a}.${column} = ${b}.${column}`)
    .join(" and ");

/** What makes, ends and tells relations of the built-in model, as bulkhead_system, within a change. */
export const relationFunctions: string = String.raw`
create function bulkhead.tuple_json_v1(r bulkhead.relation) returns jsonb language sql stable as $$
  select jsonb_strip_nulls(jsonb_build_object(
    'subject', jsonb_build_object('tenant', r.subject_tenant, 'type', r.subject_type, 'id', r.subject_id,
      'relation', nullif(r.subject_relation, '')),
    'relation', r.role,
    'object', jsonb_build_object('tenant', r.tenant, 'type', r.object_type,
      case r.object_type when 'file' then 'path' else 'id' end, nullif(r.object, '')),
    'expiresAt', bulkhead.ms(r.expires_at), 'belowOnly', nullif(r.below_only, false)))
$$;

create function bulkhead.relation_json_v1(r bulkhead.relation) returns jsonb language sql stable as $$
  select bulkhead.tuple_json_v1(r) || jsonb_strip_nulls(jsonb_build_object('id', r.id,
    'createdAt', bulkhead.ms(r.created_at), 'createdBy', r.created_by, 'share', r.share))
$$;

create function bulkhead.tuple_rows_v1(p_tuples jsonb) returns setof bulkhead.relation language sql stable as $$
  select null::uuid, (t.value->'object'->>'tenant')::uuid, t.value->'object'->>'type',
    coalesce(t.value->'object'->>'path', t.value->'object'->>'id', ''), (t.value->'subject'->>'tenant')::uuid,
    t.value->'subject'->>'type', t.value->'subject'->>'id', coalesce(t.value->'subject'->>'relation', ''),
    t.value->>'relation', coalesce((t.value->>'belowOnly')::boolean, false),
    to_timestamp((t.value->>'expiresAt')::double precision / 1000), null::uuid, null::timestamptz, null::text
  from jsonb_array_elements(p_tuples) t
$$;

-- True if something was taken from a tenant of the settlement since its revision was read, so that what was decided on
-- it may not hold. The caller holds the fences of those tenants, which what takes away needs.
create function bulkhead.taken_since_v1(p_settlement jsonb) returns boolean language sql stable as $$
  select exists (select 1 from jsonb_array_elements(p_settlement->'revisions') s where not exists (
    select 1 from bulkhead.revision r where r.tenant = bulkhead.uid_of(s.value->>'tenant')
      and r.epoch::text = s.value->>'epoch' and r.taken <= (s.value->>'n')::bigint))
$$;

-- What is wrong with the object of a grant, or null: 'missing', or 'moved' where only the storage could tell and the
-- tenant's revision is not the one it was asked under. The caller has bumped that revision by one.
create function bulkhead.relation_object_v1(p_settlement jsonb, p_tenant uuid, p_mount text, p_names text[]) returns text
language plpgsql stable as $$
declare
  v_tree uuid;
begin
  select t.id into v_tree from bulkhead.tree t where t.mount = p_mount and t.tenant = p_tenant;
  if found then
    return case when (bulkhead.tree_find_v1(v_tree, p_names)).state in ('missing', 'below-file') then 'missing' end;
  end if;
  return case when not exists (
    select 1 from jsonb_array_elements(p_settlement->'revisions') s join bulkhead.revision r on r.tenant = p_tenant
      where bulkhead.uid_of(s.value->>'tenant') = p_tenant and r.epoch::text = s.value->>'epoch'
        and r.n = (s.value->>'n')::bigint + 1) then 'moved' end;
end $$;

-- What of a grant's parties is not there, or null: 'tenant', 'group' or 'subject'. Unknown subjects of the object's own
-- tenant become known.
create function bulkhead.relation_parties_v1(p_tuples jsonb) returns text language plpgsql as $$
begin
  if exists (select 1 from (select t.tenant as uid from bulkhead.tuple_rows_v1(p_tuples) t
        union select t.subject_tenant from bulkhead.tuple_rows_v1(p_tuples) t) u
      where not exists (select 1 from bulkhead.tenant x where x.uid = u.uid and x.status not in ('deleting', 'deleted')))
  then return 'tenant'; end if;
  if exists (select 1 from (
        select t.tenant, t.object as id from bulkhead.tuple_rows_v1(p_tuples) t where t.object_type = 'group'
        union select t.subject_tenant, t.subject_id from bulkhead.tuple_rows_v1(p_tuples) t where t.subject_type = 'group') g
      where not exists (select 1 from bulkhead.subject s
        where s.tenant = g.tenant and s.type = 'group' and s.id = g.id and s.status = 'active'))
  then return 'group'; end if;
  insert into bulkhead.subject (tenant, type, id)
    select distinct t.subject_tenant, t.subject_type, t.subject_id from bulkhead.tuple_rows_v1(p_tuples) t
      where t.subject_type in ('user', 'agent', 'service') and t.subject_id <> '*' and t.subject_tenant = t.tenant
    on conflict do nothing;
  if exists (select 1 from bulkhead.tuple_rows_v1(p_tuples) t
      where t.subject_type in ('user', 'agent', 'service') and t.subject_id <> '*' and not exists (
        select 1 from bulkhead.subject s where s.tenant = t.subject_tenant and s.type = t.subject_type
          and s.id = t.subject_id and s.status <> 'removing'))
  then return 'subject'; end if;
  return null;
end $$;

-- Adds relations or renews them: what they are then, what those were whose end became another, and which were so before.
create function bulkhead.relations_add_v1(p_tuples jsonb, p_share uuid, p_by text) returns jsonb language plpgsql as $$
declare
  v_before jsonb;
  v_kept jsonb;
  v_after jsonb;
begin
  select coalesce(jsonb_agg(bulkhead.tuple_json_v1(r)) filter (where r.expires_at is distinct from t.expires_at), '[]'),
      coalesce(jsonb_agg(r.id) filter (where r.expires_at is not distinct from t.expires_at), '[]')
    into v_before, v_kept from bulkhead.tuple_rows_v1(p_tuples) t join bulkhead.relation r on ${same("t", "r")}
    where r.share is not distinct from p_share;
  with added as (
    insert into bulkhead.relation (tenant, object_type, object, subject_tenant, subject_type, subject_id,
        subject_relation, role, below_only, expires_at, share, created_by)
      select t.tenant, t.object_type, t.object, t.subject_tenant, t.subject_type, t.subject_id, t.subject_relation,
        t.role, t.below_only, t.expires_at, p_share, p_by from bulkhead.tuple_rows_v1(p_tuples) t
    on conflict on constraint relation_tuple do update set expires_at = excluded.expires_at
    returning *
  )
  select jsonb_agg(bulkhead.relation_json_v1(row(a.*)::bulkhead.relation)) into v_after from added a;
  return jsonb_build_object('before', v_before, 'kept', v_kept, 'after', v_after);
end $$;

-- Takes relations away, and ends the shares that made them.
create function bulkhead.relations_drop_v1(p_tenant uuid, p_ids uuid[]) returns jsonb language plpgsql as $$
declare
  v_gone jsonb;
begin
  with gone as (
    delete from bulkhead.relation r where r.id = any (p_ids) and (p_tenant is null or r.tenant = p_tenant) returning r.*
  )
  select coalesce(jsonb_agg(bulkhead.relation_json_v1(row(g.*)::bulkhead.relation) order by g.id), '[]')
    into v_gone from gone g;
  update bulkhead.share s set revoked_at = bulkhead.now(), relation = null where s.revoked_at is null
    and s.id in (select (g.value->>'share')::uuid from jsonb_array_elements(v_gone) g);
  return v_gone;
end $$;

-- The relations of these values that no share made.
create function bulkhead.relations_named_v1(p_tuples jsonb) returns uuid[] language sql stable as $$
  select coalesce(array_agg(r.id), '{}')
    from bulkhead.tuple_rows_v1(p_tuples) t join bulkhead.relation r on ${same("t", "r")} where r.share is null
$$;

-- What changed in a tenant's relations since a revision, in one snapshot; null if the changelog no longer tells, or if
-- it is more than what a fresh look costs.
create function bulkhead.relations_since_v1(p_tenant uuid, p_epoch text, p_n bigint, p_most bigint) returns jsonb
language plpgsql stable as $$
declare
  v_now bulkhead.revision;
  v_count bigint;
  v_changes jsonb;
begin
  select r.* into v_now from bulkhead.revision r where r.tenant = p_tenant;
  if not found or v_now.epoch::text <> p_epoch or p_n > v_now.n or v_now.n - p_n > p_most then return null; end if;
  select count(*), jsonb_agg(c.payload->'changes' order by c.n) filter (where c.payload ? 'changes')
    into v_count, v_changes from bulkhead.changelog c
    where c.tenant = p_tenant and c.n > p_n and c.n <= v_now.n;
  if v_count <> v_now.n - p_n then return null; end if;
  return jsonb_build_object('epoch', v_now.epoch, 'n', v_now.n, 'changes', coalesce(v_changes, '[]'));
end $$;

-- True if a cycle of memberships lies in one of these groups: whether somebody is not in it is not decided then.
create function bulkhead.relations_cycle_v1(p_tenant uuid, p_groups text[], p_at timestamptz) returns boolean
language sql stable as $$
  with recursive inside (id) as (
    select g.id collate "C" from unnest(p_groups) g (id)
    union
    select r.subject_id from inside i join bulkhead.relation r on r.object = i.id
      where r.tenant = p_tenant and r.object_type = 'group' and r.subject_type = 'group'
        and (r.expires_at is null or r.expires_at > p_at)
  ), led (top, id) as (
    select r.object, r.subject_id from inside i join bulkhead.relation r on r.object = i.id
      where r.tenant = p_tenant and r.object_type = 'group' and r.subject_type = 'group'
        and (r.expires_at is null or r.expires_at > p_at)
    union
    select l.top, r.subject_id from led l join bulkhead.relation r on r.object = l.id
      where r.tenant = p_tenant and r.object_type = 'group' and r.subject_type = 'group'
        and (r.expires_at is null or r.expires_at > p_at)
  )
  select exists (select 1 from led l where l.top = l.id)
$$;

-- The built-in model as one statement: the oracle of the walk in memory, and what answers for a tenant too large for it.
-- p_paths is the path with all above it, itself last.
create function bulkhead.relations_check_v1(p_tenant uuid, p_paths text[], p_subject_tenant uuid, p_type text, p_id text,
  p_relation text) returns jsonb language sql stable as $$
  with recursive clock as (select bulkhead.now() as at),
  -- The subject, and every group that it is in, through however many others.
  groups (type, id, relation) as (
    select p_type collate "C", p_id collate "C", p_relation collate "C"
    union
    select 'group', r.object, 'member' from groups g join bulkhead.relation r
      on r.subject_tenant = p_subject_tenant and r.subject_type = g.type and r.subject_id = g.id
        and r.subject_relation = g.relation
      where r.tenant = p_subject_tenant and r.object_type = 'group'
        and (r.expires_at is null or r.expires_at > (select c.at from clock c))
  ),
  admin as (
    select exists (select 1 from groups g join bulkhead.relation r
      on r.subject_tenant = p_subject_tenant and r.subject_type = g.type and r.subject_id = g.id
        and r.subject_relation = g.relation
      where r.tenant = p_subject_tenant and r.object_type = 'tenant' and r.role = 'admin'
        and (r.expires_at is null or r.expires_at > (select c.at from clock c)))
      or (p_type = 'tenant' and p_relation = 'admin') as holds
  ),
  -- Every subject of a tenant is a member of it, and stands for itself and for everybody of its type.
  closure (type, id, relation) as (
    select g.type, g.id, g.relation from groups g
    union select 'tenant', p_subject_tenant::text, 'member'
    union select 'tenant', p_subject_tenant::text, 'admin' from admin a where a.holds
    union select p_type, '*', '' where p_type in ('user', 'agent')
  ),
  roles as (
    select coalesce(bool_or(r.role = 'blocked'), false) as blocked,
        coalesce(bool_or(r.role in ('owner', 'editor', 'viewer')), false) as reads,
        coalesce(bool_or(r.role in ('owner', 'editor')), false) as writes,
        coalesce(bool_or(r.role = 'owner'), false) as shares
      from closure c join bulkhead.relation r on r.subject_tenant = p_subject_tenant and r.subject_type = c.type
        and r.subject_id = c.id and r.subject_relation = c.relation
      where r.tenant = p_tenant and r.object_type = 'file' and r.object = any (p_paths)
        and (not r.below_only or r.object <> p_paths[cardinality(p_paths)])
        and (r.expires_at is null or r.expires_at > (select c.at from clock c))
  ),
  -- A block that names a group with a cycle in it is one for everybody.
  doubt as (
    select bulkhead.relations_cycle_v1(p_tenant, array_agg(distinct r.subject_id), (select c.at from clock c)) as holds
      from bulkhead.relation r where r.tenant = p_tenant and r.object_type = 'file' and r.object = any (p_paths)
        and r.role = 'blocked' and r.subject_type = 'group'
        and (not r.below_only or r.object <> p_paths[cardinality(p_paths)])
        and (r.expires_at is null or r.expires_at > (select c.at from clock c))
  ),
  -- What crosses tenants dies with either's suspension.
  serves as (
    select p_tenant = p_subject_tenant or 2 = (select count(*) from bulkhead.tenant t
      where t.uid in (p_tenant, p_subject_tenant) and t.status in ('active', 'trial')) as both
  )
  select jsonb_build_object(
    'read', s.both and ((r.reads and not r.blocked and not d.holds) or (a.holds and p_tenant = p_subject_tenant)),
    'write', s.both and ((r.writes and not r.blocked and not d.holds) or (a.holds and p_tenant = p_subject_tenant)),
    'share', s.both and ((r.shares and not r.blocked and not d.holds) or (a.holds and p_tenant = p_subject_tenant)))
    from roles r, admin a, serves s, doubt d
$$;

-- Forgets what the changelog need not tell any more.
create function bulkhead.changelog_purge_v1() returns void language plpgsql as $$
begin
  delete from bulkhead.changelog c where c.at < bulkhead.now() - interval '7 days';
end $$;
`;
