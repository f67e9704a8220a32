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

test("A page tells of each entry what a look at it tells", async () => {
  const { trees } = at.ledger;
  const put = async (name: string, more: Partial<TreeWrite> = {}): Promise<void> => {
    const wrote = await trees.write(tree, { ...writing(tree, `page/${name}`, name), ...more });
    expect(wrote).toMatchObject({ state: "done" });
  };
  const metadata = { a: 'tab\tline\n"quoted"', b: "\u{1f600}" };
  await put("dir/x");
  for (const name of ["a", "plain", "\u{1f600} '\"", "__proto__"]) await put(name);
  await put("typed", { contentType: 'text/x\n,"y' });
  await put("__proto__", { metadata });
  await put("both", { contentType: "text/z", metadata });
  await at.sql(
    `update bulkhead.node set created_at = '1969-07-20 20:17:40.1239Z', modified_at = '2262-04-11 23:47:16.8547Z'
     where tree = $1 and sort_key = 'a'`,
    [tree.id],
  );
  const names = ["__proto__", "a", "both", "dir", "plain", "typed", "\u{1f600} '\""];
  const looked = names.map(async (name) => {
    const look = await trees.stat(tree, `page/${name}`);
    return look.state === "done" ? look.stat : look;
  });
  const page = await trees.list(tree, "page", "", 100);
  expect(page).toEqual({ state: "done", entries: await Promise.all(looked) });
  const few = await trees.list(tree, "page", "both", 2);
  expect(few).toMatchObject({ entries: [{ name: "dir" }, { name: "plain" }] });
  expect(await trees.list(tree, "page", "\u{10ffff}", 2)).toEqual({ state: "done", entries: [] });
  expect(await trees.list(tree, "page/a", "", 2)).toMatchObject({ code: "not-directory" });
});

test("One write stands on a blob, and no other after it", async () => {
  const { trees } = at.ledger;
  const opened = await trees.openBlob(tree, "large", "overwrite", 20_000);
  if (opened.state !== "done") throw new Error("A blob was expected.");
  const content = { blob: opened.id, frames: "00" };
  const large = { ...writing(tree, "large", "x"), size: 20_000, content };
  expect(await trees.write(tree, large)).toMatchObject({ state: "done" });
  expect(await trees.write(tree, large)).toMatchObject({ state: "refused", code: "conflict" });
  expect(await trees.discardBlob(tree, opened.id)).toBe(false);
  // Neither does a lease that comes late give it back.
  await trees.renewBlobs(tree, [opened.id]);
  expect(
    await at.sql("select refs::int, lease from bulkhead.blob where id = $1", [opened.id]),
  ).toEqual([{ refs: 1, lease: null }]);
});

test("A reading tells the revisions of its own snapshot, and only those that it was asked for", async () => {
  const tenant = await at.tenant("told");
  const own = await at.ledger.trees.ensure(tenant.uid, "root:told", "content");
  await at.ledger.trees.write(own, writing(own, "d/f", "content"));
  const key = await at.key(tenant);
  const spare = await at.key(tenant);
  const { revisions, now } = await at.ledger.authority.admit(key.key);
  const read = async (asked: typeof revisions): Promise<unknown> => {
    const look = await at.ledger.trees.read(own, "d/f", undefined, asked);
    return look.state === "done" ? look.snapshot : look;
  };
  const byTenant = (told: typeof revisions): unknown =>
    expect.objectContaining({ revisions: expect.arrayContaining([...told]) });
  expect(await read([])).toBeUndefined();
  expect(await read(revisions)).toEqual(byTenant(revisions));
  await at.ledger.keys.revoke(settlement(tenant.uid), spare.id);
  const [platform, of] = revisions;
  if (platform === undefined || of === undefined) throw new Error("Two revisions are told.");
  // As it is now, whatever was known when it was asked.
  const moved = { ...of, n: of.n + 1 };
  expect(await read(revisions)).toEqual(byTenant([moved]));
  expect(await read([of])).toEqual({ now: expect.any(Number), revisions: [moved] });
  expect((await at.ledger.authority.admit(key.key)).now).toBeGreaterThanOrEqual(now);
  await using app = await at.connect("bulkhead_app");
  // Of the revisions of others, no table tells the role that reads trees.
  expect((await app.client.query("select from bulkhead.revision")).rows).toEqual([]);
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
    // Those of one turn ride together, those that come while they are under way in the next run.
    expect(runs).toEqual([
      ["a", 3],
      ["b", 1],
    ]);
    work.push(submit("a", 4), submit("a", 5));
    expect(runs).toHaveLength(2);
    gate.resolve();
    expect(await Promise.all(work)).toEqual([2, 4, 6, 8, 10]);
    expect(runs.at(-1)).toEqual(["a", 2]);
    expect(await submit("a", 6)).toBe(12);
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
    expect(sizes).toEqual([3]);
  });
});

test("What became a directory while its path was waited for is looked at again under the tree's lock", async () => {
  const { trees } = at.ledger;
  const own = settlement(tree.tenant);
  const transfer = { settlement: own, to: "moved", mode: "create", ifMatch: undefined } as const;
  const commits: Readonly<Record<string, () => Promise<unknown>>> = {
    again1: () => trees.move(tree, { ...transfer, from: "again1" }),
    again2: () => trees.remove(tree, own, "again2", { recursive: true, ifMatch: undefined }),
  };
  for (const [path, commit] of Object.entries(commits)) {
    await trees.write(tree, writing(tree, path, "a file"));
    await using holder = await at.connect("bulkhead_system");
    await holder.client.query("begin");
    await holder.client.query("select bulkhead.tree_lock_v1($1, $2, '{}')", [tree.id, [path]]);
    const answer = commit();
    await new Promise((resolve) => setTimeout(resolve, 150));
    await holder.client.query(
      "update bulkhead.node set sort_key = $2 || '/', version = null where tree = $1 and sort_key = $2",
      [tree.id, path],
    );
    await holder.client.query("commit");
    expect(await answer).toEqual({ state: "again" });
    expect(await commit()).toMatchObject({ state: "done" });
  }
});

describe("the fence", () => {
  const calls: Readonly<
    Record<string, (on: TreeRef, decided: string) => readonly [string, unknown[]]>
  > = {
    commit_write_v1: (on, decided) => [
      "select bulkhead.commit_write_v1($1, $2, 'abc')",
      [
        on.tenant,
        JSON.stringify([
          {
            settlement: JSON.parse(decided),
            tree: on.id,
            path: "fenced",
            mode: "overwrite",
            size: 3,
            digest: "00",
            offset: 0,
          },
        ]),
      ],
    ],
    commit_mkdir_v1: (on, decided) => [
      "select bulkhead.commit_mkdir_v1($1, $2, $3, '{new}')",
      [on.tenant, on.id, decided],
    ],
    commit_remove_v1: (on, decided) => [
      "select bulkhead.commit_remove_v1($1, $2, $3, '{d}', true, null)",
      [on.tenant, on.id, decided],
    ],
    commit_copy_v1: (on, decided) => [
      "select bulkhead.commit_copy_v1($1, $2, $3, '{d}', '{e}', 'create', null, null)",
      [on.tenant, on.id, decided],
    ],
    commit_move_v1: (on, decided) => [
      "select bulkhead.commit_move_v1($1, $2, $3, '{d}', '{e}', 'create', null, null)",
      [on.tenant, on.id, decided],
    ],
    restore_v1: (on, decided) => [
      "select bulkhead.restore_v1($1, $2, $3, '{d,f}', 1)",
      [on.tenant, on.id, decided],
    ],
  };

  test.each(Object.keys(calls))(
    "A revoke waits for a commit that is under way (%s), which waits for a revoke and then moved",
    async (name) => {
      const tenant = await at.tenant(name.replaceAll("_", "-"));
      const own = await at.ledger.trees.ensure(tenant.uid, `root:${name}`, "content");
      await at.ledger.trees.write(own, writing(own, "d/f", "content"));
      const key = await at.key(tenant);
      const { revisions } = await at.ledger.authority.admit(key.key);
      const decided = JSON.stringify(settlement(tenant.uid, revisions));
      const [text, values] = calls[name]?.(own, decided) ?? ["", []];
      const stateOf = (rows: readonly unknown[]): string => JSON.stringify(rows);

      await using slow = await at.connect("bulkhead_app");
      await slow.client.query("begin");
      expect(stateOf((await slow.client.query(text, values)).rows)).toContain('"state":"done"');
      let returned = false;
      const revoking = at.ledger.keys
        .revoke(settlement(tenant.uid), key.id)
        .then(() => (returned = true));
      await new Promise((resolve) => setTimeout(resolve, 150));
      expect(returned).toBe(false);
      await slow.client.query("rollback");
      await revoking;

      const fresh = (await at.ledger.authority.admit((await at.key(tenant)).key)).revisions;

      await using change = await at.connect("bulkhead_system");
      await change.client.query("begin");
      await change.client.query("select pg_advisory_xact_lock(bulkhead.fence_key($1))", [
        tenant.uid,
      ]);
      await change.client.query("select bulkhead.bump_v1($1)", [tenant.uid]);
      const [again, next] = calls[name]?.(own, JSON.stringify(settlement(tenant.uid, fresh))) ?? [
        "",
        [],
      ];
      const answer = slow.client.query(again, next);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await change.client.query("commit");
      expect(stateOf((await answer).rows)).toContain('"state":"moved"');
    },
  );
});
