/** Every table of the control plane. The zero uuid stands for the platform wherever a tenant is named. */
export const tables: string = String.raw`
create function bulkhead.now() returns timestamptz language sql volatile
  as $$ select date_trunc('milliseconds', clock_timestamp()) $$;

create function bulkhead.tenant() returns uuid language sql stable
  as $$ select nullif(current_setting('bulkhead.tenant', true), '')::uuid $$;

create table bulkhead.meta (
  one boolean primary key default true check (one),
  ledger uuid not null default gen_random_uuid(),
  fingerprint text,
  region text,
  created_at timestamptz not null default bulkhead.now()
);
insert into bulkhead.meta default values;

create table bulkhead.tenant (
  uid uuid primary key,
  id text collate "C" not null,
  name text not null,
  status text not null
    check (status in ('provisioning', 'trial', 'active', 'suspended', 'cancelled', 'deleting', 'deleted')),
  status_before text,
  -- The tenant's revision at which the status last changed.
  status_n bigint not null default 0,
  plan text,
  subdomain text collate "C",
  region text,
  allowed_regions text[],
  limits jsonb not null default '{}',
  features text[] not null default '{}',
  settings jsonb not null default '{}',
  billing_cycle text not null default 'monthly' check (billing_cycle in ('monthly', 'annual')),
  mrr_minor bigint not null default 0,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  trial_ends_at timestamptz,
  suspended_at timestamptz,
  suspension_reason text,
  reactivated_at timestamptz,
  upgraded_at timestamptz,
  deleted_at timestamptz,
  certificate jsonb
);
create unique index tenant_id on bulkhead.tenant (id) where status <> 'deleted';
create unique index tenant_subdomain on bulkhead.tenant (subdomain)
  where subdomain is not null and status <> 'deleted';
create index tenant_page on bulkhead.tenant (id, uid);

create sequence bulkhead.root_generation;
create table bulkhead.root (
  path text collate "C" primary key,
  tenant uuid not null references bulkhead.tenant (uid),
  placement text not null,
  generation bigint not null default nextval('bulkhead.root_generation'),
  created_at timestamptz not null default bulkhead.now()
);
create index root_tenant on bulkhead.root (tenant, generation);

create table bulkhead.subject (
  tenant uuid not null,
  type text not null check (type in ('user', 'agent', 'service', 'group')),
  id text collate "C" not null,
  email text,
  full_name text,
  role text,
  status text not null default 'active',
  created_at timestamptz not null default bulkhead.now(),
  updated_at timestamptz not null default bulkhead.now(),
  primary key (tenant, type, id)
);
create unique index subject_email on bulkhead.subject (tenant, lower(email)) where email is not null;

create table bulkhead.key (
  id text collate "C" primary key check (length(id) = 16),
  hash bytea not null check (octet_length(hash) = 32),
  tenant uuid not null,
  name text not null,
  subject_type text not null check (subject_type in ('user', 'agent', 'service')),
  subject_id text collate "C" not null,
  workspace_prefix text collate "C",
  scopes text[] not null,
  created_at timestamptz not null default bulkhead.now(),
  created_by text not null,
  parent text collate "C",
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  -- The tenant's revision at which the key last became narrower.
  changed_n bigint not null default 0
);
create index key_tenant on bulkhead.key (tenant, created_at, id);
create index key_parent on bulkhead.key (parent) where parent is not null;
create unique index key_hash on bulkhead.key (hash);

create table bulkhead.revision (
  tenant uuid primary key,
  epoch uuid not null,
  n bigint not null default 0
);

create table bulkhead.tenant_head (
  uid uuid primary key,
  seq bigint not null default 0,
  used bigint not null default 0,
  reserved bigint not null default 0,
  files bigint not null default 0,
  version_bytes bigint not null default 0,
  audit_seq bigint not null default 0,
  audit_hash bytea not null default decode(repeat('00', 32), 'hex')
);

insert into bulkhead.revision (tenant, epoch)
  values ('00000000-0000-0000-0000-000000000000', gen_random_uuid());
insert into bulkhead.tenant_head (uid) values ('00000000-0000-0000-0000-000000000000');

create table bulkhead.changelog (
  tenant uuid not null,
  n bigint not null,
  at timestamptz not null,
  kind text not null,
  payload jsonb not null,
  primary key (tenant, n, at)
) partition by range (at);
create table bulkhead.changelog_default partition of bulkhead.changelog default;

create table bulkhead.audit (
  tenant uuid not null,
  n bigint not null,
  at timestamptz not null,
  id uuid not null,
  actor text not null,
  key text not null,
  action text not null,
  resource text not null,
  result text not null,
  request_id text not null,
  front text not null,
  detail jsonb not null,
  hash bytea not null,
  primary key (tenant, n, at)
) partition by range (at);
create table bulkhead.audit_default partition of bulkhead.audit default;

create table bulkhead.intent (
  id uuid primary key,
  n bigint generated always as identity,
  tenant uuid not null,
  -- Every tenant whose revision the decision stands on: what a change that takes away waits for.
  fences uuid[] not null,
  mount text collate "C" not null,
  operation text not null,
  paths text[] not null,
  size bigint,
  -- The number of the lease 'mount:<mount>' that the process held; null where a mount needs none.
  fencing bigint,
  settlement jsonb not null,
  state text not null check (state in ('open', 'committing')),
  staged text,
  staged_size bigint,
  digest text,
  etag_before text,
  lease timestamptz not null,
  created_at timestamptz not null default bulkhead.now()
);
create index intent_mount on bulkhead.intent (mount, n);
create index intent_committing on bulkhead.intent (lease) where state = 'committing';

create table bulkhead.accounted (
  tenant uuid not null,
  mount text collate "C" not null,
  path text collate "C" not null,
  size bigint not null,
  etag text,
  primary key (mount, path)
);

create table bulkhead.lease (
  name text collate "C" primary key,
  holder jsonb,
  fencing bigint not null,
  until timestamptz not null
);

-- The folder or bucket that a mount's content lies in shows this marker.
create table bulkhead.content_root (
  mount text collate "C" primary key,
  marker text not null,
  created_at timestamptz not null default bulkhead.now()
);

create table bulkhead.outbox (
  id bigint generated always as identity primary key,
  tenant uuid not null,
  seq bigint not null,
  kind text not null,
  payload jsonb not null,
  created_at timestamptz not null,
  attempts integer not null default 0,
  claimed_until timestamptz
);
create index outbox_order on bulkhead.outbox (tenant, seq);

create table bulkhead.job (
  id uuid primary key,
  kind text not null,
  tenant uuid not null,
  state text not null default 'queued' check (state in ('queued', 'running', 'done', 'dead')),
  attempts integer not null default 0,
  max_attempts integer not null default 8,
  run_at timestamptz not null,
  payload jsonb not null default '{}',
  progress jsonb not null default '{}',
  result jsonb,
  error text,
  claim uuid,
  lease timestamptz,
  created_at timestamptz not null default bulkhead.now(),
  updated_at timestamptz not null default bulkhead.now()
);
create index job_due on bulkhead.job (run_at) where state = 'queued';
create index job_lapsed on bulkhead.job (lease) where state = 'running';

create table bulkhead.idempotency (
  id uuid primary key,
  scope uuid not null,
  key_id text collate "C" not null,
  route text collate "C" not null,
  key text collate "C" not null,
  digest text,
  state text not null check (state in ('in-flight', 'committed', 'answered')),
  outcome jsonb,
  status integer,
  body jsonb,
  -- The intent that would commit it, so that a lapsed claim is not given away while that may still happen.
  intent_tenant uuid,
  intent uuid,
  lease timestamptz not null,
  expires_at timestamptz not null,
  unique (scope, key_id, route, key)
);
create index idempotency_expiry on bulkhead.idempotency (expires_at);

create table bulkhead.refusal (
  address text collate "C" not null,
  hour timestamptz not null,
  kind text not null,
  count bigint not null,
  primary key (address, hour, kind)
);
`;
