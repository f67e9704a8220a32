/** Makes the tables of one tree. `s` is the quoted schema. */
export const tables = (s: string): string => `
create table ${s}.blob (
  id uuid primary key,
  -- Null while something refers to it; else when it may be collected: a lease, or the grace that readers have.
  expires_at timestamptz,
  published boolean not null default false
);
create index blob_expires_at on ${s}.blob (expires_at) where expires_at is not null;

create table ${s}.chunk (
  blob uuid not null references ${s}.blob (id),
  part integer not null,
  bytes bytea not null,
  primary key (blob, part)
);
-- Contents rarely shrink, and a part is read in one piece.
alter table ${s}.chunk alter column bytes set storage external;

create sequence ${s}.node_id;
create table ${s}.node (
  id bigint primary key default nextval('${s}.node_id'),
  parent bigint references ${s}.node (id),
  name text collate "C" not null,
  directory boolean not null,
  sort_key text collate "C" not null generated always as (case when directory then name || '/' else name end) stored,
  size bigint not null default 0,
  blob uuid references ${s}.blob (id),
  content_type text,
  metadata jsonb,
  created_at timestamptz not null,
  modified_at timestamptz not null,
  constraint node_place unique (parent, name),
  constraint node_content check (directory = (blob is null))
);
create unique index node_order on ${s}.node (parent, sort_key);
create index node_blob on ${s}.node (blob) where blob is not null;
insert into ${s}.node (id, parent, name, directory, created_at, modified_at)
values (0, null, '', true, now(), now());

create table ${s}.effect (
  staged uuid,
  operation text,
  undone boolean not null default false,
  files bigint not null default 0,
  bytes bigint not null default 0,
  result jsonb not null default '{}',
  at timestamptz not null default clock_timestamp(),
  constraint effect_once primary key (staged)
);
create index effect_at on ${s}.effect (at);
`;
