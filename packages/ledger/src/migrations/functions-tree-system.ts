/** Housekeeping of trees, as bulkhead_system: collector, pruning, recount, the end of a tree. */
export const treeSystem: string = String.raw`
-- How many blobs a store has, on how many nothing stands and nobody writes, and how many tombstones are due.
create function bulkhead.blobs_weigh_v1(p_content text, p_grace_ms double precision) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'blobs', (select count(*) from bulkhead.blob b where b.content = p_content),
    'idle', (select count(*) from bulkhead.blob b where b.content = p_content and b.refs = 0
      and (b.lease is null or b.lease <= bulkhead.now())),
    'tombstones', (select count(*) from bulkhead.blob_tombstone d where d.content = p_content),
    'due', (select count(*) from bulkhead.blob_tombstone d where d.content = p_content
      and d.dead_at <= bulkhead.now() - p_grace_ms * interval '1 millisecond'))
$$;

-- Takes the rows of blobs on which nothing stands; their bytes are due after the grace.
create function bulkhead.blobs_bury_v1(p_content text, p_limit integer) returns bigint language sql as $$
  with idle as (
    select b.id from bulkhead.blob b where b.content = p_content and b.refs = 0
        and (b.lease is null or b.lease <= bulkhead.now()) limit p_limit for update skip locked
  ), gone as (
    delete from bulkhead.blob b using idle i where b.id = i.id and b.refs = 0 returning b.id, b.tenant, b.content
  ), buried as (
    insert into bulkhead.blob_tombstone (id, tenant, content, dead_at)
      select g.id, g.tenant, g.content, bulkhead.now() from gone g returning id
  )
  select count(*) from buried
$$;

create function bulkhead.blobs_due_v1(p_content text, p_grace_ms double precision, p_limit integer) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(d.id), '[]') from (select d.id from bulkhead.blob_tombstone d where d.content = p_content
    and d.dead_at <= bulkhead.now() - p_grace_ms * interval '1 millisecond' order by d.dead_at limit p_limit) d
$$;

-- Which of these the ledger does not know, neither as a blob nor as a tombstone.
create function bulkhead.blobs_unknown_v1(p_ids uuid[]) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(i.id), '[]') from unnest(p_ids) i (id)
    where not exists (select 1 from bulkhead.blob b where b.id = i.id)
      and not exists (select 1 from bulkhead.blob_tombstone d where d.id = i.id)
$$;

create function bulkhead.blobs_page_v1(p_content text, p_after uuid, p_limit integer) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('id', b.id, 'codec', b.codec, 'size', b.size,
      'digest', encode(b.digest, 'hex'), 'frames', encode(b.frames, 'hex')) order by b.id), '[]')
    from (select b.* from bulkhead.blob b where b.content = p_content and b.refs > 0 and b.id > p_after
      order by b.id limit p_limit) b
$$;

-- Contents in rows that are not what was stored.
create function bulkhead.inline_damaged_v1(p_tree uuid) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('node', v.node, 'version', v.n::text)), '[]')
    from bulkhead.node_version v where v.tree = p_tree and v.inline is not null and sha256(v.inline) <> v.digest
$$;

-- Drops versions that are nobody's content any more, oldest first: too old, too many of one file, or over the tenant's
-- limit of version bytes. One batch; answers how many went.
create function bulkhead.versions_prune_v1(p_tenant uuid, p_tree uuid, p_age_ms double precision, p_most integer,
  p_limit integer) returns bigint language plpgsql as $$
declare
  v_head bulkhead.tenant_head := bulkhead.tree_head_v1(p_tenant);
  v_over bigint;
  v_count bigint;
  v_bytes bigint;
begin
  v_over := v_head.version_bytes - floor((bulkhead.tree_limits_v1(p_tenant)->>'versionBytes')::numeric);
  with past as (
    select v.node, v.n, v.kind, v.size, v.at, row_number() over (partition by v.node order by v.n desc) as place,
        sum(v.size) over (order by v.n, v.node) - v.size as before
      from bulkhead.node_version v where v.tree = p_tree and not exists (
        select 1 from bulkhead.node n where n.tree = p_tree and n.id = v.node and n.version = v.n)
  ), chosen as (
    select p.node, p.n from past p
      where p.at <= bulkhead.now() - p_age_ms * interval '1 millisecond' or p.place > p_most
        or (p.size > 0 and p.before < v_over)
      order by p.n, p.node limit p_limit
  ), gone as (
    delete from bulkhead.node_version v using chosen c where v.tree = p_tree and v.node = c.node and v.n = c.n
      returning v.size, v.blob
  ), freed as (
    update bulkhead.blob b set refs = b.refs - f.less
      from (select g.blob, count(*) as less from gone g where g.blob is not null group by g.blob) f where b.id = f.blob
  )
  select count(*), coalesce(sum(g.size), 0) into v_count, v_bytes from gone g;
  update bulkhead.tenant_head h set version_bytes = h.version_bytes - v_bytes where h.uid = p_tenant;
  return v_count;
end $$;

-- What a tenant's counters say, and what its trees hold.
create function bulkhead.trees_recount_v1(p_tenant uuid) returns jsonb language sql stable as $$
  with live as (select n.size from bulkhead.node n where n.tenant = p_tenant and n.version is not null),
  kept as (select v.size from bulkhead.node_version v where v.tenant = p_tenant and v.kind = 'write' and not exists (
    select 1 from bulkhead.node n where n.tree = v.tree and n.id = v.node and n.version = v.n))
  select jsonb_build_object('counted', jsonb_build_object('bytes', h.used, 'files', h.files, 'versionBytes', h.version_bytes),
    'found', jsonb_build_object('bytes', (select coalesce(sum(l.size), 0) from live l), 'files', (select count(*) from live),
      'versionBytes', (select coalesce(sum(k.size), 0) from kept k)))
    from bulkhead.tenant_head h where h.uid = p_tenant
$$;

-- A mount's tree, made the first time it is asked for.
create function bulkhead.tree_ensure_v1(p_tenant uuid, p_mount text, p_content text) returns jsonb language plpgsql as $$
declare
  v bulkhead.tree;
begin
  insert into bulkhead.tree (id, tenant, mount, content) values (gen_random_uuid(), p_tenant, p_mount, p_content)
    on conflict (mount) do nothing;
  select t.* into strict v from bulkhead.tree t where t.mount = p_mount;
  return jsonb_build_object('id', v.id, 'tenant', v.tenant, 'content', v.content);
end $$;

-- Ends a tree, one batch a call: what is live, then what was, then the tree. True once nothing is left; the bytes of its
-- blobs are the collector's.
create function bulkhead.tree_drop_v1(p_mount text, p_limit integer) returns boolean language plpgsql as $$
declare
  v_tree bulkhead.tree;
  v_head bulkhead.tenant_head;
  v_files bigint;
  v_bytes bigint;
  v_more bigint;
  v_versions bigint;
begin
  select t.* into v_tree from bulkhead.tree t where t.mount = p_mount;
  if not found then return true; end if;
  perform pg_advisory_xact_lock(hashtextextended(v_tree.id::text, 20264));
  v_head := bulkhead.tree_head_v1(v_tree.tenant);
  with gone as (
    delete from bulkhead.node n where n.ctid in (
      select x.ctid from bulkhead.node x where x.tree = v_tree.id limit p_limit) returning n.version, n.size
  ) select count(*), count(g.version), coalesce(sum(g.size), 0) into v_more, v_files, v_bytes from gone g;
  v_head.used := v_head.used - v_bytes;
  v_head.files := v_head.files - v_files;
  -- What was live is past now, until its version goes.
  v_head.version_bytes := v_head.version_bytes + v_bytes;
  if v_more < p_limit then
    with gone as (
      delete from bulkhead.node_version v where v.ctid in (
        select x.ctid from bulkhead.node_version x where x.tree = v_tree.id limit p_limit) returning v.size, v.blob
    ), freed as (
      update bulkhead.blob b set refs = b.refs - f.less
        from (select g.blob, count(*) as less from gone g where g.blob is not null group by g.blob) f where b.id = f.blob
    ) select count(*), coalesce(sum(g.size), 0) into v_versions, v_bytes from gone g;
    v_head.version_bytes := v_head.version_bytes - v_bytes;
    v_more := v_more + v_versions;
  end if;
  perform bulkhead.tree_settle_v1(v_head);
  if v_more > 0 then return false; end if;
  delete from bulkhead.tree t where t.id = v_tree.id;
  return true;
end $$;
`;
