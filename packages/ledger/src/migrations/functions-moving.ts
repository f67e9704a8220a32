/**
 * Rename and removal on storage outside the ledger: where relations lie on the way, the intent says so from its commit
 * on, and they follow in the transaction that settles it.
 */
export const movingFunctions: string = String.raw`
-- As intent_commit_v1. 'moving' where something is granted or shared at or below what is moved or removed. From here on
-- no grant is made there (intents_cover_v1): it was made before, and is seen here, or finds the intent.
create function bulkhead.intent_commit_v2(p_id text, p_settlement jsonb, p_staged text, p_size bigint, p_digest text,
  p_etag_before text) returns text language plpgsql as $$
declare
  v_fences uuid[] := bulkhead.fences_v1(p_settlement);
  v_tenant uuid := split_part(p_id, '.', 1)::uuid;
  v_id uuid := split_part(p_id, '.', 2)::uuid;
  v_from text := p_settlement->'follow'->>'from';
  v_moving boolean;
begin
  if v_from is not null then perform bulkhead.relations_hold_v1(v_tenant, false); end if;
  if bulkhead.intent_commit_v1(p_id, p_settlement, p_staged, p_size, p_digest, p_etag_before) = 'moved' then
    return 'moved';
  end if;
  if v_from is null then return 'committing'; end if;
  -- What another one moves arrives when that one is settled: perhaps below this path.
  v_moving := bulkhead.relations_touched_v1(v_tenant, v_from, p_settlement->'follow'->>'to')
    or exists (select 1 from bulkhead.intent i where i.tenant = v_tenant and i.moving and i.id <> v_id);
  update bulkhead.intent i set moving = v_moving where i.id = v_id;
  return case when v_moving then 'moving' else 'committing' end;
end $$;

-- True while a granted move or removal may be under way at or above a path, or to there: a grant would be left behind.
-- Asked under the relations lock, held whole.
create function bulkhead.intents_cover_v1(p_tenant uuid, p_paths text[]) returns boolean language sql stable as $$
  select exists (
    select 1 from bulkhead.intent i,
        unnest(array[i.settlement->'follow'->>'from', i.settlement->'follow'->>'to']) f (path), unnest(p_paths) p (path)
      where i.state = 'committing' and i.tenant = p_tenant and i.settlement->'follow'->>'from' is not null
        and (p.path = f.path
          or (p.path collate "C" >= f.path || '/' and p.path collate "C" < f.path || '0')))
$$;

-- As intent_settle_v1, lets relations follow, and charges what the facts say (null: another way of charging). 'look'
-- without any effect if a directory's copy is not what is charged at its source: then somebody has to look at the
-- storage. 'gone' if it was settled before.
create function bulkhead.intent_settle_v2(p_id text, p_outcome jsonb, p_facts jsonb) returns text language plpgsql as $$
declare
  v bulkhead.intent;
  v_tenant uuid := split_part(p_id, '.', 1)::uuid;
  v_fact record;
  v_bytes bigint := 0;
  v_files bigint := 0;
begin
  perform bulkhead.enter_v1(v_tenant);
  select i.* into v from bulkhead.intent i where i.id = split_part(p_id, '.', 2)::uuid;
  if v.moving then
    perform pg_advisory_xact_lock(bulkhead.fence_key(v_tenant));
    perform bulkhead.relations_hold_v1(v_tenant, false);
  end if;
  select i.* into v from bulkhead.intent i where i.id = split_part(p_id, '.', 2)::uuid for update;
  if not found then return 'gone'; end if;
  if jsonb_typeof(p_facts) = 'array' then
    if exists (select 1 from jsonb_array_elements(p_facts) f cross join lateral bulkhead.accounted_weigh_v1(v.mount, f.value->>'from') w
      where f.value->>'is' = 'copied'
        and (w.bytes <> (f.value->>'bytes')::bigint or w.files <> (f.value->>'files')::bigint)) then
      return 'look';
    end if;
  end if;
  if v.moving then
    perform bulkhead.relations_follow_v1(v_tenant, v.settlement->'follow'->>'from', v.settlement->'follow'->>'to');
  end if;
  if jsonb_typeof(p_facts) = 'array' then
    for v_fact in select c.bytes, c.files from jsonb_array_elements(p_facts) with ordinality f (value, n)
      cross join lateral bulkhead.accounted_fact_v1(v.tenant, v.mount, f.value) c order by f.n
    loop
      v_bytes := v_bytes + v_fact.bytes;
      v_files := v_files + v_fact.files;
    end loop;
    perform bulkhead.charge_v1(v.tenant, v_bytes, v_files);
  end if;
  perform bulkhead.intent_settle_v1(p_id, p_outcome);
  return 'settled';
end $$;
`;
