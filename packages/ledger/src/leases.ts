import { type Database, toJson } from "./database.ts";
import type { LeaseHolder, Leases } from "./types-work.ts";

const acquire = {
  name: "lease_acquire_v1",
  text: "select bulkhead.lease_acquire_v1($1, $2, $3, $4)",
};

type Acquired =
  | { readonly fencing: number }
  | { readonly holder: LeaseHolder; readonly held: number };

/** Keeps leases by the ledger's clock. */
export const createLeases = (database: Database): Leases => ({
  acquire: async (name, holder, ttlMs, isDead) => {
    const take = (dead: number | null): Promise<Acquired> =>
      database.call<Acquired>(acquire, [name, toJson(holder), ttlMs, dead]);
    const first = await take(null);
    if ("fencing" in first) return first;
    const { host, boot } = first.holder;
    // Only a process of the same boot can be looked at; a lease of another machine is waited for.
    if (isDead === undefined || host !== holder.host || boot !== holder.boot) return undefined;
    if (!(await isDead(first.holder))) return undefined;
    const second = await take(first.held);
    return "fencing" in second ? second : undefined;
  },
  renew: async (name, fencing, ttlMs) => {
    const rows = await database.rows(
      `update bulkhead.lease set until = bulkhead.now() + $3::double precision * interval '1 millisecond'
       where name = $1 and fencing = $2 and holder is not null and until > bulkhead.now() returning name`,
      [name, fencing, ttlMs],
    );
    return rows.length > 0;
  },
  release: async (name, fencing) => {
    // The row stays, so that the next number is greater.
    await database.rows(
      "update bulkhead.lease set holder = null, until = bulkhead.now() where name = $1 and fencing = $2",
      [name, fencing],
    );
  },
});
