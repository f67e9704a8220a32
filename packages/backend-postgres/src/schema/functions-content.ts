/**
 * Makes the functions that keep contents: staged under a lease, published by an effect, kept for a grace after the last
 * reference went, then collected. `s` is the quoted schema.
 *
 * A blob that nothing refers to and whose time has passed is never referred to again: publishing asks for a live
 * lease, a copy for a source that refers to it, and whatever takes a reference away sets a time to come. So the
 * collector may work in small steps; the foreign keys would refuse its last one.
 */
export const contentFunctions = (s: string): string => `
-- The effect's own commit flushes everything before it; what no effect follows may be lost with the machine.
create function ${s}.loosely_v1() returns void
language sql volatile as $$ select set_config('synchronous_commit', 'off', true) $$;

create function ${s}.stage_v1(p_blob uuid, p_part integer, p_bytes bytea, p_lease interval) returns void
language plpgsql volatile as $$
begin
  perform ${s}.loosely_v1();
  if p_part = 0 then
    insert into ${s}.blob (id, expires_at) values (p_blob, clock_timestamp() + p_lease);
  else
    update ${s}.blob set expires_at = clock_timestamp() + p_lease where id = p_blob and expires_at > clock_timestamp();
    if not found then raise exception using errcode = 'BHGON', message = 'lease lapsed'; end if;
  end if;
  if length(p_bytes) > 0 then
    insert into ${s}.chunk (blob, part, bytes) values (p_blob, p_part, p_bytes);
  end if;
end $$;

create function ${s}.publish_v1(p_blob uuid) returns void
language plpgsql volatile as $$
begin
  update ${s}.blob set expires_at = null, published = true where id = p_blob and expires_at > clock_timestamp();
  if not found then raise exception using errcode = 'BHGON', message = 'lease lapsed'; end if;
end $$;

-- Set even where others refer to it: two that go at once would each see the other. The collector looks again.
create function ${s}.retire_v1(p_blobs uuid[], p_grace interval) returns void
language plpgsql volatile as $$
begin
  perform from ${s}.blob where id = any (p_blobs) order by id for update;
  update ${s}.blob set expires_at = clock_timestamp() + p_grace where id = any (p_blobs);
end $$;

-- A reader that is slow keeps what was replaced under it.
create function ${s}.keep_v1(p_blob uuid, p_grace interval) returns void
language plpgsql volatile as $$
begin
  perform ${s}.loosely_v1();
  update ${s}.blob set expires_at = clock_timestamp() + p_grace where id = p_blob and expires_at > clock_timestamp();
end $$;

-- Gives up content that was never published.
create function ${s}.discard_v1(p_blob uuid) returns void
language plpgsql volatile as $$
begin
  perform ${s}.loosely_v1();
  update ${s}.blob set expires_at = '-infinity' where id = p_blob and not published;
end $$;

create function ${s}.doom_v1(p_limit integer) returns setof uuid
language plpgsql volatile as $$
begin
  perform ${s}.loosely_v1();
  update ${s}.blob b set expires_at = null
  where b.expires_at < clock_timestamp() and b.expires_at > '-infinity'
    and exists (select from ${s}.node n where n.blob = b.id);
  return query
    update ${s}.blob set expires_at = '-infinity'
    where id in (
      select b.id from ${s}.blob b
      where b.expires_at < clock_timestamp() and not exists (select from ${s}.node n where n.blob = b.id)
      order by b.expires_at limit p_limit for update skip locked)
    returning id;
end $$;

-- Deletes some parts of what is doomed, at last the blob; true once all is gone.
create function ${s}.erase_v1(p_blob uuid, p_parts integer) returns boolean
language plpgsql volatile as $$
declare
  v_deleted integer;
begin
  perform ${s}.loosely_v1();
  perform from ${s}.blob where id = p_blob and expires_at = '-infinity' for update;
  if not found then return true; end if;
  delete from ${s}.chunk where blob = p_blob and part in (
    select c.part from ${s}.chunk c where c.blob = p_blob order by c.part limit p_parts);
  get diagnostics v_deleted = row_count;
  if v_deleted < p_parts then
    delete from ${s}.blob where id = p_blob;
    return true;
  end if;
  return false;
end $$;
`;
