import { conformance } from "@bulkhead/conformance";
import { migrateTenantDatabase, pools, postgres } from "@bulkhead/backend-postgres";
import { afterAll, describe, it } from "vitest";
import { freshTree, testLedger } from "./test/opened.ts";

const at = await testLedger();
const connections = pools({ maxConnections: 4 });
const content = { url: at.url, schema: "content", pools: connections };
await migrateTenantDatabase(at.url, content);
afterAll(async () => {
  await connections.close();
  await at[Symbol.asyncDispose]();
});
const open = async () => ({ backend: await freshTree(at.ledger, postgres(content)) });
conformance({ describe, it }, { name: "versioned over postgres", open, commits: "inside" });
