/**
 * Versioned trees: an index over content that lies elsewhere. A tree's root has the tree's id and no row of its own; a
 * directory's sort key ends in a slash. What a file was is in `node_version`, its last content too.
 */
export const treeTables: string = String.raw`
create table bulkhead.tree (
  id uuid primary key,
  tenant uuid not null,
  mount text collate "C" not null unique,
  -- The store that its blobs lie in; trees may share one.
  content text collate "C" not null,
  created_at timestamptz not null default bulkhead.now()
);
create index tree_tenant on bulkhead.tree (tenant);

create table bulkhead.node (
  tree uuid not null,
  parent uuid not null,
  sort_key text collate "C" not null,
  id uuid not null,
  tenant uuid not null,
  -- Null for a directory; else the tenant's sequence number of the commit that stored the content.
  version bigint,
  size bigint not null default 0,
  digest bytea,
  content_type text,
  metadata jsonb,
  created_at timestamptz not null,
  modified_at timestamptz not null,
  primary key (tree, parent, sort_key)
);

create table bulkhead.node_version (
  tree uuid not null,
  node uuid not null,
  n bigint not null,
  tenant uuid not null,
  kind text not null check (kind in ('write', 'remove')),
  -- Where the file was when it was removed.
  path text collate "C",
  size bigint not null default 0,
  digest bytea,
  blob uuid,
  inline bytea,
  content_type text,
  metadata jsonb,
  at timestamptz not null,
  primary key (tree, node, n)
) with (toast_tuple_target = 8160);
-- Content is seldom worth compressing, and the attempt costs more than the row.
alter table bulkhead.node_version alter column inline set storage external;
create index node_version_removed on bulkhead.node_version (tree, path) where kind = 'remove';

-- Registered under a lease before its first byte; refs counts the version rows that stand on it.
create table bulkhead.blob (
  id uuid primary key,
  tenant uuid not null,
  tree uuid not null,
  content text collate "C" not null,
  codec text not null default 'raw',
  refs bigint not null default 0 check (refs >= 0),
  lease timestamptz,
  size bigint,
  digest bytea,
  -- The SHA-256 of each frame, one behind the other.
  frames bytea,
  created_at timestamptz not null default bulkhead.now()
);
create index blob_content on bulkhead.blob (content, id);
create index blob_idle on bulkhead.blob (content, lease) where refs = 0;

-- A blob whose row is gone, and whose bytes go after the grace.
create table bulkhead.blob_tombstone (
  id uuid primary key,
  tenant uuid not null,
  content text collate "C" not null,
  dead_at timestamptz not null
);
create index blob_tombstone_due on bulkhead.blob_tombstone (content, dead_at);

do $$
declare
  v_name text;
begin
  foreach v_name in array array['tree', 'node', 'node_version', 'blob', 'blob_tombstone'] loop
    execute format('alter table bulkhead.%I enable row level security', v_name);
    execute format('alter table bulkhead.%I force row level security', v_name);
    execute format('create policy app on bulkhead.%I to bulkhead_app using (tenant = (select bulkhead.tenant()))
      with check (tenant = (select bulkhead.tenant()))', v_name);
    execute format('create policy system on bulkhead.%I to bulkhead_system using (true) with check (true)', v_name);
    execute format('grant select, insert, update, delete on bulkhead.%I to bulkhead_system', v_name);
  end loop;
end $$;
grant select on bulkhead.tree to bulkhead_app;
grant select, insert, update, delete on bulkhead.node, bulkhead.blob to bulkhead_app;
grant select, insert on bulkhead.node_version to bulkhead_app;
grant select, insert, delete on bulkhead.blob_tombstone to bulkhead_app;
`;

/** Who may call what of the trees: requests as bulkhead_app, housekeeping as bulkhead_system. */
export const treeExecutions: string = String.raw`
revoke execute on all functions in schema bulkhead from public;
grant execute on all functions in schema bulkhead to bulkhead_system;
grant execute on function bulkhead.etag_v1(bigint, bytea), bulkhead.node_json_v1(bulkhead.node),
  bulkhead.tree_find_v1(uuid, text[]), bulkhead.tree_files_v1(uuid, text[]), bulkhead.tree_lock_v1(uuid, text[], text[]), bulkhead.tree_hold_v1(uuid, boolean),
  bulkhead.tree_missing_v1(uuid, text[]), bulkhead.tree_target_v1(bulkhead.found, text, text),
  bulkhead.tree_transfer_v1(bulkhead.found, bulkhead.found, text[], text[], text, text, text),
  bulkhead.tree_admit_v1(uuid, jsonb), bulkhead.tree_head_v1(uuid), bulkhead.tree_limits_v1(uuid),
  bulkhead.tree_room_v1(bulkhead.tenant_head, jsonb, bigint, bigint),
  bulkhead.tree_parents_v1(uuid, uuid, text[], uuid, integer, timestamptz),
  bulkhead.tree_put_v1(uuid, uuid, text[], bulkhead.found, bulkhead.node_version),
  bulkhead.tree_claim_v1(uuid, jsonb, jsonb),
  bulkhead.tree_close_v1(bulkhead.tenant_head, uuid, jsonb, text, text[], jsonb),
  bulkhead.tree_settle_v1(bulkhead.tenant_head), bulkhead.tree_weigh_v1(uuid, uuid, integer),
  bulkhead.tree_clear_v1(uuid, uuid, uuid, text, bigint, timestamptz),
  bulkhead.tree_sweep_v1(uuid, uuid, uuid, text, bigint, timestamptz),
  bulkhead.tree_clone_v1(uuid, uuid, uuid, uuid, bigint, timestamptz),
  bulkhead.tree_stat_v1(uuid, uuid, text[]), bulkhead.tree_read_v1(uuid, uuid, text[], bigint),
  bulkhead.tree_list_v1(uuid, uuid, text[], text, integer),
  bulkhead.versions_v1(uuid, uuid, text[], bigint, integer),
  bulkhead.blob_open_v1(uuid, uuid, text[], text, text, bigint), bulkhead.blob_renew_v1(uuid, uuid[]),
  bulkhead.blob_discard_v1(uuid, uuid), bulkhead.blob_forget_v1(uuid, uuid),
  bulkhead.commit_write_v1(uuid, jsonb, bytea), bulkhead.commit_mkdir_v1(uuid, uuid, jsonb, text[]),
  bulkhead.commit_remove_v1(uuid, uuid, jsonb, text[], boolean, text),
  bulkhead.commit_copy_v1(uuid, uuid, jsonb, text[], text[], text, text, text),
  bulkhead.commit_move_v1(uuid, uuid, jsonb, text[], text[], text, text, text),
  bulkhead.restore_v1(uuid, uuid, jsonb, text[], bigint)
  to bulkhead_app;
`;
