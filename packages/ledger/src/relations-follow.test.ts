import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Fixture, fixture, settlement } from "./test/fixture.ts";
import type { TreeRef } from "./types-trees.ts";

let at: Fixture;
let alpha: string;
let beta: string;
let tree: TreeRef;

beforeAll(async () => {
  at = await fixture();
  alpha = (await at.tenant("alpha")).uid;
  beta = (await at.tenant("beta")).uid;
  tree = await at.ledger.trees.ensure(alpha, "root:alpha", "content");
});
afterAll(() => at[Symbol.asyncDispose]());
beforeEach(async () => {
  await at.sql("delete from bulkhead.relation");
  await at.sql("delete from bulkhead.share");
  await at.sql("delete from bulkhead.node");
});

const root = "/workspace/alpha";
const put = async (path: string): Promise<void> => {
  const answer = await at.ledger.trees.write(tree, {
    settlement: settlement(alpha),
    path,
    mode: "overwrite",
    size: 1,
    digest: createHash("sha256").update("x").digest("hex"),
    contentType: undefined,
    metadata: undefined,
    content: Buffer.from("x"),
  });
  expect(answer.state).toBe("done");
};
const allow = async (path: string, subject = alpha, role = "viewer"): Promise<void> => {
  await at.sql(
    `insert into bulkhead.relation (tenant, object_type, object, subject_tenant, subject_type, subject_id,
       subject_relation, role, below_only, created_by) values ($1, 'file', $2, $3, 'user', 'alice', '', $4, false, 'test')`,
    [alpha, root + path, subject, role],
  );
};
const paths = async (): Promise<string[]> =>
  (await at.sql<{ object: string }>("select object from bulkhead.relation order by object")).map(
    ({ object }) => object.slice(root.length),
  );
const revisionOf = async (uid: string): Promise<number> =>
  Number((await at.sql("select n from bulkhead.revision where tenant = $1", [uid]))[0]?.["n"]);
const logged = async (uid: string): Promise<unknown> =>
  (
    await at.sql(
      "select payload->'changes' as changes from bulkhead.changelog where tenant = $1 order by n desc limit 1",
      [uid],
    )
  )[0]?.["changes"];
const move = (from: string, to: string) =>
  at.ledger.trees.move(tree, {
    settlement: settlement(alpha, [], {
      follow: { from: `${root}/${from}`, to: `${root}/${to}` },
    }),
    from,
    to,
    mode: "overwrite",
    ifMatch: undefined,
  });
const remove = (path: string) =>
  at.ledger.trees.remove(
    tree,
    settlement(alpha, [], { follow: { from: `${root}/${path}`, to: undefined } }),
    path,
    { recursive: true, ifMatch: undefined },
  );

test("A rename takes along what is granted at and below a path, and nothing beside it", async () => {
  await put("a/x/f");
  for (const path of ["/a", "/a/x", "/a/x/f", "/a/x.f", "/a/x0", "/a/x-", ""]) await allow(path);
  const before = await revisionOf(alpha);
  expect(await move("a/x", "b/y")).toMatchObject({ state: "done" });
  expect(await paths()).toEqual(["", "/a", "/a/x-", "/a/x.f", "/a/x0", "/b/y", "/b/y/f"]);
  expect(await revisionOf(alpha)).toBe(before + 1);
  expect(await logged(alpha)).toEqual([{ kind: "move", from: `${root}/a/x`, to: `${root}/b/y` }]);
});

test("What is granted on a file that a move replaces goes, and what came takes its place", async () => {
  await put("f");
  await put("g");
  await allow("/f");
  await allow("/g", alpha, "owner");
  expect(await move("f", "g")).toMatchObject({ state: "done" });
  expect(await at.sql("select object, role from bulkhead.relation")).toEqual([
    { object: `${root}/g`, role: "viewer" },
  ]);
  expect(await logged(alpha)).toEqual([
    { kind: "purge", path: `${root}/g` },
    { kind: "move", from: `${root}/f`, to: `${root}/g` },
  ]);
});

test("A removal takes away what is granted there, in both tenants' books, and one that is refused takes nothing", async () => {
  await put("d/e/f");
  await allow("/d/e/f", beta);
  await allow("/d/e");
  await allow("/other");
  const [own, other] = [await revisionOf(alpha), await revisionOf(beta)];
  expect(await remove("d/missing")).toMatchObject({ state: "refused" });
  expect(await move("d", "d/e/inside")).toMatchObject({ state: "refused" });
  expect([await revisionOf(alpha), await revisionOf(beta)]).toEqual([own, other]);
  expect(await remove("d/e")).toMatchObject({ state: "done" });
  expect(await paths()).toEqual(["/other"]);
  expect([await revisionOf(alpha), await revisionOf(beta)]).toEqual([own + 1, other + 1]);
  expect(await logged(alpha)).toEqual([{ kind: "purge", path: `${root}/d/e` }]);
  expect(await logged(beta)).toEqual([{ kind: "purge", path: `${root}/d/e` }]);
});

test("Where nothing is granted, nothing is bumped and commits do not wait for each other", async () => {
  await put("d/f");
  await allow("/elsewhere");
  const before = await revisionOf(alpha);
  await using holder = await at.connect("bulkhead_system");
  await holder.client.query("begin");
  await holder.client.query("select pg_advisory_xact_lock_shared(bulkhead.fence_key($1))", [alpha]);
  expect(await move("d", "e")).toMatchObject({ state: "done" });
  expect(await remove("e")).toMatchObject({ state: "done" });
  await holder.client.query("rollback");
  expect(await revisionOf(alpha)).toBe(before);
});

test("A rename of what is granted waits for commits decided before it, and those after it decide again", async () => {
  await put("d/f");
  await allow("/d");
  const decided = settlement(alpha, [
    {
      tenant: alpha,
      epoch: String(
        (await at.sql("select epoch from bulkhead.revision where tenant = $1", [alpha]))[0]?.[
          "epoch"
        ],
      ),
      n: await revisionOf(alpha),
    },
  ]);
  await using committing = await at.connect("bulkhead_app");
  await committing.client.query("begin");
  await committing.client.query("select bulkhead.fences_v1($1)", [JSON.stringify(decided)]);
  let moved = false;
  const moving = move("d", "e").then((answer) => {
    moved = true;
    return answer;
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(moved).toBe(false);
  await committing.client.query("commit");
  expect(await moving).toMatchObject({ state: "done" });
  // It would make the directory anew, on a grant that lies elsewhere by now.
  expect(await at.ledger.trees.mkdir(tree, decided, "d")).toEqual({ state: "moved" });
});

test("A rename takes shares along and a removal ends them", async () => {
  await put("d/f");
  await put("g");
  const share = (path: string): Promise<unknown> =>
    at.sql(
      `insert into bulkhead.share (tenant, path, permission, token_hash, created_by)
       values ($1, $2::text, 'can_read', sha256(convert_to($2::text, 'UTF8')), 'test')`,
      [alpha, root + path],
    );
  await share("/d/f");
  await share("/g");
  const before = await revisionOf(alpha);
  expect(await move("d", "e")).toMatchObject({ state: "done" });
  expect(await remove("g")).toMatchObject({ state: "done" });
  expect(
    await at.sql(
      "select path, revoked_at is not null as revoked from bulkhead.share order by path",
    ),
  ).toEqual([
    { path: `${root}/e/f`, revoked: false },
    { path: `${root}/g`, revoked: true },
  ]);
  expect(await revisionOf(alpha)).toBe(before + 2);
});
