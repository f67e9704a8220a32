import { randomBytes } from "node:crypto";
import { type Pools, pools } from "@bulkhead/backend-postgres";
import type { Ledger } from "@bulkhead/ledger";
import type { Closers } from "./closers.ts";
import type { PlacementSpec } from "./mount-spec.ts";
import { presentSealer, type Sealer } from "./seal.ts";
import { type TenantDatabases, tenantDatabases } from "./tenant-databases.ts";

export type SealKeys = readonly [Uint8Array, ...Uint8Array[]];

export interface OpenTenantDatabasesOptions {
  readonly ledger: Pick<Ledger, "provisioning">;
  readonly ledgerUrl: string;
  readonly placements: Readonly<Record<string, PlacementSpec>>;
  readonly sealKeys?: SealKeys | (() => SealKeys) | undefined;
  readonly tenantConnections?: number | undefined;
}

/** Everything that tenants' own databases need in a process: who finds them and their connections. */
export const openTenantDatabases = (
  options: OpenTenantDatabasesOptions,
  opened: Closers,
): {
  readonly databases: TenantDatabases;
  readonly pools: Pools;
  /** Seals what the ledger keeps of secrets. */
  readonly sealing: Pick<Sealer, "seal" | "open">;
} => {
  const { ledger, ledgerUrl, placements, sealKeys, tenantConnections } = options;
  const named = Object.entries(placements).find(([, { backend }]) => backend === "postgres");
  if (named !== undefined && sealKeys === undefined)
    throw new Error(
      `The placement '${named[0]}' keeps passwords, and there is no key to seal them.`,
    );
  // Without a key nothing is sealed, and this one opens nothing.
  const keys: SealKeys | (() => SealKeys) = sealKeys ?? [randomBytes(32)];
  const sealing = presentSealer(typeof keys === "function" ? keys : () => keys);
  const connections = pools({
    ...(tenantConnections !== undefined && { maxConnections: tenantConnections }),
  });
  opened.add(() => connections.close());
  const databases = tenantDatabases({
    ledger,
    placements,
    ledgerUrl,
    sealer: sealing,
    pools: connections,
  });
  return { databases, pools: connections, sealing };
};
