/**
 * Usage by the hour. What was written is read off the entries and events of the very commits, each once, from one number
 * to the next; what was read comes from the journals of processes, each record once, from one offset to the next. Sums
 * hold whatever order they come in: a change of the bytes that are stored is kept with the milliseconds from it to the
 * end of its hour, so that byte-hours of any span of hours follow from the level at one moment.
 */
export const usage: string = String.raw`
create table bulkhead.usage_hour (
  tenant uuid not null,
  hour timestamptz not null,
  reads bigint not null default 0,
  lookups bigint not null default 0,
  searches bigint not null default 0,
  writes bigint not null default 0,
  bytes_in bigint not null default 0,
  bytes_out bigint not null default 0,
  -- By how much what is stored changed, and the sum of each change times the milliseconds from it to the hour's end.
  bytes_delta bigint not null default 0,
  bytes_weighted numeric not null default 0,
  users_delta bigint not null default 0,
  users_peak bigint not null default 0,
  primary key (tenant, hour)
) partition by range (hour);
create table bulkhead.usage_hour_default partition of bulkhead.usage_hour default;

-- How far a tenant's events and entries are counted, and what is stored and who is there since then.
create table bulkhead.usage_tenant (
  tenant uuid primary key,
  seq bigint not null default 0,
  audit_n bigint not null default 0,
  bytes bigint not null default 0,
  users bigint not null default 0
);

-- How far the journal of a process is counted.
create table bulkhead.usage_journal (
  id uuid primary key,
  absorbed bigint not null,
  at timestamptz not null default bulkhead.now()
);

do $$
declare
  keyed text;
begin
  foreach keyed in array array['usage_hour', 'usage_tenant', 'usage_journal'] loop
    execute format('alter table bulkhead.%I enable row level security', keyed);
    execute format('alter table bulkhead.%I force row level security', keyed);
    execute format('create policy system on bulkhead.%I to bulkhead_system using (true) with check (true)', keyed);
    execute format('grant select, insert, update, delete on bulkhead.%I to bulkhead_system', keyed);
  end loop;
end $$;

create function bulkhead.hour_v1(p_at timestamptz) returns timestamptz language sql immutable parallel safe
  as $$ select date_trunc('hour', p_at, 'UTC') $$;

-- The milliseconds from a moment to the end of its hour.
create function bulkhead.hour_left_v1(p_at timestamptz) returns bigint language sql immutable parallel safe
  as $$ select bulkhead.ms(bulkhead.hour_v1(p_at)) + 3600000 - bulkhead.ms(p_at) $$;

-- Counts what a tenant's commits did that are not counted yet, at most p_limit of them; true if more are left. p_exact
-- waits for the commits that are under way: what was decided before now is in the hours then, whatever comes after is later.
create function bulkhead.usage_absorb_v1(p_tenant uuid, p_limit integer, p_exact boolean) returns boolean
language plpgsql as $$
declare
  v bulkhead.usage_tenant;
  v_head record;
  v_seq bigint;
  v_audit_n bigint;
  v_bytes bigint;
  v_now timestamptz;
begin
  insert into bulkhead.usage_tenant (tenant) values (p_tenant) on conflict (tenant) do nothing;
  select t.* into v from bulkhead.usage_tenant t where t.tenant = p_tenant for update;
  if p_exact then perform from bulkhead.tenant_head h where h.uid = p_tenant for share; end if;
  select h.seq, h.audit_seq, h.used into v_head from bulkhead.tenant_head h where h.uid = p_tenant;
  if not found then return false; end if;
  -- After the head: what it does not show is of a later moment.
  v_now := bulkhead.now();
  v_seq := least(v_head.seq, v.seq + p_limit);
  v_audit_n := least(v_head.audit_seq, v.audit_n + p_limit);
  with event as (
    select c.at, (c.payload->'outcome'->>'bytes')::bigint as bytes from bulkhead.change c
      where c.tenant = p_tenant and c.seq > v.seq and c.seq <= v_seq and c.payload->'outcome' ? 'bytes'
  ), level as (
    select bulkhead.hour_v1(e.at) as hour, sum(e.bytes) as bytes, sum(e.bytes::numeric * bulkhead.hour_left_v1(e.at)) as weighted
      from event e where e.bytes <> 0 group by 1
  ), entry as (
    select bulkhead.hour_v1(a.at) as hour, count(*) as writes,
        sum(coalesce(case a.action when 'write' then (a.detail->>'size')::bigint
          when 'append' then (a.detail->>'bytes')::bigint end, 0)) as bytes_in
      from bulkhead.audit a where a.tenant = p_tenant and a.n > v.audit_n and a.n <= v_audit_n and a.result = 'SUCCESS'
        and a.action in ('write', 'append', 'mkdir', 'remove', 'copy', 'move', 'restore') group by 1
  ), put as (
    insert into bulkhead.usage_hour as u (tenant, hour, writes, bytes_in, bytes_delta, bytes_weighted)
      select p_tenant, coalesce(l.hour, e.hour), coalesce(e.writes, 0), coalesce(e.bytes_in, 0), coalesce(l.bytes, 0),
          coalesce(l.weighted, 0)
        from level l full join entry e on e.hour = l.hour order by 2
      on conflict (tenant, hour) do update set writes = u.writes + excluded.writes,
        bytes_in = u.bytes_in + excluded.bytes_in, bytes_delta = u.bytes_delta + excluded.bytes_delta,
        bytes_weighted = u.bytes_weighted + excluded.bytes_weighted
  )
  select coalesce(sum(l.bytes), 0) into v_bytes from level l;
  v_bytes := v.bytes + v_bytes;
  -- What is charged without an event (files that lay in a folder before, a look at a storage) counts from now on.
  if v_seq = v_head.seq and v_bytes <> v_head.used then
    insert into bulkhead.usage_hour as u (tenant, hour, bytes_delta, bytes_weighted)
      values (p_tenant, bulkhead.hour_v1(v_now), v_head.used - v_bytes,
        (v_head.used - v_bytes)::numeric * bulkhead.hour_left_v1(v_now))
      on conflict (tenant, hour) do update set bytes_delta = u.bytes_delta + excluded.bytes_delta,
        bytes_weighted = u.bytes_weighted + excluded.bytes_weighted;
    v_bytes := v_head.used;
  end if;
  update bulkhead.usage_tenant t set seq = v_seq, audit_n = v_audit_n, bytes = v_bytes where t.tenant = p_tenant;
  return v_seq < v_head.seq or v_audit_n < v_head.audit_seq;
end $$;

-- Does so for tenants that have something to count and whom nobody else counts just now; how many these were.
create function bulkhead.usage_sweep_v1(p_tenants integer, p_limit integer) returns integer language plpgsql as $$
declare
  v_tenant uuid;
  v_count integer := 0;
begin
  for v_tenant in
    select h.uid from bulkhead.tenant_head h left join bulkhead.usage_tenant t on t.tenant = h.uid
      where h.seq > coalesce(t.seq, 0) or h.audit_seq > coalesce(t.audit_n, 0) or h.used <> coalesce(t.bytes, 0)
      order by h.uid limit p_tenants
  loop
    insert into bulkhead.usage_tenant (tenant) values (v_tenant) on conflict (tenant) do nothing;
    perform from bulkhead.usage_tenant t where t.tenant = v_tenant for update skip locked;
    continue when not found;
    perform bulkhead.usage_absorb_v1(v_tenant, p_limit, false);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;

-- Counts a stretch of a journal, once: only from where it was counted to. Answers to where it is counted now.
create function bulkhead.usage_journal_v1(p_journal uuid, p_from bigint, p_to bigint, p_tenants uuid[], p_hours bigint[],
  p_reads bigint[], p_lookups bigint[], p_searches bigint[], p_bytes bigint[]) returns bigint language plpgsql as $$
declare
  v_absorbed bigint;
begin
  insert into bulkhead.usage_journal (id, absorbed) values (p_journal, p_from) on conflict (id) do nothing;
  select j.absorbed into v_absorbed from bulkhead.usage_journal j where j.id = p_journal for update;
  if v_absorbed <> p_from or p_to <= p_from then return v_absorbed; end if;
  update bulkhead.usage_journal j set absorbed = p_to, at = bulkhead.now() where j.id = p_journal;
  insert into bulkhead.usage_hour as u (tenant, hour, reads, lookups, searches, bytes_out)
    select r.tenant, to_timestamp(r.hour / 1000), r.reads, r.lookups, r.searches, r.bytes
      from unnest(p_tenants, p_hours, p_reads, p_lookups, p_searches, p_bytes) r (tenant, hour, reads, lookups, searches, bytes)
      order by 1, 2
    on conflict (tenant, hour) do update set reads = u.reads + excluded.reads, lookups = u.lookups + excluded.lookups,
      searches = u.searches + excluded.searches, bytes_out = u.bytes_out + excluded.bytes_out;
  return p_to;
end $$;

-- Usage from one hour's beginning to another's, in steps of an hour, a day or a month, or one step. What has not come yet
-- has no byte-hours. byteMs in text: it is too large for a number.
create function bulkhead.usage_span_v1(p_tenant uuid, p_from timestamptz, p_to timestamptz, p_step text, p_now timestamptz)
returns jsonb language sql stable as $$
  with known as (
    select u.* from bulkhead.usage_hour u where u.tenant = p_tenant and u.hour >= p_from
  ), opening as (
    select coalesce(max(t.bytes), 0) - (select coalesce(sum(k.bytes_delta), 0) from known k) as bytes,
      coalesce(max(t.users), 0) - (select coalesce(sum(k.users_delta), 0) from known k) as users
    from bulkhead.usage_tenant t where t.tenant = p_tenant
  ), hour as (
    select s.hour, k.reads, k.lookups, k.searches, k.writes, k.bytes_in, k.bytes_out, coalesce(k.bytes_delta, 0) as delta,
      coalesce(k.bytes_weighted, 0) as weighted,
      least(greatest(bulkhead.ms(p_now) - bulkhead.ms(s.hour), 0), 3600000) as lasts,
      o.bytes + coalesce(sum(k.bytes_delta) over earlier, 0) as bytes,
      greatest(o.users + coalesce(sum(k.users_delta) over earlier, 0), coalesce(k.users_peak, 0)) as users
    from generate_series(p_from, p_to - interval '1 hour', interval '1 hour') s (hour)
      cross join opening o left join known k on k.hour = s.hour
    window earlier as (order by s.hour rows between unbounded preceding and 1 preceding)
  ), step as (
    select case when p_step = 'all' then p_from else date_trunc(p_step, h.hour, 'UTC') end as since,
      coalesce(sum(h.reads), 0) as reads, coalesce(sum(h.lookups), 0) as lookups,
      coalesce(sum(h.searches), 0) as searches, coalesce(sum(h.writes), 0) as writes,
      coalesce(sum(h.bytes_in), 0) as bytes_in, coalesce(sum(h.bytes_out), 0) as bytes_out,
      sum(h.bytes * h.lasts + h.weighted - h.delta * (3600000 - h.lasts)) as byte_ms, max(h.users) as users
    from hour h group by 1
  )
  select coalesce(jsonb_agg(jsonb_build_object('from', bulkhead.ms(s.since), 'reads', s.reads, 'lookups', s.lookups,
    'searches', s.searches, 'writes', s.writes, 'bytesIn', s.bytes_in, 'bytesOut', s.bytes_out,
    'byteMs', trunc(greatest(s.byte_ms, 0))::text, 'users', s.users) order by s.since), '[]') from step s
$$;

-- Who a tenant has, as users come and go: in their own transaction, so that a peak of a moment counts.
create function bulkhead.usage_users_v1() returns trigger language plpgsql as $$
declare
  v record;
  v_users bigint;
  v_now timestamptz := bulkhead.now();
begin
  -- A backup brings its own rows, and is loaded as the tables' owner.
  if current_user <> 'bulkhead_system' then return null; end if;
  for v in select s.tenant, count(*) * case when tg_op = 'DELETE' then -1 else 1 end as n from changed s
    where s.type = 'user' group by s.tenant order by s.tenant
  loop
    insert into bulkhead.usage_tenant as t (tenant, users) values (v.tenant, v.n)
      on conflict (tenant) do update set users = t.users + excluded.users returning t.users into v_users;
    insert into bulkhead.usage_hour as u (tenant, hour, users_delta, users_peak)
      values (v.tenant, bulkhead.hour_v1(v_now), v.n, greatest(v_users, v_users - v.n))
      on conflict (tenant, hour) do update set users_delta = u.users_delta + excluded.users_delta,
        users_peak = greatest(u.users_peak, excluded.users_peak);
  end loop;
  return null;
end $$;
create trigger usage_users_in after insert on bulkhead.subject referencing new table as changed
  for each statement execute function bulkhead.usage_users_v1();
create trigger usage_users_out after delete on bulkhead.subject referencing old table as changed
  for each statement execute function bulkhead.usage_users_v1();

-- Makes the months' partitions, and drops what is older than 36 months.
create function bulkhead.usage_partitions_v1() returns void language plpgsql security definer set search_path = pg_catalog as $$
declare
  v_month timestamptz;
  v_name text;
  v_old record;
begin
  for v_month in select generate_series(date_trunc('month', bulkhead.now(), 'UTC') - interval '1 month',
    date_trunc('month', bulkhead.now(), 'UTC') + interval '2 months', interval '1 month')
  loop
    v_name := 'usage_hour_' || to_char(v_month at time zone 'UTC', 'YYYYMM');
    continue when to_regclass('bulkhead.' || v_name) is not null;
    begin
      execute format('create table bulkhead.%I partition of bulkhead.usage_hour for values from (%L) to (%L)', v_name,
        to_char(v_month at time zone 'UTC', 'YYYY-MM-DD') || ' 00:00:00+00',
        to_char(v_month at time zone 'UTC' + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
    exception when check_violation or duplicate_table or unique_violation then
      null; -- Rows of that month are in the default partition already, or another process was first.
    end;
  end loop;
  for v_old in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'bulkhead.usage_hour'::regclass and c.relname ~ '^usage_hour_[0-9]{6}$'
      and to_date(right(c.relname, 6), 'YYYYMM') + interval '37 months' < bulkhead.now() at time zone 'UTC'
  loop
    execute format('drop table bulkhead.%I', v_old.relname);
  end loop;
end $$;
select bulkhead.usage_partitions_v1();

-- What was before is not counted: it begins with what is stored and who is there now.
with seen as (
  select bulkhead.now() as at
), head as (
  select h.uid, h.seq, h.audit_seq, h.used,
    (select count(*) from bulkhead.subject s where s.tenant = h.uid and s.type = 'user') as users
  from bulkhead.tenant_head h
), begun as (
  insert into bulkhead.usage_tenant (tenant, seq, audit_n, bytes, users)
    select h.uid, h.seq, h.audit_seq, h.used, h.users from head h
)
insert into bulkhead.usage_hour (tenant, hour, bytes_delta, bytes_weighted, users_delta, users_peak)
  select h.uid, bulkhead.hour_v1(n.at), h.used, h.used::numeric * bulkhead.hour_left_v1(n.at), h.users, h.users
  from head h cross join seen n where h.used <> 0 or h.users <> 0;
revoke execute on all functions in schema bulkhead from public;
grant execute on all functions in schema bulkhead to bulkhead_system;
`;
