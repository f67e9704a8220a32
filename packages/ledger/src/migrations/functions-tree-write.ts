/** Small writes where the directory is there already: what almost every commit is, in as few statements as can be. */
export const treeWrite: string = String.raw`
-- Writes into one tree, one element of each array a write, decided on the same revisions: p_fences in order of uid, of
-- which those with a number in p_ns were read. Each is judged before it has any effect, and a refused one leaves
-- nothing. Null, with nothing done, where it is commit_write_v1's: a revision moved, or a parent is missing.
-- Locks are taken in expressions: as statements of their own each would cost as much as a look-up.
create function bulkhead.commit_write_v2(p_tenant uuid, p_tree uuid, p_fences uuid[], p_ns bigint[], p_epochs uuid[],
  p_paths text[], p_modes text[], p_matches text[], p_sizes bigint[], p_digests text[], p_types text[],
  p_metadata jsonb[], p_audits jsonb[], p_idempotencies text[], p_content bytea) returns jsonb
language plpgsql as $$
declare
  v_count constant integer := cardinality(p_paths);
  v_set text;
  v_mount text;
  v_names text[];
  v_name text;
  v_parent text;
  v_last text;
  v_dir uuid;
  v_dirs uuid[] := '{}';
  v_keys text[] := '{}';
  v_seq bigint;
  v_used bigint;
  v_reserved bigint;
  v_files bigint;
  v_version_bytes bigint;
  v_audit_n bigint;
  v_audit_hash bytea;
  v_limits jsonb;
  v_bytes_limit bigint;
  v_files_limit bigint;
  v_now timestamptz;
  v_at timestamptz;
  v_offset integer := 1;
  v_node uuid;
  v_version bigint;
  v_size bigint;
  v_digest bytea;
  v_modified timestamptz;
  v_made boolean;
  v_new bigint;
  v_result jsonb;
  v_results jsonb := '[]';
  v_audit jsonb;
  v_detail jsonb;
  v_id uuid;
begin
  for i in 1 .. cardinality(p_fences) loop
    if pg_advisory_xact_lock_shared(bulkhead.fence_key(p_fences[i])) is null then return null; end if;
  end loop;
  for i in 1 .. cardinality(p_fences) loop
    if p_ns[i] is not null then
      v_set := set_config('bulkhead.tenant', p_fences[i]::text, true);
      perform from bulkhead.revision r where r.tenant = p_fences[i] and r.n = p_ns[i] and r.epoch = p_epochs[i];
      if not found then return null; end if;
    end if;
  end loop;
  v_set := set_config('bulkhead.tenant', p_tenant::text, true);

  -- Under the tree's lock a directory that is found stays where it is.
  if pg_advisory_xact_lock_shared(hashtextextended(p_tree::text, 20264)) is null then return null; end if;
  select t.mount into v_mount from bulkhead.tree t where t.id = p_tree;
  if not found then raise exception 'no such tree' using errcode = 'BH404'; end if;
  for k in 1 .. v_count loop
    v_names := string_to_array(p_paths[k], '/');
    v_parent := left(p_paths[k], -length(v_names[cardinality(v_names)]));
    if v_parent is distinct from v_last then
      v_dir := p_tree;
      for d in 1 .. cardinality(v_names) - 1 loop
        select n.id into v_dir from bulkhead.node n
          where n.tree = p_tree and n.parent = v_dir and n.sort_key = v_names[d] || '/';
        if not found then return null; end if;
      end loop;
      v_last := v_parent;
    end if;
    v_dirs := v_dirs || v_dir;
    v_keys := v_keys || (p_tree || '/' || p_paths[k]);
  end loop;
  if v_count > 1 then
    select array_agg(u.key order by u.key collate "C") into v_keys from unnest(v_keys) u (key);
  end if;
  for k in 1 .. v_count loop
    if pg_advisory_xact_lock(hashtextextended(v_keys[k], 20263)) is null then return null; end if;
  end loop;

  select h.seq, h.used, h.reserved, h.files, h.version_bytes, h.audit_seq, h.audit_hash
    into v_seq, v_used, v_reserved, v_files, v_version_bytes, v_audit_n, v_audit_hash
    from bulkhead.tenant_head h where h.uid = p_tenant for update;
  if not found then raise exception 'no such tenant' using errcode = 'BH404'; end if;
  select t.limits into v_limits from bulkhead.tenant t where t.uid = p_tenant;
  v_bytes_limit := floor((v_limits->>'bytes')::numeric);
  v_files_limit := floor((v_limits->>'files')::numeric);
  v_now := bulkhead.now();

  for k in 1 .. v_count loop
    v_new := p_sizes[k];
    v_name := substring(p_paths[k] from '[^/]*$');
    select n.id, n.version, n.size, n.digest, n.modified_at into v_node, v_version, v_size, v_digest, v_modified
      from bulkhead.node n where n.tree = p_tree and n.parent = v_dirs[k] and n.sort_key in (v_name, v_name || '/');
    v_made := not found;
    v_result := case
      when v_made then case when p_modes[k] = 'match' then '{"code": "precondition-failed"}'::jsonb end
      when p_modes[k] = 'create' then '{"code": "already-exists"}'
      when v_version is null then '{"code": "is-directory"}'
      when p_modes[k] = 'match' and bulkhead.etag_v1(v_version, v_digest) <> p_matches[k] then
        jsonb_build_object('code', 'precondition-failed', 'etag', bulkhead.etag_v1(v_version, v_digest))
      end;
    v_size := case when v_made then 0 else v_size end;
    if v_result is not null then null;
    elsif v_new > v_size and v_used + v_reserved + v_new - v_size > v_bytes_limit then
      v_result := jsonb_build_object('code', 'quota-exceeded', 'resource', 'bytes', 'limit', v_bytes_limit,
        'used', v_used, 'requested', v_new - v_size);
    elsif v_made and v_files + 1 > v_files_limit then
      v_result := jsonb_build_object('code', 'quota-exceeded', 'resource', 'files', 'limit', v_files_limit,
        'used', v_files, 'requested', 1);
    end if;
    if v_result is null then
      v_digest := decode(p_digests[k], 'hex');
      v_result := jsonb_build_object('files', v_made::integer, 'bytes', v_new - v_size, 'created', v_made,
        'etag', bulkhead.etag_v1(v_seq + 1, v_digest));
      -- The Idempotency-Key is somebody else's by now: doing it as well would do it twice.
      if p_idempotencies[k] is not null then
        if not bulkhead.idempotency_commit_v1(p_idempotencies[k], v_result) then v_result := null; end if;
        v_set := set_config('bulkhead.tenant', p_tenant::text, true);
      end if;
    else v_result := v_result || '{"state": "refused"}';
    end if;
    if v_result is null then v_result := '{"state": "refused", "code": "conflict", "reason": "claim"}';
    elsif v_result->>'state' is null then
      v_seq := v_seq + 1;
      v_used := v_used + v_new - v_size;
      v_files := v_files + v_made::integer;
      v_version_bytes := v_version_bytes + v_size;
      if v_made then
        v_node := gen_random_uuid();
        v_at := v_now;
        insert into bulkhead.node (tree, parent, sort_key, id, tenant, version, size, digest, content_type, metadata,
            created_at, modified_at)
          values (p_tree, v_dirs[k], v_name, v_node, p_tenant, v_seq, v_new, v_digest, p_types[k], p_metadata[k], v_at,
            v_at);
      else
        v_at := greatest(v_now, v_modified);
        update bulkhead.node n set version = v_seq, size = v_new, digest = v_digest, content_type = p_types[k],
            metadata = p_metadata[k], modified_at = v_at
          where n.tree = p_tree and n.parent = v_dirs[k] and n.sort_key = v_name;
      end if;
      insert into bulkhead.node_version (tree, node, n, tenant, kind, size, digest, inline, content_type, metadata, at)
        values (p_tree, v_node, v_seq, p_tenant, 'write', v_new, v_digest,
          case when v_count = 1 then p_content else substring(p_content from v_offset for v_new::integer) end,
          p_types[k], p_metadata[k], v_at);
      insert into bulkhead.change (tenant, seq, at, kind, payload)
        values (p_tenant, v_seq, v_now, 'file.write', jsonb_build_object('mount', v_mount, 'paths',
          jsonb_build_array(p_paths[k]), 'outcome', v_result));
      if p_audits[k] is not null then
        v_audit_n := v_audit_n + 1;
        v_audit := p_audits[k];
        v_id := gen_random_uuid();
        v_detail := coalesce(v_audit->'detail', '{}') || v_result;
        -- The bytes of audit_bytes_v1.
        v_audit_hash := sha256(v_audit_hash || convert_to(jsonb_build_array(1, p_tenant, v_audit_n, v_id,
          (extract(epoch from v_now) * 1000000)::bigint, coalesce(v_audit->>'actor', ''), coalesce(v_audit->>'key', ''),
          coalesce(v_audit->>'action', ''), coalesce(v_audit->>'resource', ''), 'SUCCESS',
          coalesce(v_audit->>'requestId', ''), coalesce(v_audit->>'front', ''), v_detail)::text, 'UTF8'));
        insert into bulkhead.audit (tenant, n, at, id, actor, key, action, resource, result, request_id, front, detail, hash)
          values (p_tenant, v_audit_n, v_now, v_id, coalesce(v_audit->>'actor', ''), coalesce(v_audit->>'key', ''),
            coalesce(v_audit->>'action', ''), coalesce(v_audit->>'resource', ''), 'SUCCESS',
            coalesce(v_audit->>'requestId', ''), coalesce(v_audit->>'front', ''), v_detail, v_audit_hash);
      end if;
      v_result := v_result || jsonb_build_object('state', 'done', 'version', v_seq::text);
      if not v_made then
        v_result := v_result || jsonb_build_object('replaced',
          jsonb_build_object('size', v_size, 'version', v_version::text));
      end if;
    end if;
    v_results := v_results || v_result;
    v_offset := v_offset + v_new::integer;
  end loop;
  update bulkhead.tenant_head h set seq = v_seq, used = v_used, files = v_files, version_bytes = v_version_bytes,
      audit_seq = v_audit_n, audit_hash = v_audit_hash
    where h.uid = p_tenant;
  return v_results;
end $$;
`;

export const treeWriteExecutions: string = String.raw`
revoke execute on all functions in schema bulkhead from public;
grant execute on all functions in schema bulkhead to bulkhead_system;
grant execute on function bulkhead.commit_write_v2(uuid, uuid, uuid[], bigint[], uuid[], text[], text[], text[], bigint[], text[], text[],
    jsonb[], jsonb[], text[], bytea) to bulkhead_app;
`;
