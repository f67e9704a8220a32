/** Small pieces, the records as JSON, the revision read and the audit chain. */
export const coreFunctions: string = String.raw`
create function bulkhead.ms(t timestamptz) returns bigint language sql immutable parallel safe
  as $$ select floor(extract(epoch from t) * 1000)::bigint $$;

create function bulkhead.uid_of(named text) returns uuid language sql immutable parallel safe
  as $$ select case when named is null or named = 'platform' then '00000000-0000-0000-0000-000000000000'::uuid
                    else named::uuid end $$;

create function bulkhead.fence_key(uid uuid) returns bigint language sql immutable parallel safe
  as $$ select hashtextextended(uid::text, 20260) $$;

-- Makes the rows of one tenant visible to bulkhead_app until the transaction ends.
create function bulkhead.enter_v1(uid uuid) returns void language plpgsql
  as $$ begin perform set_config('bulkhead.tenant', uid::text, true); end $$;

create function bulkhead.tenant_json_v1(t bulkhead.tenant) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'uid', t.uid, 'id', t.id, 'name', t.name, 'status', t.status, 'plan', t.plan,
    'roots', coalesce((select jsonb_agg(r.path order by r.generation) from bulkhead.root r where r.tenant = t.uid), '[]'),
    'subdomain', t.subdomain, 'region', t.region, 'allowedRegions', to_jsonb(t.allowed_regions),
    'limits', t.limits, 'features', to_jsonb(t.features), 'settings', t.settings,
    'billingCycle', t.billing_cycle, 'mrrMinor', t.mrr_minor,
    'createdAt', bulkhead.ms(t.created_at), 'updatedAt', bulkhead.ms(t.updated_at),
    'trialEndsAt', bulkhead.ms(t.trial_ends_at), 'suspendedAt', bulkhead.ms(t.suspended_at),
    'suspensionReason', t.suspension_reason, 'reactivatedAt', bulkhead.ms(t.reactivated_at),
    'deletedAt', bulkhead.ms(t.deleted_at))
$$;

create function bulkhead.key_json_v1(k bulkhead.key) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'id', k.id, 'tenant', (select t.id from bulkhead.tenant t where t.uid = k.tenant), 'name', k.name,
    'subject', jsonb_build_object('type', k.subject_type, 'id', k.subject_id),
    'workspacePrefix', k.workspace_prefix, 'scopes', to_jsonb(k.scopes),
    'createdAt', bulkhead.ms(k.created_at), 'createdBy', k.created_by, 'expiresAt', bulkhead.ms(k.expires_at),
    'lastUsedAt', bulkhead.ms(k.last_used_at), 'revokedAt', bulkhead.ms(k.revoked_at), 'parent', k.parent)
$$;

-- One snapshot of all that decides who the bearers of these keys are. STABLE: every read is of the caller's snapshot.
create function bulkhead.admit_v1(p_ids text[], p_hashes bytea[]) returns jsonb language plpgsql stable as $$
declare
  v_now timestamptz := bulkhead.now();
  v_result jsonb;
begin
  with recursive wanted as (
    select k.* from bulkhead.key k where k.id = any (p_ids)
    union
    select k.* from bulkhead.key k where k.hash = any (p_hashes)
      and k.tenant = '00000000-0000-0000-0000-000000000000'
  ), chain as (
    select w.id as leaf, 0 as depth, w.parent, w.scopes, w.workspace_prefix, w.expires_at, w.revoked_at from wanted w
    union all
    select c.leaf, c.depth + 1, k.parent, k.scopes, k.workspace_prefix, k.expires_at, k.revoked_at
      from chain c join bulkhead.key k on k.id = c.parent where c.depth < 64
  )
  select jsonb_build_object(
    'recovery', pg_is_in_recovery(),
    'now', bulkhead.ms(v_now),
    'platform', (select jsonb_build_object('epoch', r.epoch, 'n', r.n) from bulkhead.revision r
      where r.tenant = '00000000-0000-0000-0000-000000000000'),
    'keys', coalesce((select jsonb_agg(jsonb_build_object(
      'id', w.id, 'hash', encode(w.hash, 'hex'),
      'subject', jsonb_build_object('type', w.subject_type, 'id', w.subject_id),
      'tenant', (select jsonb_build_object('uid', t.uid, 'id', t.id, 'status', t.status, 'epoch', r.epoch, 'n', r.n,
          'roots', coalesce((select jsonb_agg(o.path order by o.generation) from bulkhead.root o
            where o.tenant = t.uid), '[]'))
        from bulkhead.tenant t join bulkhead.revision r on r.tenant = t.uid where t.uid = w.tenant),
      'platform', w.tenant = '00000000-0000-0000-0000-000000000000',
      'chain', (select jsonb_agg(jsonb_build_object('scopes', to_jsonb(c.scopes), 'prefix', c.workspace_prefix,
          'parent', c.parent, 'expiresAt', bulkhead.ms(c.expires_at),
          'dead', c.revoked_at <= v_now or coalesce(c.expires_at <= v_now, false)) order by c.depth)
        from chain c where c.leaf = w.id))) from wanted w), '[]'))
  into v_result;
  return v_result;
end $$;

create function bulkhead.audit_bytes_v1(a bulkhead.audit) returns bytea language sql stable as $$
  select convert_to(jsonb_build_array(1, a.tenant, a.n, a.id, (extract(epoch from a.at) * 1000000)::bigint, a.actor,
    a.key, a.action, a.resource, a.result, a.request_id, a.front, a.detail)::text, 'UTF8')
$$;

-- The last lock of its transaction: the head of the tenant's chain.
create function bulkhead.audit_append_v1(p_tenant uuid, p_draft jsonb, p_result text) returns uuid
language plpgsql as $$
declare
  v bulkhead.audit;
  v_previous bytea;
begin
  perform bulkhead.enter_v1(p_tenant);
  select h.audit_seq + 1, h.audit_hash into v.n, v_previous
    from bulkhead.tenant_head h where h.uid = p_tenant for update;
  if not found then raise exception 'no such chain' using errcode = 'BH404'; end if;
  v.tenant := p_tenant;
  v.at := bulkhead.now();
  v.id := gen_random_uuid();
  v.actor := coalesce(p_draft->>'actor', '');
  v.key := coalesce(p_draft->>'key', '');
  v.action := coalesce(p_draft->>'action', '');
  v.resource := coalesce(p_draft->>'resource', '');
  v.result := p_result;
  v.request_id := coalesce(p_draft->>'requestId', '');
  v.front := coalesce(p_draft->>'front', '');
  v.detail := coalesce(p_draft->'detail', '{}');
  v.hash := sha256(v_previous || bulkhead.audit_bytes_v1(v));
  insert into bulkhead.audit (tenant, n, at, id, actor, key, action, resource, result, request_id, front, detail, hash)
    values (v.tenant, v.n, v.at, v.id, v.actor, v.key, v.action, v.resource, v.result, v.request_id, v.front,
      v.detail, v.hash);
  update bulkhead.tenant_head h set audit_seq = v.n, audit_hash = v.hash where h.uid = p_tenant;
  return v.id;
end $$;

-- Recomputes a chain; STABLE, so that head and entries are of one snapshot. Null, or the first fault.
create function bulkhead.audit_verify_v1(p_tenant uuid) returns jsonb language plpgsql stable as $$
declare
  v bulkhead.audit;
  v_n bigint := 0;
  v_hash bytea := decode(repeat('00', 32), 'hex');
  v_head bulkhead.tenant_head;
begin
  for v in select a.* from bulkhead.audit a where a.tenant = p_tenant order by a.n, a.at loop
    if v.n <= v_n then return jsonb_build_object('n', v.n, 'fault', 'reordered'); end if;
    if v.n > v_n + 1 then return jsonb_build_object('n', v_n + 1, 'fault', 'missing'); end if;
    if sha256(v_hash || bulkhead.audit_bytes_v1(v)) <> v.hash then
      -- A hash that follows from no content at this place: if the entry after another one bears it, they changed places.
      if exists (select 1 from bulkhead.audit o where o.tenant = p_tenant and o.n <> v.n
          and sha256(v_hash || bulkhead.audit_bytes_v1(
            (o.tenant, v.n, o.at, o.id, o.actor, o.key, o.action, o.resource, o.result, o.request_id, o.front,
             o.detail, o.hash)::bulkhead.audit)) in (o.hash, v.hash)) then
        return jsonb_build_object('n', v.n, 'fault', 'reordered');
      end if;
      return jsonb_build_object('n', v.n, 'fault', 'changed');
    end if;
    v_n := v.n;
    v_hash := v.hash;
  end loop;
  select h.* into v_head from bulkhead.tenant_head h where h.uid = p_tenant;
  if v_n < v_head.audit_seq then return jsonb_build_object('n', v_n + 1, 'fault', 'missing'); end if;
  if v_hash <> v_head.audit_hash then return jsonb_build_object('n', v_n, 'fault', 'changed'); end if;
  return null;
end $$;

-- Entries of refusals, in order of their tenants' uids.
create function bulkhead.denials_v1(p_entries jsonb) returns void language plpgsql as $$
declare
  e jsonb;
begin
  for e in select x.value from jsonb_array_elements(p_entries) with ordinality x (value, i)
    order by bulkhead.uid_of(x.value->>'tenant'), x.i
  loop
    begin
      perform bulkhead.audit_append_v1(bulkhead.uid_of(e->>'tenant'), e->'draft', e->>'result');
    exception when sqlstate 'BH404' then
      null; -- A tenant that never was has no chain.
    end;
  end loop;
end $$;
`;
