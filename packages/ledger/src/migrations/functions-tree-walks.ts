/**
 * Walks of a subtree that go down by the index, directory for directory, whatever the planner believes of how many
 * entries a directory has: one of a million beside many of ten made it read the whole table for each.
 */
export const treeWalks: string = String.raw`
create or replace function bulkhead.tree_weigh_v1(p_tree uuid, p_dir uuid, p_most integer, out entries bigint,
  out files bigint, out bytes bigint) language sql stable set enable_hashjoin = off set enable_mergejoin = off
  set enable_seqscan = off set enable_material = off as $$
  with recursive below as (
    select n.id, n.version, n.size from bulkhead.node n where n.tree = p_tree and n.parent = p_dir
    union all
    select c.id, c.version, c.size from below b cross join lateral (
      select n.id, n.version, n.size from bulkhead.node n where n.tree = p_tree and n.parent = b.id offset 0) c
      where b.version is null
  ), seen as (select b.version, b.size from below b limit p_most)
  select count(*), count(s.version), coalesce(sum(s.size), 0)::bigint from seen s
$$;

create or replace function bulkhead.tree_sweep_v1(p_tenant uuid, p_tree uuid, p_dir uuid, p_path text, p_n bigint,
  p_now timestamptz) returns void language sql
  set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off set enable_material = off as $$
  with recursive below as (
    select n.id, n.parent, n.sort_key, n.version, n.modified_at,
        case when p_path = '' then '' else p_path || '/' end || rtrim(n.sort_key, '/') as path
      from bulkhead.node n where n.tree = p_tree and n.parent = p_dir
    union all
    select c.id, c.parent, c.sort_key, c.version, c.modified_at, b.path || '/' || rtrim(c.sort_key, '/')
      from below b cross join lateral (
        select n.id, n.parent, n.sort_key, n.version, n.modified_at from bulkhead.node n
          where n.tree = p_tree and n.parent = b.id offset 0) c
      where b.version is null
  ), gone as (
    delete from bulkhead.node n using below b
      where n.tree = p_tree and n.parent = b.parent and n.sort_key = b.sort_key
  )
  insert into bulkhead.node_version (tree, node, n, tenant, kind, path, at)
    select p_tree, b.id, p_n, p_tenant, 'remove', b.path, greatest(p_now, b.modified_at)
      from below b where b.version is not null
$$;

create or replace function bulkhead.tree_clone_v1(p_tenant uuid, p_tree uuid, p_from uuid, p_to uuid, p_n bigint,
  p_now timestamptz) returns bigint language sql
  set enable_hashjoin = off set enable_mergejoin = off set enable_seqscan = off set enable_material = off as $$
  with recursive below as (
    select n.id, gen_random_uuid() as fresh, p_to as dir, n.sort_key, n.version, n.size, n.digest, n.content_type,
        n.metadata from bulkhead.node n where n.tree = p_tree and n.parent = p_from
    union all
    select c.id, gen_random_uuid(), b.fresh, c.sort_key, c.version, c.size, c.digest, c.content_type, c.metadata
      from below b cross join lateral (
        select n.* from bulkhead.node n where n.tree = p_tree and n.parent = b.id offset 0) c
      where b.version is null
  ), nodes as (
    insert into bulkhead.node (tree, parent, sort_key, id, tenant, version, size, digest, content_type, metadata,
        created_at, modified_at)
      select p_tree, b.dir, b.sort_key, b.fresh, p_tenant, case when b.version is not null then p_n end, b.size,
        b.digest, b.content_type, b.metadata, p_now, p_now from below b
  ), versions as (
    insert into bulkhead.node_version (tree, node, n, tenant, kind, size, digest, blob, inline, content_type, metadata, at)
      select p_tree, b.fresh, p_n, p_tenant, 'write', v.size, v.digest, v.blob, v.inline, v.content_type, v.metadata, p_now
        from below b cross join lateral (
          select x.size, x.digest, x.blob, x.inline, x.content_type, x.metadata from bulkhead.node_version x
            where x.tree = p_tree and x.node = b.id and x.n = b.version offset 0) v
      returning blob
  ), wanted as (
    select v.blob, count(*) as more from versions v where v.blob is not null group by v.blob
  ), shared as (
    update bulkhead.blob b set refs = b.refs + w.more from wanted w where b.id = w.blob returning b.id
  )
  select (select count(*) from wanted) - (select count(*) from shared)
$$;
`;
