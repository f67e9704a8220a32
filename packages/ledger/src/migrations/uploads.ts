/**
 * Uploads that are sent in parts. A row is of the tenant whose key began it; what it holds is reserved from the tenant it
 * is charged to, under its own id, until it expires. Nothing of it is visible before it is committed as one write.
 */
export const uploads: string = String.raw`
create table bulkhead.upload (
  id uuid primary key,
  tenant uuid not null,
  charged uuid not null,
  key_id text not null,
  subject text not null,
  -- The folder that its bytes lie in.
  store text not null,
  path text collate "C" not null,
  size bigint not null check (size >= 0),
  stored bigint not null default 0 check (stored >= 0 and stored <= size),
  -- What its commit is told: condition, content type, metadata, digest.
  facts jsonb not null,
  done boolean not null default false,
  -- The idempotency row that its latest commit marks.
  claim text,
  -- Who appends to it, and until when nobody else may.
  writer uuid,
  writer_until timestamptz,
  created_at timestamptz not null default bulkhead.now(),
  expires_at timestamptz not null
);
create index upload_tenant on bulkhead.upload (tenant);
create index upload_expiry on bulkhead.upload (expires_at);

alter table bulkhead.upload enable row level security;
alter table bulkhead.upload force row level security;
create policy app on bulkhead.upload to bulkhead_app using (tenant = (select bulkhead.tenant()))
  with check (tenant = (select bulkhead.tenant()));
create policy system on bulkhead.upload to bulkhead_system using (true) with check (true);
grant select, insert, update, delete on bulkhead.upload to bulkhead_app, bulkhead_system;

create function bulkhead.upload_json_v1(u bulkhead.upload) returns jsonb language sql stable as $$
  select jsonb_build_object('id', u.id, 'charged', u.charged, 'store', u.store, 'path', u.path, 'size', u.size,
    'stored', u.stored, 'facts', u.facts, 'done', u.done, 'claim', u.claim, 'expiresAt', bulkhead.ms(u.expires_at))
$$;

-- Refused where the tenant has as many already as there may be.
create function bulkhead.upload_create_v1(p_tenant uuid, p_charged uuid, p_key text, p_subject text, p_store text,
  p_path text, p_size bigint, p_facts jsonb, p_ms bigint, p_most bigint) returns jsonb language plpgsql as $$
declare
  v bulkhead.upload;
  v_open bigint;
begin
  perform bulkhead.enter_v1(p_tenant);
  perform 1 from bulkhead.tenant_head h where h.uid = p_tenant for update;
  select count(*) into v_open from bulkhead.upload u where u.tenant = p_tenant and u.expires_at > bulkhead.now();
  if v_open >= p_most then perform bulkhead.refuse_v1('uploads', p_most, v_open, 1); end if;
  insert into bulkhead.upload (id, tenant, charged, key_id, subject, store, path, size, facts, expires_at)
    values (gen_random_uuid(), p_tenant, p_charged, p_key, p_subject, p_store, p_path, p_size, p_facts,
      bulkhead.now() + make_interval(secs => p_ms / 1000.0)) returning * into v;
  return bulkhead.upload_json_v1(v);
end $$;

-- Null for whoever did not begin it, and where it is over.
create function bulkhead.upload_get_v1(p_tenant uuid, p_key text, p_subject text, p_id uuid) returns jsonb
language plpgsql as $$
declare
  v bulkhead.upload;
begin
  perform bulkhead.enter_v1(p_tenant);
  select u.* into v from bulkhead.upload u where u.id = p_id and u.tenant = p_tenant and u.key_id = p_key
    and u.subject = p_subject and u.expires_at > bulkhead.now();
  return case when v.id is null then null else bulkhead.upload_json_v1(v) end;
end $$;

-- As upload_get_v1, for one writer at a time; 'busy' where somebody else is it.
create function bulkhead.upload_claim_v1(p_tenant uuid, p_key text, p_subject text, p_id uuid, p_writer uuid,
  p_lease_ms bigint) returns jsonb language plpgsql as $$
declare
  v bulkhead.upload;
begin
  perform bulkhead.enter_v1(p_tenant);
  select u.* into v from bulkhead.upload u where u.id = p_id and u.tenant = p_tenant and u.key_id = p_key
    and u.subject = p_subject and u.expires_at > bulkhead.now() for update;
  if v.id is null then return null; end if;
  if v.writer is not null and v.writer_until > bulkhead.now() then
    return bulkhead.upload_json_v1(v) || '{"busy": true}';
  end if;
  update bulkhead.upload u set writer = p_writer,
      writer_until = bulkhead.now() + make_interval(secs => p_lease_ms / 1000.0) where u.id = p_id;
  return bulkhead.upload_json_v1(v);
end $$;

-- Notes what its writer has done, and keeps it; with a lease of 0 lets go of it. False where it is somebody else's by now.
create function bulkhead.upload_keep_v1(p_tenant uuid, p_id uuid, p_writer uuid, p_stored bigint, p_claim text,
  p_done boolean, p_lease_ms bigint, p_ms bigint) returns boolean language plpgsql as $$
begin
  perform bulkhead.enter_v1(p_tenant);
  update bulkhead.upload u set stored = coalesce(p_stored, u.stored), claim = coalesce(p_claim, u.claim),
      done = u.done or p_done, writer = case when p_lease_ms > 0 then p_writer end,
      writer_until = bulkhead.now() + make_interval(secs => p_lease_ms / 1000.0),
      expires_at = bulkhead.now() + make_interval(secs => p_ms / 1000.0)
    where u.id = p_id and u.tenant = p_tenant and u.writer = p_writer;
  return found;
end $$;

create function bulkhead.upload_end_v1(p_tenant uuid, p_id uuid) returns void language plpgsql as $$
begin
  perform bulkhead.enter_v1(p_tenant);
  delete from bulkhead.upload u where u.id = p_id and u.tenant = p_tenant;
end $$;

-- Makes what an upload holds so much in all, and keeps it; null where nothing limits the tenant.
create function bulkhead.upload_reserve_v1(p_charged uuid, p_id uuid, p_total bigint, p_ms bigint) returns bigint
language plpgsql as $$
declare
  v_more bigint;
begin
  perform bulkhead.enter_v1(p_charged);
  v_more := p_total - coalesce((select r.bytes from bulkhead.reservation r where r.id = p_id), 0);
  if v_more > 0 and bulkhead.reserve_v1(p_charged, p_id, v_more, v_more) is null then return null; end if;
  update bulkhead.reservation r set lease = bulkhead.now() + make_interval(secs => p_ms / 1000.0) where r.id = p_id;
  return p_total;
end $$;

-- Whether the operation that an idempotency row stands for has happened.
create function bulkhead.upload_committed_v1(p_claim text) returns boolean language plpgsql as $$
begin
  perform bulkhead.enter_v1(split_part(p_claim, '.', 1)::uuid);
  return exists (select 1 from bulkhead.idempotency i where i.id = split_part(p_claim, '.', 2)::uuid
    and i.state <> 'in-flight');
end $$;

-- Ends what has expired, and what is of tenants that end; gives back what it held.
create function bulkhead.uploads_lapse_v1(p_limit integer) returns bigint language plpgsql as $$
declare
  v record;
  v_count bigint := 0;
begin
  for v in
    delete from bulkhead.upload u where u.id in (
      select o.id from bulkhead.upload o where (o.expires_at <= bulkhead.now()
          and (o.writer is null or o.writer_until <= bulkhead.now()))
        or exists (select 1 from bulkhead.tenant t where t.uid in (o.tenant, o.charged) and t.status in ('deleting', 'deleted'))
        order by o.id limit p_limit for update skip locked)
      returning u.id, u.charged
  loop
    perform bulkhead.reservation_release_v1(v.charged, v.id);
    v_count := v_count + 1;
  end loop;
  return v_count;
end $$;

-- Which of these still have bytes.
create function bulkhead.uploads_known_v1(p_ids uuid[]) returns uuid[] language sql stable as $$
  select coalesce(array_agg(u.id), '{}') from bulkhead.upload u where u.id = any (p_ids) and not u.done
$$;

revoke execute on all functions in schema bulkhead from public;
grant execute on all functions in schema bulkhead to bulkhead_system;
grant execute on function bulkhead.upload_json_v1(bulkhead.upload),
  bulkhead.upload_create_v1(uuid, uuid, text, text, text, text, bigint, jsonb, bigint, bigint),
  bulkhead.upload_get_v1(uuid, text, text, uuid),
  bulkhead.upload_claim_v1(uuid, text, text, uuid, uuid, bigint),
  bulkhead.upload_keep_v1(uuid, uuid, uuid, bigint, text, boolean, bigint, bigint),
  bulkhead.upload_end_v1(uuid, uuid), bulkhead.upload_reserve_v1(uuid, uuid, bigint, bigint),
  bulkhead.upload_committed_v1(text)
  to bulkhead_app;
`;
