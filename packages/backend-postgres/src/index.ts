export type { Connection, Row, Statement } from "./connection.ts";
export { databaseName } from "./database-name.ts";
export type { Effect, Effects } from "./effects.ts";
export { migrateTenantDatabase, type MigrateTenantOptions } from "./migrate.ts";
export { pools } from "./pools.ts";
export type { Lease, Pools, PoolsCount, PoolsOptions } from "./pools-types.ts";
export { postgres, type PostgresBackend, type PostgresOptions } from "./postgres.ts";
export { databaseUrl } from "./admin.ts";
export {
  closeDatabases,
  deprovision,
  newPassword,
  openDatabases,
  provision,
  type Provisioned,
  type ProvisionOptions,
  provisionSchema,
  type ProvisionStep,
} from "./provision.ts";
