import { testDatabase } from "@bulkhead/harness";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate } from "./migrate.ts";
import { migrations } from "./migrations/index.ts";
import { type Fixture, fixture, settlement, writing } from "./test/fixture.ts";

let at: Fixture;
beforeAll(async () => {
  at = await fixture();
});
afterAll(() => at[Symbol.asyncDispose]());

const settled = async (uid: string, mount = "m"): Promise<void> => {
  const id = await at.ledger.intents.begin(settlement(uid), writing(mount));
  await at.ledger.intents.settle(id, { bytes: 3, etag: "e" });
};
const all = async (
  uid: string,
  after?: number,
): ReturnType<Fixture["ledger"]["fileChanges"]["after"]> =>
  at.ledger.fileChanges.after(uid, after, 1000);

test("Commits of plain storage and of trees are told in their order, with the versions that trees made", async () => {
  const { uid } = await at.tenant("told");
  const tree = await at.ledger.trees.ensure(uid, "kept", "kept");
  const put = (path: string, text: string): Promise<unknown> =>
    at.ledger.trees.write(tree, {
      settlement: settlement(uid),
      path,
      mode: "overwrite",
      size: text.length,
      digest: "ab".repeat(32),
      contentType: undefined,
      metadata: undefined,
      content: Buffer.from(text),
    });
  await settled(uid, "plain");
  await put("a/b", "one");
  await at.ledger.trees.mkdir(tree, settlement(uid), "d");
  const transfer = { settlement: settlement(uid), mode: "create", ifMatch: undefined } as const;
  await at.ledger.trees.copy(tree, { ...transfer, from: "a/b", to: "d/c" });
  await at.ledger.trees.move(tree, { ...transfer, from: "a", to: "d/a" });
  await at.ledger.trees.remove(tree, settlement(uid), "d", { recursive: true, ifMatch: undefined });
  await at.ledger.trees.restore(tree, settlement(uid), "d/a/b", "2");
  const { head, items } = await all(uid);
  expect(head).toBe(7);
  expect(
    items.map(({ at: _at, etag, ...rest }) => ({ ...rest, etag: etag !== undefined })),
  ).toEqual([
    { seq: 1, kind: "file.write", mount: "plain", paths: ["a/b"], etag: true },
    { seq: 2, kind: "file.write", mount: "kept", paths: ["a/b"], etag: true, version: "2" },
    { seq: 3, kind: "file.mkdir", mount: "kept", paths: ["d"], etag: false },
    { seq: 4, kind: "file.copy", mount: "kept", paths: ["a/b", "d/c"], etag: true, version: "4" },
    { seq: 5, kind: "file.move", mount: "kept", paths: ["a", "d/a"], etag: false },
    { seq: 6, kind: "file.remove", mount: "kept", paths: ["d"], etag: false },
    { seq: 7, kind: "file.write", mount: "kept", paths: ["d/a/b"], etag: true, version: "7" },
  ]);
  expect((await all(uid, 5)).items.map(({ seq }) => seq)).toEqual([6, 7]);
  expect(await at.ledger.fileChanges.after(uid, undefined, 0)).toEqual({ head: 7, items: [] });
  const other = await at.tenant("other-told");
  expect(await all(other.uid)).toEqual({ head: 0, items: [] });
  const heads = await at.ledger.fileChanges.heads([uid, other.uid, crypto.randomUUID()]);
  expect(heads).toEqual(
    new Map([
      [uid, 7],
      [other.uid, 0],
    ]),
  );
});

test("Nothing with a greater number is seen before what has a smaller one", async () => {
  const { uid } = await at.tenant("ordered");
  await using slow = await at.connect("bulkhead_app");
  const id = await at.ledger.intents.begin(settlement(uid), writing());
  await slow.client.query("begin");
  await slow.client.query("select bulkhead.intent_settle_v1($1, '{}')", [id]);
  // Begun later, it has to wait for the number: it cannot be seen while the first is in flight.
  const second = settled(uid);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await all(uid)).toEqual({ head: 0, items: [] });
  await slow.client.query("commit");
  await second;
  expect((await all(uid)).items.map(({ seq }) => seq)).toEqual([1, 2]);
});

test("Who follows while many commit sees every number once, none out of its turn", async () => {
  const { uid } = await at.tenant("followed");
  const count = 60;
  const writers = Promise.all(
    Array.from({ length: 6 }, async () => {
      for (let i = 0; i < count / 6; i++) await settled(uid);
    }),
  );
  const seen: number[] = [];
  while (seen.length < count) {
    const { items } = await at.ledger.fileChanges.after(uid, seen.at(-1) ?? 0, 7);
    seen.push(...items.map(({ seq }) => seq));
  }
  await writers;
  expect(seen).toEqual(Array.from({ length: count }, (_, i) => i + 1));
});

test("A cursor whose next changes are gone is refused; a tenant's end takes its changes along", async () => {
  const { uid } = await at.tenant("forgotten");
  for (let i = 0; i < 4; i++) await settled(uid);
  await at.sql("delete from bulkhead.change where tenant = $1 and seq <= 2", [uid]);
  await expect(all(uid, 1)).rejects.toMatchObject({ code: "invalid-request" });
  expect((await all(uid, 2)).items.map(({ seq }) => seq)).toEqual([3, 4]);
  expect((await all(uid)).items.map(({ seq }) => seq)).toEqual([3, 4]);
  await at.sql("delete from bulkhead.change where tenant = $1", [uid]);
  await expect(all(uid, 3)).rejects.toMatchObject({ code: "invalid-request" });
  expect(await all(uid, 4)).toEqual({ head: 4, items: [] });
});

test("Months are partitions, and one that is over for 90 days is dropped", async () => {
  const database = await testDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    // What an older release wrote before this step is told as well.
    await migrate(database.url, { steps: migrations.filter(({ version }) => version < 8) });
    await client.query(
      `insert into bulkhead.outbox (tenant, seq, kind, payload, created_at)
       values ($1, 3, 'file.write', '{"mount": "m", "paths": ["a"], "outcome": {"etag": "e"}}', now())`,
      ["00000000-0000-0000-0000-000000000000"],
    );
    await migrate(database.url);
    const { rows } = await client.query("select seq::int, kind, payload from bulkhead.change");
    expect(rows).toEqual([
      {
        seq: 3,
        kind: "file.write",
        payload: { mount: "m", paths: ["a"], outcome: { etag: "e" } },
      },
    ]);
    await client.query(
      "create table bulkhead.change_200001 partition of bulkhead.change for values from ('2000-01-01') to ('2000-02-01')",
    );
    const partitions = async (): Promise<readonly string[]> =>
      (
        await client.query<{ name: string }>(
          "select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where inhparent = 'bulkhead.change'::regclass",
        )
      ).rows.map(({ name }) => name);
    expect(await partitions()).toContain("change_200001");
    await client.query("select bulkhead.partitions_v1()");
    expect(await partitions()).not.toContain("change_200001");
    const month = new Date().toISOString().slice(0, 7).replace("-", "");
    expect(await partitions()).toContain(`change_${month}`);
  } finally {
    await client.end();
    await database.close();
  }
});
