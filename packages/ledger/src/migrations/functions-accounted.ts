/** Charging of plain storage: rows of `accounted` and the tenant's counters change together, or not at all. */
export const accountedFunctions: string = String.raw`
-- Where what lies below a path begins and ends, both exclusive; below the root lies everything.
create function bulkhead.below_v1(p_path text, out low text, out high text) language sql immutable parallel safe as $$
  select case when p_path = '' then '' else p_path || '/' end,
    case when p_path = '' then chr(1114111) else p_path || '0' end
$$;

-- Charges a tenant; the last lock of its transaction.
create function bulkhead.charge_v1(p_tenant uuid, p_bytes bigint, p_files bigint) returns void language plpgsql as $$
begin
  if p_bytes <> 0 or p_files <> 0 then
    update bulkhead.tenant_head h set used = h.used + p_bytes, files = h.files + p_files where h.uid = p_tenant;
  end if;
end $$;

-- Takes away what is charged at a path and below it, and answers how much that was.
create function bulkhead.accounted_clear_v1(p_mount text, p_path text, out bytes bigint, out files bigint)
language plpgsql as $$
declare
  b record := bulkhead.below_v1(p_path);
begin
  with gone as (
    delete from bulkhead.accounted a where a.mount = p_mount and a.path = p_path returning a.size
  ), lower as (
    delete from bulkhead.accounted a where a.mount = p_mount and a.path > b.low and a.path < b.high returning a.size
  ) select coalesce(sum(x.size), 0), count(*) into bytes, files
    from (select g.size from gone g union all select l.size from lower l) x;
end $$;

-- How much is charged at a path and below it.
create function bulkhead.accounted_weigh_v1(p_mount text, p_path text, out bytes bigint, out files bigint)
language plpgsql stable as $$
declare
  b record := bulkhead.below_v1(p_path);
begin
  select coalesce(sum(x.size), 0), count(*) into bytes, files from (
    select a.size from bulkhead.accounted a where a.mount = p_mount and a.path = p_path
    union all select a.size from bulkhead.accounted a where a.mount = p_mount and a.path > b.low and a.path < b.high) x;
end $$;

-- Makes the rows what one fact says, and answers by how much that changes the charge.
create function bulkhead.accounted_fact_v1(p_tenant uuid, p_mount text, p_fact jsonb, out bytes bigint, out files bigint)
language plpgsql as $$
declare
  v_from text := p_fact->>'from';
  v_to text := p_fact->>'path';
  b record;
begin
  case p_fact->>'is'
    when 'file' then
      select -c.bytes, -c.files into bytes, files from bulkhead.accounted_clear_v1(p_mount, v_to) c;
      insert into bulkhead.accounted (tenant, mount, path, size, etag)
        values (p_tenant, p_mount, v_to, (p_fact->>'size')::bigint, p_fact->>'etag');
      bytes := bytes + (p_fact->>'size')::bigint;
      files := files + 1;
    when 'gone' then
      select -c.bytes, -c.files into bytes, files from bulkhead.accounted_clear_v1(p_mount, v_to) c;
    when 'directory' then
      with gone as (
        delete from bulkhead.accounted a where a.mount = p_mount and a.path = v_to returning a.size
      ) select -coalesce(sum(g.size), 0), -count(*) into bytes, files from gone g;
    when 'moved' then
      select -c.bytes, -c.files into bytes, files from bulkhead.accounted_clear_v1(p_mount, v_to) c;
      b := bulkhead.below_v1(v_from);
      -- What a storage names its content by may change with the name.
      update bulkhead.accounted a set path = v_to || substr(a.path, length(v_from) + 1), etag = null
        where a.mount = p_mount and a.path = v_from;
      update bulkhead.accounted a set path = v_to || substr(a.path, length(v_from) + 1), etag = null
        where a.mount = p_mount and a.path > b.low and a.path < b.high;
    when 'copied' then
      select -c.bytes, -c.files into bytes, files from bulkhead.accounted_clear_v1(p_mount, v_to) c;
      b := bulkhead.below_v1(v_from);
      with made as (
        insert into bulkhead.accounted (tenant, mount, path, size, etag)
          select p_tenant, p_mount, v_to || substr(a.path, length(v_from) + 1), a.size, null
            from bulkhead.accounted a where a.mount = p_mount and a.path > b.low and a.path < b.high
          returning size
      ) select bytes + coalesce(sum(m.size), 0), files + count(*) into bytes, files from made m;
    when 'added' then
      bytes := (p_fact->>'bytes')::bigint;
      files := (p_fact->>'files')::bigint;
  end case;
end $$;

-- Makes the rows between two paths, both exclusive, what was found there.
create function bulkhead.accounted_set_v1(p_tenant uuid, p_mount text, p_low text, p_high text, p_paths text[],
  p_sizes bigint[], p_etags text[]) returns void language plpgsql as $$
declare
  v_bytes bigint;
  v_files bigint;
begin
  perform bulkhead.enter_v1(p_tenant);
  with found as (
    select * from unnest(p_paths, p_sizes, p_etags) as u (path, size, etag)
  ), gone as (
    delete from bulkhead.accounted a where a.mount = p_mount and a.path > p_low and a.path < p_high
      and not exists (select 1 from found f where f.path = a.path) returning a.size
  ), kept as (
    select a.size from bulkhead.accounted a join found f on f.path = a.path where a.mount = p_mount
  ), put as (
    insert into bulkhead.accounted as a (tenant, mount, path, size, etag)
      select p_tenant, p_mount, f.path, f.size, f.etag from found f
      on conflict (mount, path) do update set size = excluded.size, etag = excluded.etag
      where a.size <> excluded.size or a.etag is distinct from excluded.etag
  )
  select (select coalesce(sum(f.size), 0) from found f) - (select coalesce(sum(k.size), 0) from kept k)
      - (select coalesce(sum(g.size), 0) from gone g),
    (select count(*) from found) - (select count(*) from kept) - (select count(*) from gone)
    into v_bytes, v_files;
  perform bulkhead.charge_v1(p_tenant, v_bytes, v_files);
end $$;

-- True if that mount was counted for that tenant. What it was charged with to others is taken off them.
create function bulkhead.accounted_open_v1(p_mount text, p_tenant uuid) returns boolean language plpgsql as $$
declare
  v bulkhead.accounted_mount;
begin
  select m.* into v from bulkhead.accounted_mount m where m.mount = p_mount;
  if found and v.tenant = p_tenant then return v.counted_at is not null; end if;
  with gone as (
    delete from bulkhead.accounted a where a.mount = p_mount and a.tenant <> p_tenant returning a.tenant, a.size
  ), sums as (
    select g.tenant, sum(g.size) as bytes, count(*) as files from gone g group by g.tenant
  )
  update bulkhead.tenant_head h set used = h.used - s.bytes, files = h.files - s.files from sums s where h.uid = s.tenant;
  insert into bulkhead.accounted_mount (mount, tenant) values (p_mount, p_tenant)
    on conflict (mount) do update set tenant = excluded.tenant, counted_at = null;
  return false;
end $$;

create function bulkhead.accounted_page_v1(p_mount text, p_after text, p_limit integer) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('path', x.path, 'size', x.size) order by x.path), '[]') from (
    select a.path, a.size from bulkhead.accounted a where a.mount = p_mount and a.path > p_after
      order by a.path limit p_limit) x
$$;

-- What a tenant's counters say, and the sum of what it is charged with, file by file.
create function bulkhead.usage_v1(p_tenant uuid) returns jsonb language sql stable as $$
  select jsonb_build_object(
      'counted', jsonb_build_object('bytes', h.used, 'files', h.files),
      'charged', jsonb_build_object('bytes', x.bytes + n.bytes, 'files', x.files + n.files))
    from bulkhead.tenant_head h,
      (select coalesce(sum(a.size), 0) as bytes, count(a.path) as files from bulkhead.accounted_mount m
        left join bulkhead.accounted a on a.mount = m.mount where m.tenant = p_tenant) x,
      (select coalesce(sum(n.size), 0) as bytes, count(*) as files from bulkhead.node n
        where n.tenant = p_tenant and n.version is not null) n
    where h.uid = p_tenant
$$;
`;

export const accountedExecutions: string = String.raw`
revoke execute on all functions in schema bulkhead from public;
grant execute on all functions in schema bulkhead to bulkhead_system;
grant execute on function bulkhead.below_v1(text), bulkhead.charge_v1(uuid, bigint, bigint),
  bulkhead.accounted_clear_v1(text, text), bulkhead.accounted_weigh_v1(text, text),
  bulkhead.accounted_fact_v1(uuid, text, jsonb), bulkhead.intent_settle_v2(text, jsonb, jsonb),
  bulkhead.intent_commit_v2(text, jsonb, text, bigint, text, text),
  bulkhead.accounted_set_v1(uuid, text, text, text, text[], bigint[], text[])
  to bulkhead_app;
`;
