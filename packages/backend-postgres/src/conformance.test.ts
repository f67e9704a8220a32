import { conformance } from "@bulkhead/conformance";
import { query, testDatabase } from "@bulkhead/harness";
import { describe, it } from "vitest";
import { migrateTenantDatabase } from "./migrate.ts";
import { postgres } from "./postgres.ts";

const open = async () => {
  const { url, close } = await testDatabase({ migrate: (at) => migrateTenantDatabase(at) });
  const staged = "select from bulkhead.blob where not published";
  return {
    backend: postgres({ url }),
    close,
    scratchIsEmpty: async () => (await query(url, staged)).length === 0,
  };
};
conformance({ describe, it }, { name: "postgres", open });
