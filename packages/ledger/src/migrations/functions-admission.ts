/** The revision read, with what subjects and other tenants add to it. */
export const admissionFunctions: string = String.raw`
-- One snapshot of all that decides who the bearers of these keys are, and of the revisions of these tenants. A key is
-- dead while its subject, or that of a key it was minted with, is suspended or going.
create function bulkhead.admit_v2(p_ids text[], p_hashes bytea[], p_tenants uuid[]) returns jsonb
language plpgsql stable as $$
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
    select w.id as leaf, 0 as depth, w.parent, w.scopes, w.workspace_prefix, w.expires_at, w.revoked_at, w.tenant,
        w.subject_type, w.subject_id from wanted w
    union all
    select c.leaf, c.depth + 1, k.parent, k.scopes, k.workspace_prefix, k.expires_at, k.revoked_at, k.tenant,
        k.subject_type, k.subject_id
      from chain c join bulkhead.key k on k.id = c.parent where c.depth < 64
  )
  select jsonb_build_object(
    'recovery', pg_is_in_recovery(),
    'now', bulkhead.ms(v_now),
    'platform', (select jsonb_build_object('epoch', r.epoch, 'n', r.n) from bulkhead.revision r
      where r.tenant = '00000000-0000-0000-0000-000000000000'),
    'tenants', case when cardinality(p_tenants) = 0 then '[]'::jsonb else coalesce((
      select jsonb_agg(jsonb_build_object('tenant', r.tenant, 'epoch', r.epoch, 'n', r.n, 'status', t.status))
        from bulkhead.revision r left join bulkhead.tenant t on t.uid = r.tenant where r.tenant = any (p_tenants)), '[]') end,
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
          'dead', c.revoked_at <= v_now or coalesce(c.expires_at <= v_now, false) or exists (
            select 1 from bulkhead.subject s where s.tenant = c.tenant and s.type = c.subject_type
              and s.id = c.subject_id and s.status <> 'active')) order by c.depth)
        from chain c where c.leaf = w.id))) from wanted w), '[]'))
  into v_result;
  return v_result;
end $$;
`;
