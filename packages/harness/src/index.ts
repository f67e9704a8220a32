export {
  type BulkheadOptions,
  type Exit,
  type RunningBulkhead,
  bulkhead,
  runSource,
} from "./bulkhead.ts";
export { freePort } from "./free-port.ts";
export { type Sql, openSql } from "./open-sql.ts";
export { query } from "./query.ts";
export { type TempDir, tempDir } from "./temp-dir.ts";
export { type TestDatabase, type TestDatabaseOptions, testDatabase } from "./test-database.ts";
export { testServer } from "./test-server.ts";
export { type WaitOptions, waitFor } from "./wait-for.ts";
