/** What bills are made from, and heads of audit chains that are signed. */
export const bills: string = String.raw`
-- A tenant's own limits belong to the plan it had: what is included in it is billed by them.
alter table bulkhead.plan_change add column overrides jsonb not null default '{}';
update bulkhead.plan_change c set overrides = t.overrides from bulkhead.tenant t where t.uid = c.tenant;
create or replace function bulkhead.plan_noted_v1() returns trigger language plpgsql as $$
begin
  -- A backup brings these rows itself, and is loaded as the tables' owner.
  if current_user <> 'bulkhead_system' then return null; end if;
  if tg_op = 'INSERT' or (old.plan, old.billing_cycle, old.status, old.overrides)
      is distinct from (new.plan, new.billing_cycle, new.status, new.overrides) then
    insert into bulkhead.plan_change (tenant, plan, billing_cycle, status, overrides)
      values (new.uid, new.plan, new.billing_cycle, new.status, new.overrides);
  end if;
  return null;
end $$;

-- What a plan was from when on: a new price changes no month that is over.
create table bulkhead.plan_version (
  plan text collate "C" not null,
  n bigint generated always as identity,
  at timestamptz not null default bulkhead.now(),
  document jsonb not null,
  primary key (plan, n)
);
grant select, insert on bulkhead.plan_version to bulkhead_system;
insert into bulkhead.plan_version (plan, at, document) select p.id, p.updated_at, p.document from bulkhead.plan p;
create function bulkhead.plan_version_v1() returns trigger language plpgsql as $$
begin
  if current_user <> 'bulkhead_system' then return null; end if;
  insert into bulkhead.plan_version (plan, document) values (new.id, new.document);
  return null;
end $$;
create trigger plan_version after insert or update of document on bulkhead.plan
  for each row execute function bulkhead.plan_version_v1();

-- All that a bill is made from: usage of the span, the plans that the tenant had until its end, and what each of these
-- was at that end, or is since it came later.
create function bulkhead.bill_v1(p_tenant uuid, p_from timestamptz, p_to timestamptz, p_now timestamptz) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'usage', bulkhead.usage_span_v1(p_tenant, p_from, p_to, 'all', p_now)->0,
    'periods', coalesce((select jsonb_agg(jsonb_build_object('at', bulkhead.ms(c.at), 'plan', c.plan,
        'cycle', c.billing_cycle, 'status', c.status, 'overrides', c.overrides) order by c.n)
      from bulkhead.plan_change c where c.tenant = p_tenant and c.at < p_to), '[]'),
    'plans', coalesce((select jsonb_object_agg(p.id, coalesce(
        (select v.document from bulkhead.plan_version v where v.plan = p.id and v.at < p_to order by v.n desc limit 1),
        (select v.document from bulkhead.plan_version v where v.plan = p.id order by v.n limit 1), p.document))
      from bulkhead.plan p where p.id in (select c.plan from bulkhead.plan_change c where c.tenant = p_tenant)), '{}'))
$$;

-- A head of a chain as it was, under a signature that the ledger cannot make.
create table bulkhead.audit_head (
  tenant uuid not null,
  n bigint not null,
  hash bytea not null,
  at timestamptz not null,
  key_id text collate "C" not null,
  signature bytea not null,
  primary key (tenant, n)
);
alter table bulkhead.audit_head enable row level security;
alter table bulkhead.audit_head force row level security;
create policy app on bulkhead.audit_head to bulkhead_app using (tenant = (select bulkhead.tenant()))
  with check (tenant = (select bulkhead.tenant()));
create policy system on bulkhead.audit_head to bulkhead_system using (true) with check (true);
grant select on bulkhead.audit_head to bulkhead_app;
grant select, insert on bulkhead.audit_head to bulkhead_system;

-- Heads that have moved since one of theirs was signed.
create function bulkhead.audit_unsigned_v1(p_after uuid, p_limit integer) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('tenant', x.uid, 'n', x.audit_seq, 'hash', encode(x.audit_hash, 'hex'))
      order by x.uid), '[]')
    from (select h.uid, h.audit_seq, h.audit_hash from bulkhead.tenant_head h where (p_after is null or h.uid > p_after)
      and h.audit_seq > coalesce((select a.n from bulkhead.audit_head a where a.tenant = h.uid order by a.n desc limit 1), 0)
      order by h.uid limit p_limit) x
$$;

-- Where a chain ends, and the last of its heads that was signed: of one snapshot.
create function bulkhead.audit_end_v1(p_tenant uuid) returns jsonb language sql stable as $$
  select jsonb_build_object('n', h.audit_seq, 'hash', encode(h.audit_hash, 'hex'),
      'signed', (select a.n from bulkhead.audit_head a where a.tenant = p_tenant order by a.n desc limit 1))
    from bulkhead.tenant_head h where h.uid = p_tenant
$$;

-- Recomputes a stretch of a chain from behind an entry on, at most p_limit entries and not beyond p_to. Answers how far it
-- follows from itself, the fault where it does not, and the signed heads on the way beside what was found at their place.
create function bulkhead.audit_slice_v1(p_tenant uuid, p_after bigint, p_hash bytea, p_to bigint, p_limit integer)
returns jsonb language plpgsql stable as $$
declare
  v bulkhead.audit;
  v_n bigint := p_after;
  v_hash bytea := p_hash;
  v_seen integer := 0;
  v_fault jsonb;
begin
  for v in select a.* from bulkhead.audit a where a.tenant = p_tenant and a.n > p_after and a.n <= p_to
    order by a.n, a.at limit p_limit
  loop
    v_seen := v_seen + 1;
    if v.n <= v_n then v_fault := jsonb_build_object('n', v.n, 'fault', 'reordered');
    elsif v.n > v_n + 1 then v_fault := jsonb_build_object('n', v_n + 1, 'fault', 'missing');
    elsif sha256(v_hash || bulkhead.audit_bytes_v1(v)) <> v.hash then
      -- A hash that follows from no content at this place: if an entry near it follows from what is before this one, they
      -- changed places.
      v_fault := jsonb_build_object('n', v.n, 'fault', case when exists (select 1 from bulkhead.audit o
        where o.tenant = p_tenant and o.n <> v.n and o.n between v.n - 1000 and v.n + 1000
          and sha256(v_hash || bulkhead.audit_bytes_v1((o.tenant, v.n, o.at, o.id, o.actor, o.key, o.action, o.resource,
            o.result, o.request_id, o.front, o.detail, o.hash)::bulkhead.audit)) in (o.hash, v.hash))
        then 'reordered' else 'changed' end);
    end if;
    exit when v_fault is not null;
    v_n := v.n;
    v_hash := v.hash;
  end loop;
  if v_fault is null and v_seen < p_limit and v_n < p_to then
    v_fault := jsonb_build_object('n', v_n + 1, 'fault', 'missing');
  end if;
  return jsonb_build_object('n', v_n, 'hash', encode(v_hash, 'hex'), 'fault', v_fault, 'heads', coalesce((
    select jsonb_agg(jsonb_build_object('n', s.n, 'hash', encode(s.hash, 'hex'), 'at', bulkhead.ms(s.at), 'keyId', s.key_id,
        'signature', encode(s.signature, 'hex'), 'found', encode(a.hash, 'hex')) order by s.n)
      from bulkhead.audit_head s left join bulkhead.audit a on a.tenant = s.tenant and a.n = s.n
      where s.tenant = p_tenant and s.n > p_after and s.n <= v_n), '[]'));
end $$;

-- Raises unless an entry could be written for that tenant now. Nothing is left of the try.
create function bulkhead.audit_writable_v1(p_tenant uuid) returns void language plpgsql as $$
declare
  v_n bigint;
begin
  perform bulkhead.enter_v1(p_tenant);
  select h.audit_seq + 1 into v_n from bulkhead.tenant_head h where h.uid = p_tenant;
  begin
    insert into bulkhead.audit (tenant, n, at, id, actor, key, action, resource, result, request_id, front, detail, hash)
      values (p_tenant, v_n, bulkhead.now(), gen_random_uuid(), '', '', '', '', '', '', '', '{}', '');
    raise exception 'undone' using errcode = 'BHUND';
  exception
    when sqlstate 'BHUND' then null;
    when unique_violation then null; -- Somebody else's entry has come between: it could be written.
  end;
end $$;

revoke execute on all functions in schema bulkhead from public;
grant execute on all functions in schema bulkhead to bulkhead_system;
grant execute on function bulkhead.audit_end_v1(uuid), bulkhead.audit_writable_v1(uuid),
  bulkhead.audit_slice_v1(uuid, bigint, bytea, bigint, integer) to bulkhead_app;
`;
