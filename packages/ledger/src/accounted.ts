import type { Database, Queries } from "./database.ts";
import { functionCall } from "./function-call.ts";
import { platformUid } from "./types.ts";
import type { Accounted, Counted } from "./types-accounted.ts";

const statements = {
  open: functionCall("accounted_open_v1", 2),
  set: functionCall("accounted_set_v1", 7),
  page: functionCall("accounted_page_v1", 3),
  usage: functionCall("usage_v1", 1),
} as const;

const uidOf = (tenant: string | undefined): string => tenant ?? platformUid;

/** What the server does for plain storage's charges, as `bulkhead_system`. */
export const createAccounted = (database: Database): Accounted => ({
  open: (mount, tenant) => database.call<boolean>(statements.open, [mount, uidOf(tenant)]),
  counted: async (mount, tenant) => {
    await database.rows(
      "update bulkhead.accounted_mount set counted_at = bulkhead.now() where mount = $1 and tenant = $2",
      [mount, uidOf(tenant)],
    );
  },
  set: async (mount, tenant, low, high, found) => {
    await database.call<null>(statements.set, [
      uidOf(tenant),
      mount,
      low,
      high,
      found.map(({ path }) => path),
      found.map(({ size }) => size),
      found.map(({ etag }) => etag ?? null),
    ]);
  },
  page: (mount, after, limit) => database.call(statements.page, [mount, after, limit]),
  sizes: async (mount, paths) => {
    const rows = await database.rows<{ path: string; size: string }>(
      "select path, size from bulkhead.accounted where mount = $1 and path = any ($2)",
      [mount, paths],
    );
    return new Map(rows.map(({ path, size }) => [path, Number(size)]));
  },
  usage: async (tenant) =>
    (await database.call<{ counted: Counted; charged: Counted } | null>(statements.usage, [
      uidOf(tenant),
    ])) ?? undefined,
});

/** Forgets what a tenant was charged with: by its mounts, since there is no index by tenant. */
export const forgetCharges = async (tx: Queries, tenant: string): Promise<void> => {
  await tx.rows(
    `with m as (delete from bulkhead.accounted_mount where tenant = $1 returning mount)
     delete from bulkhead.accounted a using m where a.mount = m.mount`,
    [tenant],
  );
};
