/**
 * What plain storage is charged with: a row a file, whose sum the tenant's counters hold. A mount is counted once, when
 * it first opens with files that nobody charged, and anew when its ground becomes another tenant's.
 */
export const accountedTables: string = String.raw`
create table bulkhead.accounted_mount (
  mount text collate "C" primary key,
  tenant uuid not null,
  -- Null while its first count is under way.
  counted_at timestamptz
);
-- Granted, and what is granted and shared at its paths follows when it is settled.
alter table bulkhead.intent add column moving boolean not null default false;
create index accounted_mount_tenant on bulkhead.accounted_mount (tenant);
alter table bulkhead.accounted_mount enable row level security;
alter table bulkhead.accounted_mount force row level security;
create policy app on bulkhead.accounted_mount to bulkhead_app using (tenant = (select bulkhead.tenant()))
  with check (tenant = (select bulkhead.tenant()));
create policy system on bulkhead.accounted_mount to bulkhead_system using (true) with check (true);
grant select, insert, update, delete on bulkhead.accounted_mount to bulkhead_system;
`;
