/** A small write to storage outside the ledger in two transactions: granted in one, settled in one, each row once. */
export const plainWrites: string = String.raw`
-- What these functions touch is a row or two of each: to prepare a subquery for one row costs more than the row.
do $$
declare
  v_name text;
begin
  foreach v_name in array array['intent', 'accounted', 'accounted_mount', 'reservation'] loop
    execute format('alter policy app on bulkhead.%I using (tenant = bulkhead.tenant()) with check (tenant = bulkhead.tenant())',
      v_name);
  end loop;
end $$;

-- intent_begin_v2 and intent_commit_v3 of a write without an Idempotency-Key or a reservation whose content is staged
-- before anything is known of it here: the intent comes to be as it is granted. p_fences are the tenants it stands on, in
-- order of uid, with the revisions of those that have one.
create function bulkhead.intent_grant_v1(p_tenant uuid, p_id uuid, p_settlement jsonb, p_fences uuid[], p_ns bigint[],
  p_epochs uuid[], p_mount text, p_fencing bigint, p_paths text[], p_size bigint, p_staged text, p_staged_size bigint,
  p_digest text, p_etag_before text) returns text language plpgsql as $$
declare
  v_bytes bigint;
  v_files bigint;
  v_old bigint;
  v_more bigint := 0;
  v_new integer := 0;
  v_head bulkhead.tenant_head;
begin
  if jsonb_typeof(p_settlement->'audit') = 'object' then perform bulkhead.audit_writable_v1(p_tenant); end if;
  for i in 1 .. cardinality(p_fences) loop
    perform pg_advisory_xact_lock_shared(bulkhead.fence_key(p_fences[i]));
  end loop;
  for i in 1 .. cardinality(p_fences) loop
    continue when p_ns[i] is null;
    perform set_config('bulkhead.tenant', p_fences[i]::text, true);
    if not exists (select 1 from bulkhead.revision r where r.tenant = p_fences[i] and r.n = p_ns[i]
      and r.epoch = p_epochs[i]) then return 'moved'; end if;
  end loop;
  perform set_config('bulkhead.tenant', p_tenant::text, true);
  -- A process that was overtaken must not touch a storage that is another's now. Who takes a lease over waits here, so
  -- that it finds every commit that was granted before among the pending.
  if p_fencing is not null then
    perform pg_advisory_xact_lock_shared(hashtextextended('mount:' || p_mount, 20262));
    if not exists (select 1 from bulkhead.lease l where l.name = 'mount:' || p_mount and l.fencing = p_fencing
      and l.holder is not null and l.until > bulkhead.now()) then
      raise exception 'lease lost' using errcode = 'BH503';
    end if;
  end if;
  select floor((t.limits->>'bytes')::numeric), floor((t.limits->>'files')::numeric) into v_bytes, v_files
    from bulkhead.tenant t where t.uid = p_tenant;
  if v_bytes is not null or v_files is not null then
    select h.* into v_head from bulkhead.tenant_head h where h.uid = p_tenant for update;
    -- Under the head's lock: what is charged at this path has been settled.
    select a.size into v_old from bulkhead.accounted a where a.mount = p_mount and a.path = p_paths[1];
    v_new := (v_old is null)::integer;
    v_more := greatest(p_staged_size - coalesce(v_old, 0), 0);
    if v_more > 0 and v_head.used + v_head.reserved + v_more > v_bytes then
      v_head.reserved := v_head.reserved - bulkhead.reservations_lapse_v1(p_tenant);
      if v_head.used + v_head.reserved + v_more > v_bytes then
        perform bulkhead.refuse_v1('bytes', v_bytes, v_head.used, v_more);
      end if;
    end if;
    if v_new > 0 and v_head.files + v_new > v_files then
      perform bulkhead.refuse_v1('files', v_files, v_head.files - v_head.reserved_files, v_new);
    end if;
    update bulkhead.tenant_head h set reserved = v_head.reserved + v_more, files = h.files + v_new,
      reserved_files = h.reserved_files + v_new where h.uid = p_tenant;
  end if;
  insert into bulkhead.intent (id, tenant, fences, mount, fencing, operation, paths, size, settlement, state, staged,
      staged_size, digest, etag_before, reserved_bytes, reserved_files, lease)
    values (p_id, p_tenant, p_fences, p_mount, p_fencing, 'write', p_paths, p_size, p_settlement, 'committing', p_staged,
      p_staged_size, p_digest, p_etag_before, v_more, v_new, bulkhead.now() + interval '10 seconds');
  return 'committing';
end $$;

-- Lets intents that were granted on what was charged then reserve what they may add by now, as intent_settle_v3 does.
create function bulkhead.intents_keep_v1(p_tenant uuid, p_mount text) returns void language plpgsql as $$
declare
  v_more bigint;
begin
  if not exists (select 1 from bulkhead.tenant t where t.uid = p_tenant and t.limits->>'bytes' is not null)
      or not exists (select 1 from bulkhead.accounted_mount m where m.mount = p_mount) then return; end if;
  with short as (
    select i.id, i.staged_size - coalesce(a.size, 0) - i.reserved_bytes - coalesce(r.bytes, 0) as bytes
      from bulkhead.intent i left join bulkhead.accounted a on a.mount = i.mount and a.path = i.paths[1]
        left join bulkhead.reservation r on r.id = i.id
      where i.mount = p_mount and i.tenant = p_tenant and i.state = 'committing' and i.operation = 'write'
  ), kept as (
    insert into bulkhead.reservation as r (id, tenant, bytes, lease)
      select s.id, p_tenant, s.bytes, 'infinity' from short s where s.bytes > 0
      on conflict (id) do update set bytes = r.bytes + excluded.bytes
      returning 1
  ) select coalesce(sum(s.bytes) filter (where s.bytes > 0), 0) into v_more from short s
    where (select count(*) from kept) >= 0;
  if v_more > 0 then
    update bulkhead.tenant_head h set reserved = h.reserved + v_more where h.uid = p_tenant;
  end if;
end $$;

-- As intent_settle_v3. A write of one file that no relations follow and no key of an answer waits for is done here, in
-- the same order of locks: its intent, what is charged, the head.
create function bulkhead.intent_settle_v4(p_id text, p_outcome jsonb, p_facts jsonb) returns text language plpgsql as $$
declare
  v_tenant uuid := split_part(p_id, '.', 1)::uuid;
  v_id uuid := split_part(p_id, '.', 2)::uuid;
  v_path text := p_facts->0->>'path';
  v_size bigint := (p_facts->0->>'size')::bigint;
  v_mount text;
  v_paths text[];
  v_audit jsonb;
  v_old bigint;
  v_below record;
  v_gone bigint;
  v_bytes bigint;
  v_files bigint := 1;
  v_seq bigint;
  v_entry bigint;
  v_hash bytea;
  v_now timestamptz;
  v_uuid uuid;
  v_detail jsonb;
begin
  perform set_config('bulkhead.tenant', v_tenant::text, true);
  if jsonb_array_length(case jsonb_typeof(p_facts) when 'array' then p_facts else '[]' end) <> 1
      or p_facts->0->>'is' <> 'file' then
    return bulkhead.intent_settle_v3(p_id, p_outcome, p_facts);
  end if;
  select i.mount, i.paths, i.settlement->'audit' into v_mount, v_paths, v_audit from bulkhead.intent i
    where i.id = v_id and i.operation = 'write' and not i.moving and i.settlement->>'idempotency' is null for update;
  -- There it is told what is gone from what is another thing.
  if not found then return bulkhead.intent_settle_v3(p_id, p_outcome, p_facts); end if;

  v_below := bulkhead.below_v1(v_path);
  with gone as (
    delete from bulkhead.accounted a where a.mount = v_mount and a.path > v_below.low and a.path < v_below.high
      returning a.size
  ) select count(*), v_size - coalesce(sum(g.size), 0) into v_gone, v_bytes from gone g;
  update bulkhead.accounted a set size = v_size, etag = p_facts->0->>'etag'
    from (select o.mount, o.path, o.size from bulkhead.accounted o where o.mount = v_mount and o.path = v_path for update) o
    where a.mount = o.mount and a.path = o.path returning o.size into v_old;
  if found then
    v_bytes := v_bytes - v_old;
    v_files := 0;
  else
    insert into bulkhead.accounted (tenant, mount, path, size, etag)
      values (v_tenant, v_mount, v_path, v_size, p_facts->0->>'etag');
  end if;
  -- With it goes what it reserved.
  delete from bulkhead.intent i where i.id = v_id;

  select h.seq + 1, h.audit_seq + 1, h.audit_hash into v_seq, v_entry, v_hash
    from bulkhead.tenant_head h where h.uid = v_tenant for update;
  if not found then raise exception 'no such tenant' using errcode = 'BH404'; end if;
  v_now := bulkhead.now();
  insert into bulkhead.change (tenant, seq, at, kind, payload) values (v_tenant, v_seq, v_now, 'file.write',
    jsonb_build_object('mount', v_mount, 'paths', to_jsonb(v_paths), 'outcome', p_outcome));
  if jsonb_typeof(v_audit) = 'object' then
    v_uuid := gen_random_uuid();
    v_detail := coalesce(v_audit->'detail', '{}') || p_outcome;
    -- The bytes of audit_bytes_v1.
    v_hash := sha256(v_hash || convert_to(jsonb_build_array(1, v_tenant, v_entry, v_uuid,
      (extract(epoch from v_now) * 1000000)::bigint, coalesce(v_audit->>'actor', ''), coalesce(v_audit->>'key', ''),
      coalesce(v_audit->>'action', ''), coalesce(v_audit->>'resource', ''), 'SUCCESS',
      coalesce(v_audit->>'requestId', ''), coalesce(v_audit->>'front', ''), v_detail)::text, 'UTF8'));
    insert into bulkhead.audit (tenant, n, at, id, actor, key, action, resource, result, request_id, front, detail, hash)
      values (v_tenant, v_entry, v_now, v_uuid, coalesce(v_audit->>'actor', ''), coalesce(v_audit->>'key', ''),
        coalesce(v_audit->>'action', ''), coalesce(v_audit->>'resource', ''), 'SUCCESS',
        coalesce(v_audit->>'requestId', ''), coalesce(v_audit->>'front', ''), v_detail, v_hash);
  else v_entry := v_entry - 1;
  end if;
  update bulkhead.tenant_head h set seq = v_seq, used = h.used + v_bytes, files = h.files + v_files - v_gone,
      audit_seq = v_entry, audit_hash = v_hash
    where h.uid = v_tenant;
  -- Another one that was granted on what this one has changed keeps what this one freed.
  if v_old > v_size or v_gone > 0 then perform bulkhead.intents_keep_v1(v_tenant, v_mount); end if;
  return 'settled';
end $$;

revoke execute on function bulkhead.intent_grant_v1(uuid, uuid, jsonb, uuid[], bigint[], uuid[], text, bigint, text[],
  bigint, text, bigint, text, text), bulkhead.intents_keep_v1(uuid, text), bulkhead.intent_settle_v4(text, jsonb, jsonb)
  from public;
grant execute on function bulkhead.intent_grant_v1(uuid, uuid, jsonb, uuid[], bigint[], uuid[], text, bigint, text[],
  bigint, text, bigint, text, text), bulkhead.intents_keep_v1(uuid, text), bulkhead.intent_settle_v4(text, jsonb, jsonb)
  to bulkhead_app, bulkhead_system;
`;
