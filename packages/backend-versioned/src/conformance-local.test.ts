import { conformance } from "@bulkhead/conformance";
import { local } from "@bulkhead/backend-local";
import { tempDir } from "@bulkhead/harness";
import { afterAll, describe, it } from "vitest";
import { freshTree, testLedger } from "./test/opened.ts";

const at = await testLedger();
afterAll(() => at[Symbol.asyncDispose]());
const open = async () => {
  const root = await tempDir();
  const backend = await freshTree(
    at.ledger,
    await local({ root: root.path, durability: "relaxed" }),
  );
  return { backend, close: () => root.remove() };
};
conformance({ describe, it }, { name: "versioned over local", open, commits: "inside" });
