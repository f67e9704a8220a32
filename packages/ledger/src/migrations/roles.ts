/**
 * Row-level security: `bulkhead_app` sees the rows of the tenant named by `bulkhead.tenant` and nothing while that is
 * unset or empty; `bulkhead_system` sees all rows of what it is granted. FORCE binds the owner as well.
 */
export const policies: string = String.raw`
revoke all on schema bulkhead from public;
grant usage on schema bulkhead to bulkhead_app, bulkhead_system;

do $$
declare
  keyed record;
begin
  for keyed in
    select * from (values
      ('tenant', 'uid'), ('root', 'tenant'), ('subject', 'tenant'), ('key', 'tenant'), ('revision', 'tenant'),
      ('tenant_head', 'uid'), ('changelog', 'tenant'), ('audit', 'tenant'), ('intent', 'tenant'),
      ('accounted', 'tenant'), ('outbox', 'tenant'), ('job', 'tenant'), ('idempotency', 'scope')
    ) as keyed (name, col)
  loop
    execute format('alter table bulkhead.%I enable row level security', keyed.name);
    execute format('alter table bulkhead.%I force row level security', keyed.name);
    execute format(
      'create policy app on bulkhead.%I to bulkhead_app using (%I = (select bulkhead.tenant()))
       with check (%I = (select bulkhead.tenant()))', keyed.name, keyed.col, keyed.col);
    execute format('create policy system on bulkhead.%I to bulkhead_system using (true) with check (true)', keyed.name);
  end loop;
end $$;

grant select on bulkhead.tenant, bulkhead.root, bulkhead.key, bulkhead.revision to bulkhead_app;
grant select, insert on bulkhead.audit, bulkhead.outbox to bulkhead_app;
grant select, update on bulkhead.tenant_head to bulkhead_app;
grant select, insert, update, delete on bulkhead.intent, bulkhead.idempotency, bulkhead.accounted to bulkhead_app;

grant select, update on bulkhead.meta to bulkhead_system;
grant select, insert on bulkhead.content_root to bulkhead_system;
grant select on bulkhead.lease to bulkhead_app;
grant select, insert, update, delete on bulkhead.tenant, bulkhead.root, bulkhead.subject, bulkhead.key,
  bulkhead.revision, bulkhead.tenant_head, bulkhead.intent, bulkhead.accounted, bulkhead.lease, bulkhead.outbox,
  bulkhead.job, bulkhead.idempotency, bulkhead.refusal to bulkhead_system;
grant select, insert on bulkhead.audit, bulkhead.changelog to bulkhead_system;
grant usage on sequence bulkhead.root_generation to bulkhead_system;
grant select on bulkhead.schema, bulkhead.schema_migration to bulkhead_system;
`;

/** What each role may call; nobody else may call anything. */
export const executions: string = String.raw`
revoke execute on all functions in schema bulkhead from public;
grant execute on all functions in schema bulkhead to bulkhead_system;
grant execute on function bulkhead.now(), bulkhead.tenant(), bulkhead.ms(timestamptz), bulkhead.uid_of(text),
  bulkhead.fence_key(uuid), bulkhead.enter_v1(uuid), bulkhead.tenant_json_v1(bulkhead.tenant),
  bulkhead.key_json_v1(bulkhead.key), bulkhead.audit_bytes_v1(bulkhead.audit),
  bulkhead.audit_append_v1(uuid, jsonb, text), bulkhead.audit_verify_v1(uuid), bulkhead.denials_v1(jsonb),
  bulkhead.idempotency_claim_v1(uuid, text, text, text, text), bulkhead.idempotency_commit_v1(text, jsonb),
  bulkhead.idempotency_answer_v1(text, text, integer, jsonb), bulkhead.idempotency_release_v1(text),
  bulkhead.moved_v1(jsonb), bulkhead.fences_v1(jsonb), bulkhead.intent_begin_v1(jsonb, text, bigint, text, text[], bigint),
  bulkhead.intent_commit_v1(text, jsonb, text, bigint, text, text), bulkhead.intent_settle_v1(text, jsonb),
  bulkhead.intent_discard_v1(text), bulkhead.intent_renew_v1(text[])
  to bulkhead_app;
`;
