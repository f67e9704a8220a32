import {
  type DirectoryEntry,
  FileError,
  type Settlement,
  type TenantRef,
} from "@bulkhead/contract";
import type { Changes } from "./change.ts";
import { type Database, type Queries } from "./database.ts";
import { codeOf } from "./errors.ts";
import { pageLimitOf, readPosition, writePosition } from "./position.ts";
import type { Directory } from "./types-directory.ts";
import { platformUid } from "./types.ts";

const entry = `jsonb_build_object('tenant', d.tenant, 'region', d.region, 'subdomain', d.subdomain,
  'createdAt', bulkhead.ms(d.created_at), 'updatedAt', bulkhead.ms(d.updated_at))`;

const noEntry = (): FileError =>
  new FileError("not-found", "The directory has no such tenant of another region.");

/** Keeps which tenants are served elsewhere. Nothing is decided on it but where to send who is wrong here. */
export const createDirectory = (database: Database, change: Changes): Directory => {
  const alter = <T>(
    kind: string,
    settlement: Settlement,
    work: (tx: Queries) => Promise<T>,
  ): Promise<T> =>
    change({
      kind,
      settlement,
      chain: platformUid,
      takesFrom: [],
      bumps: [],
      work: async (tx) => ({ value: await work(tx), payload: {} }),
    });

  return {
    find: async ({ tenant, subdomain }) => {
      const [row] = await database.rows<{ record: DirectoryEntry }>(
        `select ${entry} as record from bulkhead.directory d where tenant = $1 or subdomain = $2
         order by tenant = $1 desc nulls last limit 1`,
        [tenant ?? null, subdomain ?? null],
      );
      return row?.record;
    },
    put: (settlement, { tenant, region, subdomain }) =>
      alter("directory.put", settlement, async (tx) => {
        const here = await tx.rows(
          "select from bulkhead.tenant where status <> 'deleted' and (id = $1 or subdomain = $2)",
          [tenant, subdomain ?? null],
        );
        if (here.length > 0) throw new FileError("already-exists", "This server has that tenant.");
        const [row] = await orTaken(
          tx.rows<{ record: DirectoryEntry }>(
            `insert into bulkhead.directory as d (tenant, region, subdomain) values ($1, $2, $3)
             on conflict (tenant) do update set region = excluded.region, subdomain = excluded.subdomain,
               updated_at = bulkhead.now() returning ${entry} as record`,
            [tenant, region, subdomain ?? null],
          ),
        );
        if (row === undefined) throw noEntry();
        return row.record;
      }),
    remove: (settlement, tenant) =>
      alter("directory.remove", settlement, async (tx) => {
        const gone = await tx.rows(
          "delete from bulkhead.directory where tenant = $1 returning tenant",
          [tenant],
        );
        if (gone.length === 0) throw noEntry();
      }),
    list: async (query) => {
      const limit = pageLimitOf(query);
      const [after] = readPosition(query.after, 1) ?? [""];
      const rows = await database.rows<{ record: DirectoryEntry }>(
        `select ${entry} as record from bulkhead.directory d where tenant > $1 order by tenant limit $2`,
        [after, limit + 1],
      );
      const items = rows.slice(0, limit).map((row) => row.record);
      const last = rows.length > limit ? items.at(-1) : undefined;
      return last === undefined ? { items } : { items, next: writePosition([last.tenant]) };
    },
    tenantOf: async (subdomain) => {
      const [row] = await database.rows<TenantRef>(
        "select uid, id, status from bulkhead.tenant where subdomain = $1 and status <> 'deleted'",
        [subdomain],
      );
      return row;
    },
    subdomainOf: async (uid) => {
      const [row] = await database.rows<{ subdomain: string | null }>(
        "select subdomain from bulkhead.tenant where uid = $1",
        [uid],
      );
      return row?.subdomain ?? undefined;
    },
  };
};

const orTaken = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) !== "23505") throw error;
    throw new FileError("already-exists", "That subdomain is another tenant's.", { cause: error });
  }
};
