import type { Database } from "./database.ts";
import { platformUid } from "./types.ts";
import type { Secrets } from "./types-provisioning.ts";

const uidOf = (tenantUid: string | undefined): string => tenantUid ?? platformUid;

interface SecretRow {
  readonly tenant: string;
  readonly name: string;
  readonly key_id: string;
  readonly sealed: Uint8Array;
}

/** Keeps what is sealed. */
export const createSecrets = (database: Database): Secrets => ({
  get: async ({ tenantUid, name }) => {
    const [row] = await database.rows<Pick<SecretRow, "key_id" | "sealed">>(
      "select key_id, sealed from bulkhead.secret where tenant = $1 and name = $2",
      [uidOf(tenantUid), name],
    );
    return row && { keyId: row.key_id, sealed: row.sealed };
  },
  keep: async ({ tenantUid, name, keyId, sealed }) => {
    await database.rows(
      `insert into bulkhead.secret (tenant, name, key_id, sealed) values ($1, $2, $3, $4)
       on conflict (tenant, name) do nothing`,
      [uidOf(tenantUid), name, keyId, sealed],
    );
  },
  sealedOtherwise: async (keyId, limit) => {
    const rows = await database.rows<SecretRow>(
      `select tenant, name, key_id, sealed from bulkhead.secret where key_id < $1 or key_id > $1
       order by tenant, name limit $2`,
      [keyId, limit],
    );
    return rows.map((row) => ({
      tenantUid: row.tenant === platformUid ? undefined : row.tenant,
      name: row.name,
      keyId: row.key_id,
      sealed: row.sealed,
    }));
  },
  reseal: async (secrets) =>
    (
      await database.rows(
        `update bulkhead.secret s set key_id = n.key_id, sealed = n.sealed, updated_at = bulkhead.now()
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[])
           as n (tenant, name, before, key_id, sealed)
         where s.tenant = n.tenant and s.name = n.name and s.key_id = n.before returning s.name`,
        [
          secrets.map(({ tenantUid }) => uidOf(tenantUid)),
          secrets.map(({ name }) => name),
          secrets.map(({ before }) => before),
          secrets.map(({ keyId }) => keyId),
          secrets.map(({ sealed }) => sealed),
        ],
      )
    ).length,
});
