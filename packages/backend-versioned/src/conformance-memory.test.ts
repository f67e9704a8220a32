import { conformance } from "@bulkhead/conformance";
import { afterAll, describe, it } from "vitest";
import { freshTree, testLedger } from "./test/opened.ts";

const at = await testLedger();
afterAll(() => at[Symbol.asyncDispose]());
const open = async () => ({ backend: await freshTree(at.ledger) });
conformance({ describe, it }, { name: "versioned over memory", open, commits: "inside" });
