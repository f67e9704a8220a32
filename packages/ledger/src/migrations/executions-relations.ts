/**
 * Who may call what of relations. What requests change of them runs as bulkhead_system, whose functions name the tenant
 * themselves: a grant that crosses tenants concerns two.
 */
export const relationExecutions: string = String.raw`
grant create on schema bulkhead to bulkhead_system;
alter function bulkhead.relations_touched_v1(uuid, text, text) owner to bulkhead_system;
alter function bulkhead.relations_follow_v1(uuid, text, text) owner to bulkhead_system;
revoke create on schema bulkhead from bulkhead_system;
revoke execute on all functions in schema bulkhead from public;
grant execute on all functions in schema bulkhead to bulkhead_system;
grant execute on function bulkhead.relations_hold_v1(uuid, boolean),
  bulkhead.relations_touched_v1(uuid, text, text), bulkhead.relations_follow_v1(uuid, text, text),
  bulkhead.tree_admit_v2(uuid, jsonb)
  to bulkhead_app;
`;
