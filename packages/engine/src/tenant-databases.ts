import { randomUUID } from "node:crypto";
import { FileError } from "@bulkhead/contract";
import {
  databaseName,
  databaseUrl,
  deprovision,
  newPassword,
  type Pools,
  provision,
  provisionSchema,
  type ProvisionStep,
} from "@bulkhead/backend-postgres";
import { databasePassword, type Ledger, type NewDatabase } from "@bulkhead/ledger";
import type { PlacementSpec } from "./mount-spec.ts";
import type { LedgerRoot } from "./roots.ts";
import type { Sealer } from "./seal.ts";

export interface TenantDatabasesOptions {
  readonly ledger: Pick<Ledger, "provisioning">;
  readonly placements: Readonly<Record<string, PlacementSpec>>;
  /** Where a placement names no server. */
  readonly ledgerUrl: string;
  readonly sealer: Pick<Sealer, "seal" | "open">;
  readonly pools: Pools;
}

/** Where a root's tree is. The URL holds the password. */
export interface RootDatabase {
  readonly url: string;
  readonly schema: string;
}

/** The databases that tenants have of their own. */
export interface TenantDatabases {
  /** What a new tenant of that placement needs; undefined where it needs no database. The uid is the new tenant's. */
  readonly plan: (
    id: string,
    placement: string,
  ) => { readonly uid: string; readonly database: NewDatabase } | undefined;
  /** True if tenants of a placement have one. */
  readonly has: (placement: string) => boolean;
  /** Rejects with `unavailable` until all of it has been made. */
  readonly open: (root: LedgerRoot) => Promise<RootDatabase>;
  /** Makes what is missing, step by step. Idempotent. */
  readonly make: (
    root: LedgerRoot,
    onStep: (step: ProvisionStep) => Promise<void>,
  ) => Promise<RootDatabase>;
  /** Drops the database and its role, however far they came; answers the database's name. Idempotent. */
  readonly drop: (root: LedgerRoot) => Promise<string | undefined>;
  /** The server that a placement's databases are on. */
  readonly adminUrl: (placement: string) => string;
}

/** How often a provisioning may be begun: one that is killed again and again is gone on with all the same. */
const maxAttempts = 1000;

const defaultSchema = "bulkhead";

/** Makes, finds and drops tenants' databases. Their passwords are in the ledger, sealed, and in nothing else that lasts. */
export const tenantDatabases = (options: TenantDatabasesOptions): TenantDatabases => {
  const { ledger, placements, ledgerUrl, sealer, pools } = options;

  const adminUrl = (placement: string): string =>
    placements[placement]?.options.adminUrl ?? ledgerUrl;

  const find = async ({ tenant, placement, generation }: LedgerRoot) => {
    const database = await ledger.provisioning.database(tenant.uid);
    if (database === undefined) return undefined;
    const place = { tenantUid: tenant.uid, name: databasePassword };
    const password = sealer.open(place, database.password);
    const schema = placements[placement]?.options.schema ?? defaultSchema;
    return {
      ...database,
      password,
      url: databaseUrl(adminUrl(placement), database.name, database.name, password),
      // A tenant has one database; a root that it got later has a tree of its own in it.
      schema: generation === database.generation ? schema : `${schema}_${generation}`,
    };
  };

  const has = (placement: string): boolean => placements[placement]?.backend === "postgres";

  return {
    adminUrl,
    has,
    plan: (id, placement) => {
      if (!has(placement)) return undefined;
      const uid = randomUUID();
      const place = { tenantUid: uid, name: databasePassword };
      return {
        uid,
        database: {
          name: databaseName(id, uid),
          password: sealer.seal(place, newPassword()),
          maxAttempts,
        },
      };
    },
    open: async (root) => {
      const found = await find(root);
      if (found?.ready !== true)
        throw new FileError("unavailable", "This tenant's database is not there yet.", {
          fields: { retryAfter: 1 },
        });
      const { name, url, schema } = found;
      if (root.generation !== found.generation)
        await provisionSchema({ adminUrl: adminUrl(root.placement), name, schema });
      return { url, schema };
    },
    make: async (root, onStep) => {
      const found = await find(root);
      if (found === undefined)
        throw new FileError("conflict", "The tenant is to have no database any more.", {
          retry: "never",
        });
      const { name, password, schema, url } = found;
      await provision({
        adminUrl: adminUrl(root.placement),
        name,
        password,
        schema,
        provisioningSql: placements[root.placement]?.provisioningSql,
        onStep,
      });
      return { url, schema };
    },
    drop: async (root) => {
      const found = await find(root);
      if (found === undefined) return undefined;
      await pools.retire(found.url);
      await deprovision({ adminUrl: adminUrl(root.placement), name: found.name });
      return found.name;
    },
  };
};
