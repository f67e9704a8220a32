/** Which tenants other regions' servers serve: nothing else of them is here. */
export const directory: string = String.raw`
create table bulkhead.directory (
  tenant text collate "C" primary key,
  region text collate "C" not null,
  subdomain text collate "C" unique,
  created_at timestamptz not null default bulkhead.now(),
  updated_at timestamptz not null default bulkhead.now()
);
alter table bulkhead.directory enable row level security;
alter table bulkhead.directory force row level security;
create policy system on bulkhead.directory to bulkhead_system using (true) with check (true);
grant select, insert, update, delete on bulkhead.directory to bulkhead_system;
`;
