/** Mounts that were made while the server ran, beside the roots: both tell what changed in one snapshot. */
export const mounts: string = String.raw`
create sequence bulkhead.mount_generation;
create table bulkhead.mount (
  id uuid primary key,
  path text collate "C" not null,
  -- On whose ground it lies; the zero uuid is the platform.
  tenant uuid not null,
  -- The template of the configuration that says what the storage is and how it is reached.
  backend text collate "C" not null,
  -- What is the mount's own beside it; nothing secret.
  storage jsonb not null default '{}',
  priority integer not null default 0,
  -- Taken anew with each change, by which other processes notice it.
  generation bigint not null default nextval('bulkhead.mount_generation'),
  created_at timestamptz not null default bulkhead.now(),
  created_by text not null,
  updated_at timestamptz not null default bulkhead.now(),
  unique (path, priority)
);
create index mount_tenant on bulkhead.mount (tenant);
alter table bulkhead.mount enable row level security;
alter table bulkhead.mount force row level security;
create policy app on bulkhead.mount to bulkhead_app using (tenant = (select bulkhead.tenant()))
  with check (tenant = (select bulkhead.tenant()));
create policy system on bulkhead.mount to bulkhead_system using (true) with check (true);
grant select, insert, update, delete on bulkhead.mount to bulkhead_system;
grant usage on sequence bulkhead.mount_generation to bulkhead_system;
grant delete on bulkhead.content_root to bulkhead_system;

-- The sealed credentials stay where they are: only that there are some is told.
create function bulkhead.mounts_v1(p_ids text[]) returns jsonb language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'path', m.path, 'backend', m.backend, 'storage', m.storage,
      'priority', m.priority, 'generation', m.generation, 'createdAt', bulkhead.ms(m.created_at),
      'createdBy', m.created_by, 'updatedAt', bulkhead.ms(m.updated_at),
      'tenant', case when t.uid is null then null else jsonb_build_object('uid', t.uid, 'id', t.id, 'status', t.status) end,
      'sealed', exists (select 1 from bulkhead.secret s where s.tenant = m.tenant and s.name = 'mount:' || m.id))
      order by m.path, m.priority), '[]')
    from bulkhead.mount m left join bulkhead.tenant t on t.uid = m.tenant
    where p_ids is null or m.id::text = any (p_ids)
$$;

create function bulkhead.roots_all_v2() returns jsonb language sql stable as $$
  select jsonb_build_object('epoch', r.epoch, 'n', r.n, 'roots', bulkhead.roots_v1(null, null),
      'mounts', bulkhead.mounts_v1(null))
    from bulkhead.revision r where r.tenant = '00000000-0000-0000-0000-000000000000'
$$;

-- As before, with the mounts that changed; those of them that are gone are in 'unmounted'.
create function bulkhead.roots_since_v2(p_epoch text, p_n bigint) returns jsonb language plpgsql stable as $$
declare
  v_answer jsonb := bulkhead.roots_since_v1(p_epoch, p_n);
  v_ids text[];
begin
  if v_answer is null then return null; end if;
  select array_agg(distinct m.value) into v_ids from bulkhead.changelog c
    cross join jsonb_array_elements_text(coalesce(c.payload->'mounts', '[]')) m
    where c.tenant = '00000000-0000-0000-0000-000000000000' and c.n > p_n and c.n <= (v_answer->>'n')::bigint;
  if v_ids is null then return v_answer; end if;
  return v_answer || jsonb_build_object('mounts', bulkhead.mounts_v1(v_ids),
    'unmounted', to_jsonb(array(select i from unnest(v_ids) i
      where not exists (select 1 from bulkhead.mount m where m.id::text = i))));
end $$;

-- Forgets what a mount that is gone was charged with, and takes it off who was charged. Idempotent.
create function bulkhead.mount_forget_v1(p_mount text) returns void language plpgsql as $$
begin
  with gone as (
    delete from bulkhead.accounted a where a.mount = p_mount returning a.tenant, a.size
  ), sums as (
    select g.tenant, sum(g.size) as bytes, count(*) as files from gone g group by g.tenant
  )
  update bulkhead.tenant_head h set used = h.used - s.bytes, files = h.files - s.files from sums s where h.uid = s.tenant;
  delete from bulkhead.accounted_mount m where m.mount = p_mount;
  delete from bulkhead.content_root c where c.mount = p_mount;
end $$;

revoke execute on function bulkhead.mounts_v1(text[]), bulkhead.roots_all_v2(), bulkhead.roots_since_v2(text, bigint),
  bulkhead.mount_forget_v1(text) from public;
grant execute on function bulkhead.mounts_v1(text[]), bulkhead.roots_all_v2(), bulkhead.roots_since_v2(text, bigint),
  bulkhead.mount_forget_v1(text) to bulkhead_system;
`;
