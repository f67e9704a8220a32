import { createHash } from "node:crypto";
import type { Mode, Revision, WriteResult } from "@bulkhead/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loneWrite } from "./lone-write.ts";
import { draft, type Fixture, fixture, settlement } from "./test/fixture.ts";
import { platformUid } from "./types.ts";
import type { TreeRef, TreeWrite } from "./types-trees.ts";

let at: Fixture;
beforeAll(async () => {
  at = await fixture();
});
afterAll(() => at[Symbol.asyncDispose]());

interface Place {
  readonly uid: string;
  readonly tree: TreeRef;
  readonly revisions: readonly Revision[];
  readonly key: string;
}

const text = `select bulkhead.commit_write_v3(${Array.from({ length: 25 }, (_, i) => `$${i + 1}`).join(", ")}) as answer`;
const limits = JSON.stringify({ bytes: 60, files: 4 });

/** Tenants with a tree each, held to 60 bytes and 4 files. Admitted when all are made: each moves the platform. */
const places = async (...ids: readonly string[]): Promise<readonly Place[]> => {
  const made = [];
  for (const id of ids) {
    const tenant = await at.tenant(id);
    await at.sql("update bulkhead.tenant set limits = $2 where uid = $1", [tenant.uid, limits]);
    const tree = await at.ledger.trees.ensure(tenant.uid, `root:${id}`, "content");
    made.push({ uid: tenant.uid, tree, key: await at.key(tenant) });
  }
  return Promise.all(
    made.map(async ({ uid, tree, key }) => {
      const { revisions } = await at.ledger.authority.admit(key.key);
      return { uid, tree, revisions, key: key.id };
    }),
  );
};

const writing = (
  { uid, revisions }: Place,
  path: string,
  content: string,
  mode: Mode = "overwrite",
): TreeWrite => ({
  settlement: settlement(uid, revisions, {
    audit: { ...draft("key", "write"), resource: `/${path}\u0000`, detail: { path, n: 1 } },
  }),
  path,
  mode,
  size: content.length,
  digest: createHash("sha256").update(content).digest("hex"),
  contentType: path.endsWith("t") ? "text/plain" : undefined,
  metadata: path.endsWith("t") ? { a: "b" } : undefined,
  content: Buffer.from(content),
});

/** What a tenant's commits left, without times, ids and hashes. */
const left = (uid: string): Promise<unknown> =>
  at.sql(
    `select 'n' as of, n.sort_key as key, n.version as n, to_jsonb(n) - '{tree,parent,id,tenant,created_at,modified_at}'::text[] as row
       from bulkhead.node n where n.tenant = $1
     union all select 'v', '', v.n, to_jsonb(v) - '{tree,node,tenant,at}'::text[]
       || jsonb_build_object('there', exists (select from bulkhead.node n where n.id = v.node))
       from bulkhead.node_version v where v.tenant = $1
     union all select 'c', c.kind, c.seq, c.payload - 'mount' from bulkhead.change c where c.tenant = $1
     union all select 'a', a.action, a.n, to_jsonb(a) - '{tenant,id,at,hash}'::text[] from bulkhead.audit a
       where a.tenant = $1 and a.action = 'write'
     union all select 'h', '', h.seq, to_jsonb(h) - '{uid,audit_hash}'::text[] from bulkhead.tenant_head h where h.uid = $1
     order by 1, 2, 3`,
    [uid],
  );

test("A write that rides alone answers and leaves what one among others does", async () => {
  const [alone, among] = await places("alone", "among");
  if (alone === undefined || among === undefined) throw new Error("Two tenants were expected.");
  // Decided on a revision that is named twice, it is not what the function for lone writes serves.
  const others = { ...among, revisions: [...among.revisions, ...among.revisions] };
  const steps: readonly (readonly [string, string, (Mode | "last")?])[] = [
    ["d/f", "one"],
    ["d/f", "two two"],
    ["d/f", "five", "last"],
    ["d/f.txt", "three", "create"],
    ["d/f.txt", "four", "create"],
    ["d/f", "six", { ifMatch: "1-0" }],
    ["d/none", "x", { ifMatch: "1-0" }],
    ["d", "x"],
    ["d", "x", "create"],
    ["d/f/below", "x"],
    ["e/made/t", "seven"],
    ["top", ""],
    ["one-more", "x"],
    ["d/f", "x".repeat(51)],
    ["d/f", "x".repeat(50)],
    ["d/f", "", "last"],
    ["top", "y".repeat(60)],
  ];
  const answers: Record<string, unknown[]> = {};
  for (const place of [alone, others]) {
    const told: unknown[] = (answers[place.uid] = []);
    const timed: NonNullable<WriteResult["times"]>[] = [];
    let last = "";
    for (const [path, content, mode] of steps) {
      const write = writing(place, path, content, mode === "last" ? { ifMatch: last } : mode);
      expect(loneWrite(place.uid, place.tree, write) !== undefined).toBe(place === alone);
      const answer = await at.ledger.trees.write(place.tree, write);
      if (answer.state === "done") last = answer.etag;
      told.push(answer.state === "done" ? { ...answer, times: undefined } : answer);
      if (answer.state === "done" && answer.times !== undefined) timed.push(answer.times);
    }
    // Those that made their directory are told without.
    expect(timed).toHaveLength(6);
    expect(timed[2]?.createdAt).toBe(timed[2]?.modifiedAt);
    expect(new Set([0, 1, 4, 5].map((i) => timed[i]?.createdAt)).size).toBe(1);
    expect(timed[5]?.modifiedAt).toBeGreaterThan(timed[0]?.modifiedAt ?? Number.NaN);
  }
  expect(answers[alone.uid]).toEqual(answers[among.uid]);
  expect(new Set(answers[alone.uid]?.map((answer) => JSON.stringify(answer))).size).toBeGreaterThan(
    13,
  );
  expect(await left(alone.uid)).toEqual(await left(among.uid));
  expect(await at.sql("select bulkhead.audit_verify_v1($1) as fault", [alone.uid])).toEqual([
    { fault: null },
  ]);
});

test("A revoke waits for a lone write that is under way; one that waited for a revoke leaves nothing", async () => {
  const [place] = await places("fenced");
  if (place === undefined) throw new Error("A tenant was expected.");
  await at.ledger.trees.write(place.tree, writing(place, "d/f", "content"));
  const values = loneWrite(place.uid, place.tree, writing(place, "d/f", "again"));
  await using slow = await at.connect("bulkhead_app");
  await slow.client.query("begin");
  const { rows } = await slow.client.query(text, [...(values ?? [])]);
  expect(rows).toMatchObject([{ answer: { state: "done" } }]);
  let returned = false;
  const revoking = at.ledger.keys
    .revoke(settlement(place.uid), place.key)
    .then(() => (returned = true));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(returned).toBe(false);
  await slow.client.query("rollback");
  await revoking;

  for (const moved of ["own", "platform"]) {
    const [next] = await places(`moved-${moved}`);
    if (next === undefined) throw new Error("A tenant was expected.");
    const by = moved === "own" ? next.uid : platformUid;
    await at.ledger.trees.write(next.tree, writing(next, "d/f", "content"));
    const before = await left(next.uid);
    await using change = await at.connect("bulkhead_system");
    await change.client.query("begin");
    await change.client.query("select pg_advisory_xact_lock(bulkhead.fence_key($1))", [by]);
    await change.client.query("select bulkhead.bump_v1($1)", [by]);
    const waiting = slow.client.query(text, [
      ...(loneWrite(next.uid, next.tree, writing(next, "d/f", "again")) ?? []),
    ]);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await change.client.query("commit");
    expect((await waiting).rows).toEqual([{ answer: null }]);
    expect(await left(next.uid)).toEqual(before);
  }
});

test("Who waits for another's commit in the tenant goes on from what that one left", async () => {
  const [place] = await places("shared");
  if (place === undefined) throw new Error("A tenant was expected.");
  await at.ledger.trees.write(place.tree, writing(place, "d/f", "content"));
  const call = (path: string): readonly unknown[] =>
    loneWrite(place.uid, place.tree, writing(place, path, "content")) ?? [];
  await using first = await at.connect("bulkhead_app");
  await using second = await at.connect("bulkhead_app");
  await first.client.query("begin");
  await first.client.query(text, [...call("d/g")]);
  const waiting = second.client.query(text, [...call("d/h")]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await first.client.query("commit");
  expect((await waiting).rows).toMatchObject([{ answer: { state: "done", version: "3" } }]);
  expect(
    await at.sql(
      `select h.seq::int, h.used::int, h.files::int, bulkhead.audit_verify_v1(h.uid) as fault,
         (select array_agg(c.seq::int order by c.seq) from bulkhead.change c where c.tenant = h.uid) as changes
       from bulkhead.tenant_head h where h.uid = $1`,
      [place.uid],
    ),
  ).toEqual([{ seq: 3, used: 21, files: 3, fault: null, changes: [1, 2, 3] }]);
});
