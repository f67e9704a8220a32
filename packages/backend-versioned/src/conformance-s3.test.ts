import { s3 } from "@bulkhead/backend-s3";
import { conformance } from "@bulkhead/conformance";
import { testBucket, testS3 } from "@bulkhead/harness";
import { afterAll, describe, it } from "vitest";
import { freshTree, testLedger } from "./test/opened.ts";

const { servers, reason } = await testS3();
const at = await testLedger();
afterAll(() => at[Symbol.asyncDispose]());
describe.skipIf(reason !== undefined)(`versioned ${reason ?? ""}`, { timeout: 60_000 }, () => {
  for (const server of servers) {
    const bucket = testBucket(server);
    const first = bucket.then(({ options }) => s3(options));
    const more = async () => ({ collisions: false, support: (await first).support });
    const content = async () => s3({ ...(await bucket).options, ...(await more()) });
    const open = async () => ({ backend: await freshTree(at.ledger, await content()) });
    const name = `versioned over s3 on ${server.name}`;
    conformance({ describe, it: it.concurrent }, { name, open, commits: "inside" });
  }
});
