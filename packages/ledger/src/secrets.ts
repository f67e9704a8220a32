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
  reseal: async ({ tenantUid, name }, before, { keyId, sealed }) =>
    (
      await database.rows(
        `update bulkhead.secret set key_id = $4, sealed = $5, updated_at = bulkhead.now()
         where tenant = $1 and name = $2 and key_id = $3 returning name`,
        [uidOf(tenantUid), name, before, keyId, sealed],
      )
    ).length > 0,
});
