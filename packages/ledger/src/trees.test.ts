import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fixture, fixture } from "./test/fixture.ts";
import type { TreeRef } from "./types-trees.ts";

let at: Fixture;
let tree: TreeRef;
beforeAll(async () => {
  at = await fixture();
  const tenant = await at.tenant("trees");
  tree = await at.ledger.trees.ensure(tenant.uid, "root:trees", "content");
});
afterAll(() => at[Symbol.asyncDispose]());

test("A tree is made once for a mount, and refused to another tenant", async () => {
  const again = await at.ledger.trees.ensure(tree.tenant, "root:trees", "content");
  expect(again.id).toBe(tree.id);
  const other = await at.tenant("other");
  await expect(at.ledger.trees.ensure(other.uid, "root:trees", "content")).rejects.toMatchObject({
    code: "conflict",
  });
});
