/** What a restore makes of rows that were somebody's, and the master keys that a ledger is served with. */
export const backup: string = String.raw`
-- While a master key is replaced two are good: the next before it counts, the previous until it is retired.
alter table bulkhead.meta add column next_fingerprint text, add column previous_fingerprint text;

-- Run once, on the rows of a backup, in the transaction that brought them: whoever held something is not here, and
-- everything that was read before is another epoch's.
create function bulkhead.restored_v1(p_detail jsonb) returns void language plpgsql as $$
declare
  v_epoch uuid := gen_random_uuid();
  v_now timestamptz := bulkhead.now();
begin
  update bulkhead.revision r set epoch = v_epoch;
  update bulkhead.lease l set holder = null, until = v_now;
  -- The attempt that was cut short is not held against a job.
  update bulkhead.job j set state = 'queued', claim = null, lease = null, attempts = greatest(j.attempts - 1, 0),
      run_at = least(j.run_at, v_now), updated_at = v_now where j.state = 'running';
  update bulkhead.intent i set lease = v_now;
  update bulkhead.idempotency i set lease = v_now where i.state = 'in-flight';
  update bulkhead.blob b set lease = v_now where b.lease is not null;
  update bulkhead.event_position p set claimed_until = null where p.claimed_until is not null;
  -- Plain storage is copied after its charges were: each is counted anew when it is opened.
  update bulkhead.accounted_mount m set counted_at = null;
  perform bulkhead.audit_append_v1('00000000-0000-0000-0000-000000000000', jsonb_build_object('actor', 'operator',
    'action', 'ledger.restore', 'resource', 'ledger', 'front', 'cli', 'detail', p_detail), 'SUCCESS');
end $$;

revoke execute on function bulkhead.restored_v1(jsonb) from public;
grant execute on function bulkhead.restored_v1(jsonb) to bulkhead_system;
`;
