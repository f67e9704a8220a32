/** What a tenant may override of the limits of rates, and what of them processes were given. */
export const rates: string = String.raw`
alter table bulkhead.tenant add column rate_limits jsonb not null default '{}';

create table bulkhead.rate (
  tenant uuid not null,
  bucket text collate "C" not null,
  began timestamptz not null,
  ends timestamptz not null,
  -- What processes were given in this window and did not give back.
  granted bigint not null check (granted >= 0),
  primary key (tenant, bucket)
);
create index rate_over on bulkhead.rate (ends);

-- Until when the bytes are spoken for that a tenant may send and be sent.
create table bulkhead.throttle (
  tenant uuid primary key,
  due timestamptz not null
);

do $$
declare
  name text;
begin
  foreach name in array array['rate', 'throttle'] loop
    execute format('alter table bulkhead.%I enable row level security', name);
    execute format('alter table bulkhead.%I force row level security', name);
    execute format('create policy system on bulkhead.%I to bulkhead_system using (true) with check (true)', name);
    execute format('grant select, insert, update, delete on bulkhead.%I to bulkhead_system', name);
  end loop;
end $$;

-- A window of a minute begins with what is first given out of it; a month is the calendar's, in UTC.
create function bulkhead.rate_window_v1(p_period text, p_now timestamptz, out began timestamptz, out ends timestamptz)
language sql stable as $$
  select case p_period when 'month' then date_trunc('month', p_now, 'UTC') else p_now end,
         case p_period when 'month' then (date_trunc('month', p_now at time zone 'UTC') + interval '1 month') at time zone 'UTC'
                       else p_now + interval '1 minute' end
$$;

-- Gives slices of what is left, at most a twentieth, and takes back what was not used. What is refused writes nothing.
create function bulkhead.rate_lease_v1(p_asked jsonb) returns jsonb language plpgsql as $$
declare
  e record;
  v bulkhead.rate;
  v_known boolean;
  v_now timestamptz := bulkhead.now();
  v_window record;
  v_left bigint;
  v_slice bigint;
  v_granted bigint;
  v_answers jsonb := '{}';
begin
  -- Slices of a minute need not outlive a crash of the machine, which takes longer than they last.
  if not exists (select 1 from jsonb_array_elements(p_asked) x where x->>'period' <> 'minute') then
    perform set_config('synchronous_commit', 'off', true);
  end if;
  for e in
    select x.i, (x.a->>'tenant')::uuid as tenant, x.a->>'bucket' as bucket, (x.a->>'limit')::bigint as most,
      x.a->>'period' as period, (x.a->>'take')::boolean as take, (x.a->>'back')::bigint as back,
      (x.a->>'began')::bigint as began
    from jsonb_array_elements(p_asked) with ordinality x (a, i)
    order by (x.a->>'tenant')::uuid, (x.a->>'bucket') collate "C", x.i
  loop
    select r.* into v from bulkhead.rate r where r.tenant = e.tenant and r.bucket = e.bucket;
    v_known := found;
    v_window := bulkhead.rate_window_v1(e.period, v_now);
    if (v_known and v.ends > v_now and e.back = 0 and v.granted >= e.most) or (e.most = 0 and e.back = 0)
      or (not v_known and not e.take) then
      v_answers := v_answers || jsonb_build_object(e.i::text, jsonb_build_object('slice', 0, 'left', 0,
        'began', bulkhead.ms(case when v_known and v.ends > v_now then v.began else v_window.began end),
        'ends', bulkhead.ms(case when v_known and v.ends > v_now then v.ends else v_window.ends end)));
      continue;
    end if;
    if not v_known then
      insert into bulkhead.rate (tenant, bucket, began, ends, granted)
        values (e.tenant, e.bucket, v_window.began, v_window.ends, 0) on conflict do nothing;
    end if;
    select r.* into v from bulkhead.rate r where r.tenant = e.tenant and r.bucket = e.bucket for update;
    if not found or v.ends <= v_now then
      v.began := v_window.began;
      v.ends := v_window.ends;
      v.granted := 0;
    end if;
    v_granted := v.granted;
    if e.back > 0 and bulkhead.ms(v.began) = e.began then v_granted := greatest(0, v_granted - e.back); end if;
    v_left := greatest(0, e.most - v_granted);
    v_slice := case when not e.take or v_left = 0 then 0 else greatest(1, v_left / 20) end;
    update bulkhead.rate r set began = v.began, ends = v.ends, granted = v_granted + v_slice
      where r.tenant = e.tenant and r.bucket = e.bucket;
    v_answers := v_answers || jsonb_build_object(e.i::text, jsonb_build_object('slice', v_slice,
      'left', v_left - v_slice, 'began', bulkhead.ms(v.began), 'ends', bulkhead.ms(v.ends)));
  end loop;
  return v_answers;
end $$;

-- What is left, without taking any of it.
create function bulkhead.rate_look_v1(p_tenant uuid, p_bucket text, p_limit bigint, p_period text) returns jsonb
language sql stable as $$
  select jsonb_build_object('slice', 0, 'left', greatest(0, p_limit - coalesce(r.granted, 0)),
    'began', bulkhead.ms(coalesce(r.began, w.began)), 'ends', bulkhead.ms(coalesce(r.ends, w.ends)))
  from (select bulkhead.now() as at) n cross join lateral bulkhead.rate_window_v1(p_period, n.at) w
    left join bulkhead.rate r on r.tenant = p_tenant and r.bucket = p_bucket and r.ends > n.at
$$;

-- Speaks for bytes at a rate, and answers after how many milliseconds they may pass.
create function bulkhead.throttle_v1(p_tenant uuid, p_bytes bigint, p_per_second bigint) returns double precision
language plpgsql as $$
declare
  v_now timestamptz := bulkhead.now();
  v_takes interval := make_interval(secs => p_bytes::double precision / p_per_second);
  v_due timestamptz;
begin
  perform set_config('synchronous_commit', 'off', true);
  insert into bulkhead.throttle as t (tenant, due) values (p_tenant, v_now + v_takes)
    on conflict (tenant) do update set due = greatest(t.due, v_now) + v_takes returning due into v_due;
  return extract(epoch from (v_due - v_takes - v_now)) * 1000;
end $$;

-- Forgets windows that are long over.
create function bulkhead.rate_purge_v1() returns void language sql as $$
  delete from bulkhead.rate where ends < bulkhead.now() - interval '1 day';
  delete from bulkhead.throttle where due < bulkhead.now() - interval '1 day';
$$;

revoke execute on function bulkhead.rate_window_v1(text, timestamptz), bulkhead.rate_lease_v1(jsonb),
  bulkhead.rate_look_v1(uuid, text, bigint, text), bulkhead.throttle_v1(uuid, bigint, bigint), bulkhead.rate_purge_v1()
  from public;
grant execute on function bulkhead.rate_window_v1(text, timestamptz), bulkhead.rate_lease_v1(jsonb),
  bulkhead.rate_look_v1(uuid, text, bigint, text), bulkhead.throttle_v1(uuid, bigint, bigint), bulkhead.rate_purge_v1()
  to bulkhead_system;
`;
