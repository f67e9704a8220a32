/**
 * One row tells an event and a change. An event is written in its commit, under a number given beneath the lock of the
 * tenant's head, and stays for its retention; who hands events on keeps a position for each tenant. `outbox` is the
 * same rows under the names that older functions write.
 */
export const events: string = String.raw`
alter table bulkhead.change add column payload jsonb not null default '{}';
update bulkhead.change c set payload = jsonb_build_object('mount', c.mount, 'paths', to_jsonb(c.paths), 'outcome',
  jsonb_strip_nulls(jsonb_build_object('etag', c.etag)));
update bulkhead.change c set payload = o.payload from bulkhead.outbox o
  where o.tenant = c.tenant and o.seq = c.seq and o.kind = c.kind;
alter table bulkhead.change drop column mount, drop column paths, drop column etag;

create table bulkhead.event_position (
  tenant uuid primary key,
  -- Everything up to here has been acknowledged.
  seq bigint not null default 0,
  -- What is with a claimer, until when, and how often it was.
  claimed_seq bigint not null default 0,
  claimed_until timestamptz,
  attempts integer not null default 0
);
alter table bulkhead.event_position enable row level security;
alter table bulkhead.event_position force row level security;
create policy system on bulkhead.event_position to bulkhead_system using (true) with check (true);
grant select, insert, update, delete on bulkhead.event_position to bulkhead_system;
insert into bulkhead.event_position (tenant, seq)
  select h.uid, coalesce((select min(o.seq) - 1 from bulkhead.outbox o where o.tenant = h.uid), h.seq)
  from bulkhead.tenant_head h;

drop function bulkhead.outbox_claim_v1(integer, double precision);
drop table bulkhead.outbox;
drop function bulkhead.change_keep_v1();
create view bulkhead.outbox with (security_invoker = true) as
  select c.tenant, c.seq, c.kind, c.payload, c.at as created_at from bulkhead.change c;
grant select, insert on bulkhead.outbox to bulkhead_app;
grant select, insert, delete on bulkhead.outbox to bulkhead_system;

-- Claims the oldest events of tenants of which nothing is with somebody else, p_limit of one tenant at most and of all.
create function bulkhead.events_claim_v1(p_limit integer, p_lease_ms double precision) returns jsonb
language plpgsql as $$
declare
  v_now timestamptz := bulkhead.now();
  v_waiting record;
  v_events jsonb;
  v_claimed jsonb := '[]';
begin
  perform pg_advisory_xact_lock(20261, 1);
  for v_waiting in
    select h.uid, coalesce(p.seq, 0) as seq, case when p.claimed_seq > p.seq then p.attempts else 0 end as attempts
      from bulkhead.tenant_head h left join bulkhead.event_position p on p.tenant = h.uid
      where h.seq > coalesce(p.seq, 0) and not coalesce(p.claimed_until > v_now, false)
      order by p.claimed_until nulls first, h.uid limit p_limit
  loop
    exit when jsonb_array_length(v_claimed) >= p_limit;
    select jsonb_agg(jsonb_build_object('tenant', c.tenant, 'seq', c.seq, 'kind', c.kind, 'payload', c.payload,
        'at', bulkhead.ms(c.at), 'attempts', v_waiting.attempts + 1) order by c.seq) into v_events
      from (select x.* from bulkhead.change x where x.tenant = v_waiting.uid and x.seq > v_waiting.seq
        order by x.seq limit p_limit - jsonb_array_length(v_claimed)) c;
    continue when v_events is null;
    insert into bulkhead.event_position (tenant, seq, claimed_seq, claimed_until, attempts)
      values (v_waiting.uid, v_waiting.seq, (v_events->-1->>'seq')::bigint,
        v_now + p_lease_ms * interval '1 millisecond', v_waiting.attempts + 1)
      on conflict (tenant) do update set claimed_seq = excluded.claimed_seq, claimed_until = excluded.claimed_until,
        attempts = excluded.attempts;
    v_claimed := v_claimed || v_events;
  end loop;
  return v_claimed;
end $$;

-- Everything of a tenant up to a number is done with; what was claimed beyond it can be claimed again at once.
create function bulkhead.events_ack_v1(p_tenants uuid[], p_seqs bigint[]) returns void language sql as $$
  insert into bulkhead.event_position as p (tenant, seq)
    select a.tenant, max(a.seq) from unnest(p_tenants, p_seqs) a (tenant, seq) group by a.tenant order by a.tenant
    on conflict (tenant) do update set seq = greatest(p.seq, excluded.seq), claimed_until = null
$$;

create or replace function bulkhead.changes_v1(p_tenant uuid, p_after bigint, p_limit integer) returns jsonb
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
      'kind', c.kind, 'mount', c.payload->'mount', 'paths', coalesce(c.payload->'paths', '[]'),
      'etag', c.payload->'outcome'->'etag',
      'version', case when c.payload->'outcome'->>'etag' is not null
        and exists (select 1 from bulkhead.tree t where t.mount = c.payload->>'mount') then c.seq::text end))
      order by c.seq), '[]') into v_items
    from (select x.* from bulkhead.change x where x.tenant = p_tenant and x.seq > coalesce(p_after, 0)
      order by x.seq limit p_limit) c;
  return jsonb_build_object('state', 'done', 'head', v_head, 'items', v_items);
end $$;
`;
