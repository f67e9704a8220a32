import { conformance } from "@bulkhead/conformance";
import { testS3 } from "@bulkhead/harness";
import { describe, it } from "vitest";
import { bucketsOn } from "./test/opened.ts";

const { servers, reason } = await testS3();

describe.skipIf(reason !== undefined)(`s3 ${reason ?? ""}`, { timeout: 60_000 }, () => {
  for (const server of servers) {
    const { open } = bucketsOn(server);
    conformance(
      { describe, it: it.concurrent },
      {
        name: `s3 on ${server.name}`,
        timeoutMs: 60_000,
        // With what is known of directories put to use as soon as there is anything to know.
        open: async () => ({ backend: await open({ limits: { looks: 1 } }) }),
      },
    );
  }
});
