/** What is used of limits, as `used_v1` counts it: files that are only reserved are not there yet, and mounts are counted. */
export const healthFiles: string = String.raw`
create or replace function bulkhead.tenants_health_v1() returns jsonb language sql stable as $$
  with living as materialized (
    select t.uid, coalesce(t.plan, 'none') as plan, t.status, t.limits from bulkhead.tenant t
      where t.status <> 'deleted' and t.uid <> '00000000-0000-0000-0000-000000000000'
  ), people as materialized (
    select s.tenant as uid, count(*) as n from bulkhead.subject s where s.type = 'user' and s.status <> 'removing'
      group by s.tenant
  ), used (uid, resource, n) as (
    select h.uid, r.resource, r.n from bulkhead.tenant_head h cross join lateral
      (values ('bytes', h.used), ('files', h.files - h.reserved_files), ('versionBytes', h.version_bytes)) r (resource, n)
    union all select p.uid, 'users', p.n from people p
    union all select k.tenant, 'keys', count(*) from bulkhead.key k where k.tenant is not null and k.revoked_at is null
      and (k.expires_at is null or k.expires_at > bulkhead.now()) group by k.tenant
    union all select s.tenant, 'shares', count(*) from bulkhead.share s where s.revoked_at is null
      and (s.expires_at is null or s.expires_at > bulkhead.now()) and (s.max_uses is null or s.uses < s.max_uses)
      group by s.tenant
    union all select m.tenant, 'mounts', count(*) from bulkhead.mount m where m.tenant is not null
      and not m.storage ? 'made' group by m.tenant
    union all select c.tenant, c.resource, c.used from bulkhead.counter c
  )
  select jsonb_build_object(
    'totalTenants', (select count(*) from living l),
    'byPlan', coalesce((select jsonb_object_agg(g.plan, g.n) from (select l.plan, count(*) as n from living l group by l.plan) g), '{}'),
    'byStatus', coalesce((select jsonb_object_agg(g.status, g.n) from (select l.status, count(*) as n from living l group by l.status) g), '{}'),
    'totalUsers', (select coalesce(sum(p.n), 0) from people p join living l on l.uid = p.uid),
    'totalBytes', (select coalesce(sum(h.used), 0) from bulkhead.tenant_head h join living l on l.uid = h.uid),
    'above80', (select count(distinct l.uid) from living l join used u on u.uid = l.uid
      where u.n * 5 > (l.limits->>u.resource)::numeric * 4))
$$;
`;
