import { createHash } from "node:crypto";
import type { Mode } from "@bulkhead/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { combine } from "./combine.ts";
import { type Fixture, fixture, settlement } from "./test/fixture.ts";
import type { TreeRef, TreeWrite } from "./types-trees.ts";

let at: Fixture;
let tree: TreeRef;
let foreign: TreeRef;
beforeAll(async () => {
  at = await fixture();
  tree = await at.ledger.trees.ensure((await at.tenant("alpha")).uid, "root:alpha", "content");
  foreign = await at.ledger.trees.ensure((await at.tenant("beta")).uid, "root:beta", "content");
  for (const one of [tree, foreign]) {
    await at.ledger.trees.write(one, writing(one, "d/f", "content"));
    await at.ledger.trees.openBlob(one, "big", "overwrite", 1);
    const gone = await at.ledger.trees.openBlob(one, "big", "overwrite", 1);
    if (gone.state === "done") await at.ledger.trees.discardBlob(one, gone.id);
  }
});
afterAll(() => at[Symbol.asyncDispose]());

const writing = (
  on: TreeRef,
  path: string,
  content: string,
  mode: Mode = "overwrite",
): TreeWrite => ({
  settlement: settlement(on.tenant),
  path,
  mode,
  size: content.length,
  digest: createHash("sha256").update(content).digest("hex"),
  contentType: undefined,
  metadata: undefined,
  content: Buffer.from(content),
});

test("A tree is made once for a mount, and refused to another tenant", async () => {
  const again = await at.ledger.trees.ensure(tree.tenant, "root:alpha", "content");
  expect(again.id).toBe(tree.id);
  await expect(
    at.ledger.trees.ensure(foreign.tenant, "root:alpha", "content"),
  ).rejects.toMatchObject({ code: "conflict" });
});

describe("row-level security", () => {
  const tables = ["tree", "node", "node_version", "blob", "blob_tombstone"];

  test("bulkhead_app sees no tree while no tenant is named, then that tenant's alone", async () => {
    await using app = await at.connect("bulkhead_app");
    const tenants = async (table: string): Promise<unknown[]> =>
      (await app.client.query(`select distinct tenant from bulkhead.${table}`)).rows;
    for (const table of tables) expect(await tenants(table)).toEqual([]);
    await app.client.query("begin");
    await app.client.query("select bulkhead.enter_v1($1)", [tree.tenant]);
    for (const table of tables) expect(await tenants(table)).toEqual([{ tenant: tree.tenant }]);
    await app.client.query("rollback");
    for (const table of tables) expect(await tenants(table)).toEqual([]);
  });

  test("Under one tenant's name another's tree is not there, for nothing", async () => {
    const { trees } = at.ledger;
    const thief: TreeRef = { id: foreign.id, tenant: tree.tenant };
    const own = settlement(tree.tenant);
    const rows = (): Promise<unknown> =>
      at.sql(
        `select 'n', parent::text, sort_key from bulkhead.node union all
         select 'v', node::text, n::text from bulkhead.node_version union all
         select 'b', id::text, refs::text from bulkhead.blob union all
         select 'h', uid::text, seq::text from bulkhead.tenant_head order by 1, 2, 3`,
      );
    const before = await rows();
    const missing = { state: "refused", code: "not-found" };
    for (const path of ["", "d", "d/f"])
      expect(await trees.stat(thief, path)).toMatchObject(missing);
    expect(await trees.read(thief, "d/f", undefined)).toMatchObject(missing);
    expect(await trees.read(thief, "d/f", "1")).toMatchObject(missing);
    expect(await trees.list(thief, "d", "", 10)).toMatchObject(missing);
    expect(await trees.list(thief, "", "", 10)).toMatchObject(missing);
    expect(await trees.versions(thief, "d/f", undefined, 10)).toMatchObject(missing);
    const transfer = {
      settlement: own,
      from: "d/f",
      to: "x",
      mode: "create",
      ifMatch: undefined,
    } as const;
    for (const commit of [
      () => trees.restore(thief, own, "d/f", "1"),
      () => trees.remove(thief, own, "d/f", { recursive: false, ifMatch: undefined }),
      () => trees.remove(thief, own, "", { recursive: true, ifMatch: undefined }),
      () => trees.copy(thief, transfer),
      () => trees.move(thief, transfer),
      () => trees.write(thief, writing(thief, "d/f", "x")),
      () => trees.mkdir(thief, own, "x"),
    ])
      await expect(commit()).rejects.toMatchObject({ code: "not-found" });
    await expect(trees.openBlob(thief, "x", "overwrite", 1)).rejects.toMatchObject({
      code: "not-found",
    });
    const blobs = await at.sql<{ id: string }>("select id from bulkhead.blob where tenant = $1", [
      foreign.tenant,
    ]);
    expect(await trees.discardBlob(thief, blobs[0]?.id ?? "")).toBe(false);
    await trees.renewBlobs(thief, [blobs[0]?.id ?? ""]);
    expect(await rows()).toEqual(before);
  });

  test("Nobody commits on another's blob", async () => {
    const blobs = await at.sql<{ id: string }>("select id from bulkhead.blob where tenant = $1", [
      foreign.tenant,
    ]);
    expect(
      await at.ledger.trees.write(tree, {
        ...writing(tree, "stolen", "x"),
        content: { blob: blobs[0]?.id ?? "", frames: "" },
      }),
    ).toMatchObject({ state: "refused", code: "conflict" });
  });

  test.each([
    "update bulkhead.node_version set inline = ''",
    "delete from bulkhead.node_version",
    "insert into bulkhead.tree (id, tenant, mount, content) values (gen_random_uuid(), gen_random_uuid(), 'm', 'c')",
    "delete from bulkhead.tree",
    "select bulkhead.tree_ensure_v1(gen_random_uuid(), 'm', 'c')",
    "select bulkhead.tree_drop_v1('root:beta', 1)",
    "select bulkhead.versions_prune_v1(gen_random_uuid(), gen_random_uuid(), 0, 0, 1)",
    "select bulkhead.blobs_bury_v1('content', 1)",
    "select bulkhead.blobs_page_v1('content', gen_random_uuid(), 1)",
    "select bulkhead.trees_recount_v1(gen_random_uuid())",
  ])("bulkhead_app may not: %s", async (statement) => {
    await using app = await at.connect("bulkhead_app");
    await expect(app.client.query(statement)).rejects.toThrow(/permission denied/);
  });

  test("Nobody else may call anything of the trees", async () => {
    const open = await at.sql(
      `select p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
       where n.nspname = 'bulkhead' and has_function_privilege('public', p.oid, 'execute')`,
    );
    expect(open).toEqual([]);
  });
});

describe("combine", () => {
  const settle = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      (value) => value,
      (error: unknown) => (error instanceof Error ? error.message : error),
    );

  test("One run a group is under way; groups do not wait for each other", async () => {
    const gate = Promise.withResolvers<void>();
    const runs: (readonly [string, number])[] = [];
    const submit = combine<number, number>(async (group, items) => {
      runs.push([group, items.length]);
      if (group === "a") await gate.promise;
      return items.map((item) => item * 2);
    });
    const work = [1, 2, 3].map((item) => submit("a", item));
    expect(await submit("b", 5)).toBe(10);
    expect(runs).toEqual([
      ["a", 1],
      ["b", 1],
    ]);
    gate.resolve();
    expect(await Promise.all(work)).toEqual([2, 4, 6]);
    expect(runs.at(-1)).toEqual(["a", 2]);
    expect(await submit("a", 4)).toBe(8);
  });

  test("A run whose effect is in doubt is never repeated", async () => {
    const { ledgerUnavailable } = await import("./errors.ts");
    const sizes: number[] = [];
    const submit = combine<number, number>(async (_, items) => {
      sizes.push(items.length);
      await Promise.resolve();
      throw ledgerUnavailable();
    });
    const outcomes = await Promise.all([1, 2, 3].map((item) => settle(submit("a", item))));
    expect(new Set(outcomes).size).toBe(1);
    expect(sizes).toEqual([1, 2]);
  });
});
