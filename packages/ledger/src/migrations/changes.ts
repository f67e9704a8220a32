/**
 * What changed in a tenant's files, in commit order. Written with the event of each commit, in the same transaction;
 * events are handed out once and then gone, these rows stay for their retention. A number is given under the lock of
 * the tenant's head, which is held until the commit: whoever sees a number sees all that are smaller.
 */
export const changes: string = String.raw`
create table bulkhead.change (
  tenant uuid not null,
  seq bigint not null,
  at timestamptz not null,
  kind text not null,
  mount text collate "C",
  -- Inside the mount; of a copy or move the source, then the target.
  paths text[] not null,
  etag text,
  primary key (tenant, seq, at)
) partition by range (at);
create table bulkhead.change_default partition of bulkhead.change default;

alter table bulkhead.change enable row level security;
alter table bulkhead.change force row level security;
create policy app on bulkhead.change to bulkhead_app using (tenant = (select bulkhead.tenant()))
  with check (tenant = (select bulkhead.tenant()));
create policy system on bulkhead.change to bulkhead_system using (true) with check (true);
grant select, insert on bulkhead.change to bulkhead_app;
grant select, insert, delete on bulkhead.change to bulkhead_system;

-- Every event, whoever writes it: a number without a row would read as one that is not kept any more.
create function bulkhead.change_keep_v1() returns trigger language plpgsql as $$
begin
  insert into bulkhead.change (tenant, seq, at, kind, mount, paths, etag)
    values (new.tenant, new.seq, new.created_at, new.kind, new.payload->>'mount',
      case when jsonb_typeof(new.payload->'paths') = 'array'
        then array(select jsonb_array_elements_text(new.payload->'paths')) else '{}' end,
      new.payload->'outcome'->>'etag');
  return null;
end $$;
create trigger outbox_change after insert on bulkhead.outbox for each row execute function bulkhead.change_keep_v1();

-- The changes after a number, with the newest number there is; p_after null: from the oldest that is kept, p_limit 0:
-- the number alone. 'gone' where changes in between are not kept any more.
create function bulkhead.changes_v1(p_tenant uuid, p_after bigint, p_limit integer) returns jsonb
language plpgsql stable as $$
declare
  v_head bigint;
  v_oldest bigint;
  v_items jsonb;
begin
  perform bulkhead.enter_v1(p_tenant);
  select h.seq into v_head from bulkhead.tenant_head h where h.uid = p_tenant;
  if not found then raise exception 'no such tenant' using errcode = 'BH404'; end if;
  if p_after < v_head then
    select c.seq into v_oldest from bulkhead.change c where c.tenant = p_tenant order by c.seq limit 1;
    if v_oldest is null or v_oldest > p_after + 1 then return '{"state": "gone"}'; end if;
  end if;
  select coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('seq', c.seq, 'at', bulkhead.ms(c.at),
      'kind', c.kind, 'mount', c.mount, 'paths', to_jsonb(c.paths), 'etag', c.etag,
      'version', case when c.etag is not null and exists (select 1 from bulkhead.tree t where t.mount = c.mount)
        then c.seq::text end)) order by c.seq), '[]') into v_items
    from (select x.* from bulkhead.change x where x.tenant = p_tenant and x.seq > coalesce(p_after, 0)
      order by x.seq limit p_limit) c;
  return jsonb_build_object('state', 'done', 'head', v_head, 'items', v_items);
end $$;

create function bulkhead.change_heads_v1(p_tenants uuid[]) returns jsonb language sql stable as $$
  select coalesce(jsonb_object_agg(h.uid, h.seq), '{}') from bulkhead.tenant_head h where h.uid = any (p_tenants)
$$;

-- Makes the partitions of last month to the month after next, and drops what is kept no longer: the changelog for 7
-- days, changes for 90.
create or replace function bulkhead.partitions_v1() returns void language plpgsql security definer set search_path = pg_catalog as $$
declare
  v_month date;
  v_name text;
  v_parent text;
  v_old record;
begin
  for v_month in select m::date from generate_series(date_trunc('month', bulkhead.now() at time zone 'UTC')
      - interval '1 month', date_trunc('month', bulkhead.now() at time zone 'UTC') + interval '2 months',
      interval '1 month') m
  loop
    foreach v_parent in array array['changelog', 'audit', 'change'] loop
      v_name := v_parent || to_char(v_month, '_YYYYMM');
      continue when to_regclass('bulkhead.' || v_name) is not null;
      begin
        execute format('create table bulkhead.%I partition of bulkhead.%I for values from (%L) to (%L)', v_name,
          v_parent, v_month::text || ' 00:00:00+00', (v_month + interval '1 month')::date::text || ' 00:00:00+00');
      exception when check_violation or duplicate_table or unique_violation then
        null; -- Rows of that month are in the default partition already, or another process was first.
      end;
    end loop;
  end loop;
  for v_old in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    join (values ('changelog', interval '1 month 7 days'), ('change', interval '1 month 90 days')) k (parent, age)
      on i.inhparent = ('bulkhead.' || k.parent)::regclass and c.relname ~ ('^' || k.parent || '_[0-9]{6}$')
    where to_date(right(c.relname, 6), 'YYYYMM') + k.age < bulkhead.now() at time zone 'UTC'
  loop
    execute format('drop table bulkhead.%I', v_old.relname);
  end loop;
end $$;

select bulkhead.partitions_v1();
insert into bulkhead.change (tenant, seq, at, kind, mount, paths, etag)
  select o.tenant, o.seq, o.created_at, o.kind, o.payload->>'mount',
    array(select jsonb_array_elements_text(o.payload->'paths')), o.payload->'outcome'->>'etag'
  from bulkhead.outbox o where jsonb_typeof(o.payload->'paths') = 'array';

revoke execute on all functions in schema bulkhead from public;
grant execute on all functions in schema bulkhead to bulkhead_system;
grant execute on function bulkhead.changes_v1(uuid, bigint, integer) to bulkhead_app;
`;
