/** What every request stands on, by itself or beside what it reads. */
export const snapshotFunction: string = String.raw`
-- The ledger's time in milliseconds, then uid, epoch, number and, for tenants, status of each of these revisions, of the
-- snapshot of the statement that asks. Null on a server in recovery, which may lag behind a revoke that has returned.
-- Always by the index: the table may have grown since it was planned.
create function bulkhead.snapshot_v1(p_tenants uuid[]) returns text
language plpgsql stable security definer
set search_path = pg_catalog set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
begin
  if pg_is_in_recovery() then return null; end if;
  return concat(bulkhead.ms(bulkhead.now()), (
    select string_agg(concat(' ', r.tenant, ' ', r.epoch, ' ', r.n, ' ', coalesce(t.status, '-')), '')
      from bulkhead.revision r left join bulkhead.tenant t on t.uid = r.tenant where r.tenant = any (p_tenants)));
end $$;
grant create on schema bulkhead to bulkhead_system;
alter function bulkhead.snapshot_v1(uuid[]) owner to bulkhead_system;
revoke create on schema bulkhead from bulkhead_system;
revoke execute on all functions in schema bulkhead from public;
grant execute on function bulkhead.snapshot_v1(uuid[]) to bulkhead_app, bulkhead_system;
`;
