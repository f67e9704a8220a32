/** What file operations call, one round trip each: intents and idempotency, as bulkhead_app. */
export const hotFunctions: string = String.raw`
-- The fences of every tenant a settlement names, shared, in order of uid.
create function bulkhead.fences_v1(p_settlement jsonb) returns uuid[] language plpgsql as $$
declare
  v_fences uuid[];
  v_uid uuid;
begin
  select array_agg(f.uid order by f.uid) into v_fences from (
    select bulkhead.uid_of(r.value->>'tenant') as uid from jsonb_array_elements(p_settlement->'revisions') r
    union select bulkhead.uid_of(p_settlement->>'tenant')) f;
  foreach v_uid in array v_fences loop
    perform pg_advisory_xact_lock_shared(bulkhead.fence_key(v_uid));
  end loop;
  return v_fences;
end $$;

-- True if any revision differs from what was decided on, by number or by epoch.
create function bulkhead.moved_v1(p_settlement jsonb) returns boolean language plpgsql as $$
declare
  v_revision jsonb;
  v_uid uuid;
begin
  for v_revision in select r.value from jsonb_array_elements(p_settlement->'revisions') r loop
    v_uid := bulkhead.uid_of(v_revision->>'tenant');
    perform bulkhead.enter_v1(v_uid);
    if not exists (select 1 from bulkhead.revision r where r.tenant = v_uid
        and r.n = (v_revision->>'n')::bigint and r.epoch::text = v_revision->>'epoch') then
      return true;
    end if;
  end loop;
  return false;
end $$;

-- False if the claim is not there any more: it lapsed, and somebody else has the key.
create function bulkhead.idempotency_commit_v1(p_id text, p_outcome jsonb) returns boolean language plpgsql as $$
begin
  perform bulkhead.enter_v1(split_part(p_id, '.', 1)::uuid);
  update bulkhead.idempotency i set state = 'committed', outcome = p_outcome
    where i.id = split_part(p_id, '.', 2)::uuid and i.state <> 'answered';
  return found;
end $$;

create function bulkhead.idempotency_claim_v1(p_scope uuid, p_key_id text, p_route text, p_key text, p_digest text)
returns jsonb language plpgsql as $$
declare
  v bulkhead.idempotency;
  v_now timestamptz := bulkhead.now();
  v_id uuid := gen_random_uuid();
  v_busy boolean := false;
begin
  perform bulkhead.enter_v1(p_scope);
  insert into bulkhead.idempotency (id, scope, key_id, route, key, digest, state, lease, expires_at)
    values (v_id, p_scope, p_key_id, p_route, p_key, p_digest, 'in-flight', v_now + interval '60 seconds',
      v_now + interval '24 hours')
    on conflict (scope, key_id, route, key) do nothing;
  if found then return jsonb_build_object('state', 'new', 'id', p_scope || '.' || v_id); end if;
  select i.* into v from bulkhead.idempotency i
    where i.scope = p_scope and i.key_id = p_key_id and i.route = p_route and i.key = p_key for update;
  -- Purged or released between the two statements: the next try inserts.
  if not found then return jsonb_build_object('state', 'in-flight'); end if;
  if v.state <> 'in-flight' and v.expires_at <= v_now then
    update bulkhead.idempotency i set id = v_id, digest = p_digest, state = 'in-flight', outcome = null, status = null,
      body = null, intent = null, intent_tenant = null, lease = v_now + interval '60 seconds',
      expires_at = v_now + interval '24 hours' where i.id = v.id;
    return jsonb_build_object('state', 'new', 'id', p_scope || '.' || v_id);
  end if;
  if p_digest is not null and v.digest is not null and p_digest <> v.digest then
    return jsonb_build_object('state', 'mismatch');
  end if;
  if v.state = 'answered' then
    return jsonb_build_object('state', 'answered', 'status', v.status, 'body', v.body, 'digest', v.digest);
  elsif v.state = 'committed' then
    return jsonb_build_object('state', 'committed', 'id', p_scope || '.' || v.id, 'digest', v.digest);
  end if;
  if v.lease > v_now then return jsonb_build_object('state', 'in-flight'); end if;
  if v.intent is not null then
    perform bulkhead.enter_v1(v.intent_tenant);
    v_busy := exists (select 1 from bulkhead.intent i where i.id = v.intent);
    perform bulkhead.enter_v1(p_scope);
  end if;
  if v_busy then return jsonb_build_object('state', 'in-flight'); end if;
  -- A new id: what the earlier claimant still does cannot answer for this one.
  update bulkhead.idempotency i set id = v_id, digest = p_digest, intent = null, intent_tenant = null,
    lease = v_now + interval '60 seconds', expires_at = v_now + interval '24 hours' where i.id = v.id;
  return jsonb_build_object('state', 'new', 'id', p_scope || '.' || v_id);
end $$;

create function bulkhead.idempotency_answer_v1(p_id text, p_digest text, p_status integer, p_body jsonb)
returns void language plpgsql as $$
begin
  perform bulkhead.enter_v1(split_part(p_id, '.', 1)::uuid);
  update bulkhead.idempotency i set state = 'answered', digest = p_digest, status = p_status, body = p_body
    where i.id = split_part(p_id, '.', 2)::uuid and i.state <> 'answered';
end $$;

create function bulkhead.idempotency_release_v1(p_id text) returns void language plpgsql as $$
begin
  perform bulkhead.enter_v1(split_part(p_id, '.', 1)::uuid);
  delete from bulkhead.idempotency i where i.id = split_part(p_id, '.', 2)::uuid and i.state = 'in-flight';
end $$;

create function bulkhead.intent_begin_v1(p_settlement jsonb, p_mount text, p_fencing bigint, p_operation text,
  p_paths text[], p_size bigint)
returns text language plpgsql as $$
declare
  v_tenant uuid := bulkhead.uid_of(p_settlement->>'tenant');
  v_id uuid := gen_random_uuid();
  v_idempotency text := p_settlement->>'idempotency';
begin
  if v_idempotency is not null then
    perform bulkhead.enter_v1(split_part(v_idempotency, '.', 1)::uuid);
    update bulkhead.idempotency i set intent = v_id, intent_tenant = v_tenant
      where i.id = split_part(v_idempotency, '.', 2)::uuid;
    -- The claim lapsed and is somebody else's now: doing it as well would do it twice.
    if not found then raise exception 'claim lost' using errcode = 'BH409'; end if;
  end if;
  perform bulkhead.enter_v1(v_tenant);
  insert into bulkhead.intent (id, tenant, fences, mount, fencing, operation, paths, size, settlement, state, lease)
    values (v_id, v_tenant,
      (select array_agg(f.uid order by f.uid) from (
        select bulkhead.uid_of(r.value->>'tenant') as uid from jsonb_array_elements(p_settlement->'revisions') r
        union select v_tenant) f),
      p_mount, p_fencing, p_operation, p_paths, p_size, p_settlement, 'open', bulkhead.now() + interval '60 seconds');
  return v_tenant || '.' || v_id;
end $$;

create function bulkhead.intent_commit_v1(p_id text, p_settlement jsonb, p_staged text, p_size bigint, p_digest text,
  p_etag_before text) returns text language plpgsql as $$
declare
  v_fences uuid[] := bulkhead.fences_v1(p_settlement);
  v_mount text;
  v_fencing bigint;
begin
  if bulkhead.moved_v1(p_settlement) then return 'moved'; end if;
  perform bulkhead.enter_v1(split_part(p_id, '.', 1)::uuid);
  update bulkhead.intent i set state = 'committing', fences = v_fences, settlement = p_settlement, staged = p_staged,
      staged_size = p_size, digest = p_digest, etag_before = p_etag_before,
      lease = bulkhead.now() + interval '10 seconds'
    where i.id = split_part(p_id, '.', 2)::uuid returning i.mount, i.fencing into v_mount, v_fencing;
  if not found then raise exception 'intent gone' using errcode = 'BH409'; end if;
  -- A process that was overtaken must not touch a storage that is another's now. Who takes a lease over waits here, so
  -- that it finds every commit that was granted before among the pending.
  if v_fencing is not null then perform pg_advisory_xact_lock_shared(hashtextextended('mount:' || v_mount, 20262)); end if;
  if v_fencing is not null and not exists (select 1 from bulkhead.lease l where l.name = 'mount:' || v_mount
      and l.fencing = v_fencing and l.holder is not null and l.until > bulkhead.now()) then
    raise exception 'lease lost' using errcode = 'BH503';
  end if;
  return 'committing';
end $$;

create function bulkhead.intent_settle_v1(p_id text, p_outcome jsonb) returns boolean language plpgsql as $$
declare
  v bulkhead.intent;
  v_seq bigint;
  v_audit jsonb;
begin
  perform bulkhead.enter_v1(split_part(p_id, '.', 1)::uuid);
  delete from bulkhead.intent i where i.id = split_part(p_id, '.', 2)::uuid returning i.* into v;
  if not found then return false; end if;
  if v.settlement->>'idempotency' is not null then
    perform bulkhead.idempotency_commit_v1(v.settlement->>'idempotency', p_outcome);
    perform bulkhead.enter_v1(v.tenant);
  end if;
  update bulkhead.tenant_head h set seq = h.seq + 1 where h.uid = v.tenant returning h.seq into v_seq;
  if not found then raise exception 'no such tenant' using errcode = 'BH404'; end if;
  insert into bulkhead.outbox (tenant, seq, kind, payload, created_at) values (v.tenant, v_seq, 'file.' || v.operation,
    jsonb_build_object('mount', v.mount, 'paths', to_jsonb(v.paths), 'outcome', p_outcome), bulkhead.now());
  v_audit := v.settlement->'audit';
  if jsonb_typeof(v_audit) = 'object' then
    perform bulkhead.audit_append_v1(v.tenant,
      v_audit || jsonb_build_object('detail', coalesce(v_audit->'detail', '{}') || p_outcome), 'SUCCESS');
  end if;
  return true;
end $$;

create function bulkhead.intent_discard_v1(p_id text) returns void language plpgsql as $$
begin
  perform bulkhead.enter_v1(split_part(p_id, '.', 1)::uuid);
  delete from bulkhead.intent i where i.id = split_part(p_id, '.', 2)::uuid;
end $$;

-- Only what still streams: a granted commit has its ten seconds, which a change that takes away waits for.
create function bulkhead.intent_renew_v1(p_ids text[]) returns void language plpgsql as $$
declare
  v_id text;
begin
  foreach v_id in array p_ids loop
    perform bulkhead.enter_v1(split_part(v_id, '.', 1)::uuid);
    update bulkhead.intent i set lease = bulkhead.now() + interval '60 seconds'
      where i.id = split_part(v_id, '.', 2)::uuid and i.state = 'open';
  end loop;
end $$;
`;
