import { scopes } from "@bulkhead/contract";
import type { Database, Queries } from "./database.ts";
import { hashKey, keyIdOf, mintKeyId, mintKeyString } from "./key-string.ts";
import { type PlatformKeys, platformUid } from "./types.ts";

const strong = /^[\x21-\x7e]{32,4096}$/;

const insert = (tx: Queries, id: string, hash: Uint8Array, name: string): Promise<unknown> =>
  tx.rows(
    `insert into bulkhead.key (id, hash, tenant, name, subject_type, subject_id, scopes, created_by)
     values ($1, $2, $3, $4, 'service', $1, $5, 'service:bulkhead') on conflict (hash) do nothing`,
    [id, Buffer.from(hash), platformUid, name, scopes],
  );

/** Sees to it that somebody holds a platform key. */
export const createPlatformKeys = (database: Database): PlatformKeys => ({
  any: async () => {
    const known = await database.rows("select 1 from bulkhead.key where tenant = $1 limit 1", [
      platformUid,
    ]);
    return known.length > 0;
  },
  ensure: async ({ env }) => {
    if (env !== undefined) {
      if (!strong.test(env))
        throw new Error(
          "BULKHEAD_PLATFORM_KEY has to be at least 32 printable characters without spaces; draw one with 'openssl rand -hex 32'.",
        );
      await database.transaction((tx) =>
        insert(tx, keyIdOf(env) ?? mintKeyId(), hashKey(env), "environment"),
      );
      return { minted: undefined };
    }
    return await database.transaction(async (tx) => {
      // Two servers that start at once mint one key.
      await tx.rows("select pg_advisory_xact_lock(20261, 2)");
      const known = await tx.rows(
        "select 1 from bulkhead.key where tenant = $1 and name = 'bootstrap' limit 1",
        [platformUid],
      );
      if (known.length > 0) return { minted: undefined };
      const { id, key, hash } = mintKeyString();
      await insert(tx, id, hash, "bootstrap");
      return { minted: key };
    });
  },
});
