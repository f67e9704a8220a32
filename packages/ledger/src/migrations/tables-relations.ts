/**
 * Relations of the built-in model, tenants' own models, and shares. A relation lives in its object's tenant; `taken` of
 * a revision is the last one at which something was taken away.
 */
export const relationTables: string = String.raw`
alter table bulkhead.revision add column taken bigint not null default 0;
update bulkhead.revision set taken = n;

-- Random, but in the order in which they were made (RFC 9562, version 7).
create function bulkhead.ordered_id_v1() returns uuid language sql volatile as $$
  select encode(set_byte(overlay(uuid_send(u.id) placing substring(int8send(bulkhead.ms(bulkhead.now())) from 3)
    from 1 for 6), 6, (get_byte(uuid_send(u.id), 6) & 15) | 112), 'hex')::uuid from (select gen_random_uuid() as id) u
$$;

create table bulkhead.relation (
  id uuid primary key default bulkhead.ordered_id_v1(),
  tenant uuid not null,
  object_type text not null,
  -- A path, the id of a group, or empty for the tenant itself.
  object text collate "C" not null,
  subject_tenant uuid not null,
  subject_type text not null,
  -- '*' is everybody of the type; of a tenant its uid.
  subject_id text collate "C" not null,
  -- Empty for the subject itself.
  subject_relation text not null,
  role text not null,
  below_only boolean not null,
  expires_at timestamptz,
  -- The share that made it: it ends with that one, whatever else was granted.
  share uuid,
  created_at timestamptz not null default bulkhead.now(),
  created_by text not null,
  constraint relation_tuple unique nulls not distinct (tenant, object_type, object, subject_tenant, subject_type,
    subject_id, subject_relation, role, below_only, share),
  constraint relation_role check (case object_type
    when 'file' then role in ('owner', 'editor', 'viewer', 'blocked') and object <> ''
    when 'group' then role = 'member' and object <> '' when 'tenant' then role in ('member', 'admin') and object = ''
    else false end and (object_type = 'file' or not below_only)),
  constraint relation_subject check (case subject_type when 'group' then subject_relation = 'member'
    when 'tenant' then subject_relation in ('member', 'admin') and object_type = 'file' and role <> 'blocked'
    when 'user' then subject_relation = '' when 'agent' then subject_relation = ''
    when 'service' then subject_relation = '' else false end),
  constraint relation_everybody check (subject_id <> '*'
    or (subject_type in ('user', 'agent') and object_type = 'file' and role = 'viewer' and tenant = subject_tenant)),
  constraint relation_crossing check (tenant = subject_tenant or (object_type = 'file' and role in ('viewer', 'editor')))
);
create index relation_own on bulkhead.relation (tenant, id);
create index relation_subject_side on bulkhead.relation (subject_tenant, subject_type, subject_id);
create index relation_crossing_own on bulkhead.relation (tenant, id) where tenant <> subject_tenant;
create index relation_crossing_other on bulkhead.relation (subject_tenant, id) where tenant <> subject_tenant;
create index relation_expiry on bulkhead.relation (expires_at) where expires_at is not null;

create table bulkhead.model (
  tenant uuid not null,
  name text collate "C" not null,
  source text not null,
  created_at timestamptz not null default bulkhead.now(),
  updated_at timestamptz not null default bulkhead.now(),
  primary key (tenant, name)
);

create table bulkhead.model_relation (
  id uuid primary key default bulkhead.ordered_id_v1(),
  tenant uuid not null,
  model text collate "C" not null,
  object_type text collate "C" not null,
  object_id text collate "C" not null,
  relation text collate "C" not null,
  subject_type text collate "C" not null,
  subject_id text collate "C" not null,
  subject_relation text collate "C" not null,
  condition text,
  context jsonb,
  expires_at timestamptz,
  created_at timestamptz not null default bulkhead.now(),
  created_by text not null,
  foreign key (tenant, model) references bulkhead.model (tenant, name) on delete cascade,
  constraint model_relation_tuple unique (tenant, model, object_type, object_id, relation, subject_type, subject_id,
    subject_relation)
);
create index model_relation_order on bulkhead.model_relation (tenant, model, id);
create index model_relation_subject on bulkhead.model_relation (tenant, subject_type, subject_id);

create table bulkhead.share (
  id uuid primary key default bulkhead.ordered_id_v1(),
  -- Whose file it is.
  tenant uuid not null,
  -- Null for a link.
  subject_tenant uuid,
  subject_type text,
  subject_id text collate "C",
  subject_relation text,
  path text collate "C" not null,
  target text collate "C",
  permission text not null check (permission in ('can_read', 'can_write')),
  relation uuid,
  token_hash bytea unique check (octet_length(token_hash) = 32),
  password_hash text,
  expires_at timestamptz,
  max_uses bigint check (max_uses > 0),
  uses bigint not null default 0,
  revoked_at timestamptz,
  created_at timestamptz not null default bulkhead.now(),
  created_by text not null,
  constraint share_target check ((subject_tenant is null) = (token_hash is not null)
    and (subject_tenant is null) = (subject_type is null) and (subject_tenant is null) = (subject_id is null)
    and (subject_tenant is null) = (subject_relation is null))
);
create index share_path on bulkhead.share (tenant, path) where revoked_at is null;
create index share_source on bulkhead.share (tenant, id);
create index share_subject on bulkhead.share (subject_tenant, id) where subject_tenant is not null;

do $$
declare
  v_name text;
begin
  foreach v_name in array array['relation', 'model', 'model_relation', 'share'] loop
    execute format('alter table bulkhead.%I enable row level security', v_name);
    execute format('alter table bulkhead.%I force row level security', v_name);
    execute format('create policy app on bulkhead.%I to bulkhead_app using (tenant = (select bulkhead.tenant()))
      with check (tenant = (select bulkhead.tenant()))', v_name);
    execute format('create policy system on bulkhead.%I to bulkhead_system using (true) with check (true)', v_name);
    execute format('grant select, insert, update, delete on bulkhead.%I to bulkhead_system', v_name);
    -- Requests only look; what they change of relations goes through functions that run as bulkhead_system.
    execute format('grant select on bulkhead.%I to bulkhead_app', v_name);
  end loop;
end $$;
create index subject_anywhere on bulkhead.subject (type, id);
-- Seven days of it are kept.
grant delete on bulkhead.changelog to bulkhead_system;
`;
