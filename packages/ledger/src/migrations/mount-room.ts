/** A bucket that was made with its tenant is the tenant's place, and none of the mounts that it may have. */
export const mountRoom: string = String.raw`
create or replace function bulkhead.used_v1(p_tenant uuid, p_resource text) returns bigint language plpgsql stable as $$
begin
  return case p_resource
    when 'bytes' then (select h.used from bulkhead.tenant_head h where h.uid = p_tenant)
    when 'files' then (select h.files - h.reserved_files from bulkhead.tenant_head h where h.uid = p_tenant)
    when 'versionBytes' then (select h.version_bytes from bulkhead.tenant_head h where h.uid = p_tenant)
    when 'users' then (select count(*) from bulkhead.subject s
      where s.tenant = p_tenant and s.type = 'user' and s.status <> 'removing')
    when 'keys' then (select count(*) from bulkhead.key k where k.tenant = p_tenant and k.revoked_at is null
      and (k.expires_at is null or k.expires_at > bulkhead.now()))
    when 'shares' then (select count(*) from bulkhead.share s where s.tenant = p_tenant and s.revoked_at is null
      and (s.expires_at is null or s.expires_at > bulkhead.now()) and (s.max_uses is null or s.uses < s.max_uses))
    when 'mounts' then (select count(*) from bulkhead.mount m where m.tenant = p_tenant and not m.storage ? 'made')
    else coalesce((select c.used from bulkhead.counter c where c.tenant = p_tenant and c.resource = p_resource), 0)
  end;
end $$;

drop trigger mount_room on bulkhead.mount;
create trigger mount_room after insert on bulkhead.mount for each row when (not new.storage ? 'made')
  execute function bulkhead.room_v1('mounts');
`;
