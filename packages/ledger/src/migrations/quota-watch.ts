/** What is looked at behind the requests: limits that are nearly used up, and versions that are too many. */
export const quotaWatch: string = String.raw`
-- Resources of which more than 80 % is used, and those above their soft limit, as 'resource:soft'.
create function bulkhead.quota_above_v1(p_tenant uuid) returns text[] language plpgsql stable as $$
declare
  v jsonb := bulkhead.quota_v1(p_tenant);
begin
  return array(
    select l.key from jsonb_each_text(v->'included') l
      where l.value is not null and (v->'used'->>l.key)::numeric * 100 > l.value::numeric * 80
    union all
    select s.key || ':soft' from jsonb_each_text(v->'soft') s where (v->'used'->>s.key)::numeric > s.value::numeric
    order by 1);
end $$;

-- Looks at tenants with limits in which something happened since the last look, and writes an event for each resource
-- that has come above: once, until it was below again. One look at a time. Answers how many events.
create function bulkhead.quota_watch_v1(p_limit integer) returns bigint language plpgsql as $$
declare
  v record;
  v_above text[];
  v_name text;
  v_quota jsonb;
  v_seq bigint;
  v_told bigint := 0;
begin
  if not pg_try_advisory_xact_lock(20265, 2) then return 0; end if;
  for v in
    select t.uid, h.seq, h.audit_seq, r.n, coalesce(w.above, '{}') as above
      from bulkhead.tenant t join bulkhead.tenant_head h on h.uid = t.uid join bulkhead.revision r on r.tenant = t.uid
        left join bulkhead.quota_watch w on w.tenant = t.uid
      where t.status not in ('deleting', 'deleted') and (t.limits <> '{}' or t.soft_limits <> '{}' or t.plan is not null)
        and (w.tenant is null or (w.seq, w.audit_seq, w.n) <> (h.seq, h.audit_seq, r.n))
      order by t.uid limit p_limit
  loop
    v_above := bulkhead.quota_above_v1(v.uid);
    v_seq := v.seq;
    if not v_above <@ v.above then
      v_quota := bulkhead.quota_v1(v.uid);
      foreach v_name in array v_above loop
        continue when v_name = any (v.above);
        update bulkhead.tenant_head h set seq = h.seq + 1 where h.uid = v.uid returning h.seq into v_seq;
        insert into bulkhead.outbox (tenant, seq, kind, payload, created_at) values (v.uid, v_seq, 'quota.warning',
          jsonb_build_object('resource', split_part(v_name, ':', 1), 'soft', v_name like '%:soft',
            'used', v_quota->'used'->split_part(v_name, ':', 1),
            'limit', case when v_name like '%:soft' then v_quota->'soft'->split_part(v_name, ':', 1)
              else v_quota->'included'->v_name end), bulkhead.now());
        v_told := v_told + 1;
      end loop;
    end if;
    insert into bulkhead.quota_watch (tenant, seq, audit_seq, n, above) values (v.uid, v_seq, v.audit_seq, v.n, v_above)
      on conflict (tenant) do update set seq = excluded.seq, audit_seq = excluded.audit_seq, n = excluded.n,
        above = excluded.above;
  end loop;
  return v_told;
end $$;

-- Drops versions that are nobody's content any more, oldest first: older than the tenant keeps them, too many of one file,
-- or over its limit of version bytes, which is as large as that of live ones unless it has one of its own. One batch,
-- chosen before anybody is kept waiting: what is past stays past. Answers how many went.
create or replace function bulkhead.versions_prune_v1(p_tenant uuid, p_tree uuid, p_age_ms double precision, p_most integer,
  p_limit integer) returns bigint language plpgsql as $$
declare
  v_head bulkhead.tenant_head;
  v_tenant bulkhead.tenant;
  v_over bigint;
  v_age interval := p_age_ms * interval '1 millisecond';
  v_nodes uuid[];
  v_ns bigint[];
  v_count bigint;
  v_bytes bigint;
begin
  select t.* into v_tenant from bulkhead.tenant t where t.uid = p_tenant;
  select h.* into v_head from bulkhead.tenant_head h where h.uid = p_tenant;
  if not found then raise exception 'no such tenant' using errcode = 'BH404'; end if;
  v_over := v_head.version_bytes - floor((case when v_tenant.limits ? 'versionBytes' then v_tenant.limits->>'versionBytes'
    else v_tenant.limits->>'bytes' end)::numeric);
  if jsonb_typeof(v_tenant.settings->'dataRetentionDays') = 'number' then
    v_age := (v_tenant.settings->>'dataRetentionDays')::double precision * interval '1 day';
  end if;
  with past as (
    select v.node, v.n, v.kind, v.size, v.at, row_number() over (partition by v.node order by v.n desc) as place,
        sum(v.size) over (order by v.n, v.node) - v.size as before
      from bulkhead.node_version v where v.tree = p_tree and not exists (
        select 1 from bulkhead.node n where n.tree = p_tree and n.id = v.node and n.version = v.n)
  ), chosen as (
    select p.node, p.n from past p
      where p.at <= bulkhead.now() - v_age or p.place > p_most or (p.size > 0 and p.before < v_over)
      order by p.n, p.node limit p_limit
  ) select array_agg(c.node), array_agg(c.n) into v_nodes, v_ns from chosen c;
  if v_nodes is null then return 0; end if;
  v_head := bulkhead.tree_head_v1(p_tenant);
  with gone as (
    delete from bulkhead.node_version v using unnest(v_nodes, v_ns) c (node, n)
      where v.tree = p_tree and v.node = c.node and v.n = c.n returning v.size, v.blob
  ), freed as (
    update bulkhead.blob b set refs = b.refs - f.less
      from (select g.blob, count(*) as less from gone g where g.blob is not null group by g.blob) f where b.id = f.blob
  )
  select count(*), coalesce(sum(g.size), 0) into v_count, v_bytes from gone g;
  update bulkhead.tenant_head h set version_bytes = h.version_bytes - v_bytes where h.uid = p_tenant;
  return v_count;
end $$;

-- Trees of tenants that keep more version bytes than they may, those with the most first.
create function bulkhead.versions_over_v1(p_limit integer) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('tenant', o.uid, 'tree', o.tree)), '[]') from (
    select t.uid, tr.id as tree from bulkhead.tenant t join bulkhead.tenant_head h on h.uid = t.uid
        join bulkhead.tree tr on tr.tenant = t.uid
      where t.limits <> '{}' and t.status <> 'deleted' and h.version_bytes > floor((case when t.limits ? 'versionBytes'
        then t.limits->>'versionBytes' else t.limits->>'bytes' end)::numeric)
      order by h.version_bytes desc, tr.id limit p_limit) o
$$;

revoke execute on all functions in schema bulkhead from public;
grant execute on all functions in schema bulkhead to bulkhead_system;
`;
