import type { Database } from "./database.ts";
import { functionCall } from "./function-call.ts";
import { type AuditHeads, platformUid } from "./types.ts";

const unsigned = functionCall("audit_unsigned_v1", 2);

interface Unsigned {
  readonly tenant: string;
  readonly n: number;
  readonly hash: string;
}

/** Keeps signed heads of chains. */
export const createAuditHeads = (database: Database): AuditHeads => ({
  unsigned: async (after, limit) => {
    const rows = await database.call<readonly Unsigned[]>(unsigned, [after ?? null, limit]);
    return {
      heads: rows.map(({ tenant, n, hash }) => ({
        tenantUid: tenant === platformUid ? undefined : tenant,
        n,
        hash,
      })),
      next: rows.length < limit ? undefined : rows.at(-1)?.tenant,
    };
  },
  keep: async (heads) => {
    await database.rows(
      `insert into bulkhead.audit_head (tenant, n, hash, at, key_id, signature)
       select h.tenant, h.n, decode(h.hash, 'hex'), to_timestamp(h.at::double precision / 1000), h.key_id, decode(h.signature, 'hex')
       from unnest($1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[])
         h (tenant, n, hash, at, key_id, signature)
       order by h.tenant, h.n on conflict (tenant, n) do nothing`,
      [
        heads.map(({ tenantUid }) => tenantUid ?? platformUid),
        heads.map(({ n }) => n),
        heads.map(({ hash }) => hash),
        heads.map(({ at }) => at),
        heads.map(({ keyId }) => keyId),
        heads.map(({ signature }) => signature),
      ],
    );
  },
});
