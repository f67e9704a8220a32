import { conformance } from "@bulkhead/conformance";
import { query } from "@bulkhead/harness";
import { describe, it } from "vitest";
import { postgres } from "./postgres.ts";
import { emptied, sharedDatabase } from "./test/shared-database.ts";

const open = async () => {
  const url = await emptied(await sharedDatabase());
  const staged = "select from bulkhead.blob where not published";
  return {
    backend: postgres({ url }),
    scratchIsEmpty: async () => (await query(url, staged)).length === 0,
  };
};
conformance({ describe, it }, { name: "postgres", open });
