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
export { type CuttingProxy, cuttingProxy } from "./s3/cutting-proxy.ts";
export { type S3Access, spareKeys } from "./s3/start-s3.ts";
export { type TestBucket, testBucket } from "./s3/test-bucket.ts";
export { type OwnS3, ownS3, type TestS3, type TestS3s, testS3 } from "./s3/test-s3.ts";
export { type TempDir, tempDir } from "./temp-dir.ts";
export { type TestDatabase, type TestDatabaseOptions, testDatabase } from "./test-database.ts";
export { testServer } from "./test-server.ts";
export { type WaitOptions, waitFor } from "./wait-for.ts";
