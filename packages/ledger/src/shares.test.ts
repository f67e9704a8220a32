import { createHash } from "node:crypto";
import { parseVirtualPath } from "@bulkhead/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fixture, fixture, settlement } from "./test/fixture.ts";
import { onFile, subject } from "./test/relations.ts";
import type { ModelTuple, NewShare, ShareStore } from "./types-shares.ts";

let at: Fixture;
let shares: ShareStore;
let alpha: string;
let beta: string;

beforeAll(async () => {
  at = await fixture();
  ({ shares } = at.ledger);
  alpha = (await at.tenant("alpha")).uid;
  beta = (await at.tenant("beta")).uid;
});
afterAll(() => at[Symbol.asyncDispose]());

const root = "/workspace/alpha";
const missing = { code: "not-found" };
const tokenOf = (text: string): Uint8Array => createHash("sha256").update(text).digest();
const create = async (path: string, more: Partial<NewShare> = {}) =>
  (
    await shares.create(
      settlement(alpha),
      {
        sourceTenant: alpha,
        subject: subject(beta, "tenant"),
        path: parseVirtualPath(root + path),
        target: path.slice(1),
        permission: "can_read",
        expiresAt: undefined,
        maxUses: undefined,
        tokenHash: undefined,
        passwordHash: undefined,
        ...more,
      },
      undefined,
    )
  ).share;
const link = (token: string, more: Partial<NewShare> = {}) =>
  create(`/${token}`, {
    subject: undefined,
    target: undefined,
    tokenHash: tokenOf(token),
    ...more,
  });
const mayBob = (path: string) =>
  at.ledger.relations.check(subject(beta, "user:bob"), alpha, parseVirtualPath(root + path));

test("A share and its relation come and go together, told to both sides", async () => {
  const share = await create("/r", { permission: "can_write" });
  expect(share).toMatchObject({
    sourceTenant: alpha,
    subject: subject(beta, "tenant"),
    path: `${root}/r`,
    target: "r",
    status: "active",
    uses: 0,
    createdBy: "service:test",
  });
  expect(await at.ledger.relations.get(share.relation ?? "")).toMatchObject({
    relation: "editor",
    share: share.id,
  });
  expect(await mayBob("/r/x")).toEqual({ read: true, write: true, share: false });
  for (const query of [{ tenant: alpha }, { tenant: beta }, { source: alpha }, { target: beta }])
    expect((await shares.list(query)).items).toEqual([share]);
  expect((await shares.list({ source: beta })).items).toEqual([]);
  const before = await at.ledger.relations.revisions([alpha, beta]);
  expect(await shares.revoke(settlement(alpha), share.id)).toMatchObject({
    status: "revoked",
    relation: undefined,
  });
  expect(
    (await at.ledger.relations.revisions([alpha, beta])).map(({ n }, i) => n - (before[i]?.n ?? 0)),
  ).toEqual([1, 1]);
  expect((await mayBob("/r/x")).read).toBe(false);
  expect((await shares.list({ status: "active" })).items).toEqual([]);
  expect((await shares.revoke(settlement(alpha), share.id)).status).toBe("revoked");
  await expect(shares.revoke(settlement(alpha), "nonsense")).rejects.toMatchObject(missing);
});

test("A share's end is not the end of what was granted beside it, and a revoked relation ends its share", async () => {
  const beside = onFile(alpha, `${root}/s`, "viewer", subject(beta, "tenant"));
  await at.ledger.relations.grant(settlement(alpha), [beside], undefined);
  const share = await create("/s");
  const second = await create("/s");
  expect([share.target, second.target]).toEqual(["s", "s-2"]);
  const [since] = await at.ledger.relations.revisions([beta]);
  if (since === undefined) throw new Error("A revision.");
  await shares.revoke(settlement(alpha), share.id);
  expect((await mayBob("/s")).read).toBe(true);
  // Of the three that are told alike, one is dropped.
  expect(await at.ledger.relations.delta(beta, since)).toMatchObject({
    changes: [{ kind: "drop", tuple: beside }],
  });
  expect((await at.ledger.relations.load(beta, undefined, 100)).tuples).toEqual([beside, beside]);
  await at.ledger.relations.revoke(settlement(alpha), alpha, [second.relation ?? ""]);
  expect((await shares.get(second.id))?.status).toBe("revoked");
  expect((await mayBob("/s")).read).toBe(true);
  // The name is free again.
  expect((await create("/s")).target).toBe("s");
});

test("Fifty uses at once of a link that allows ten are ten", async () => {
  const made = await link("ten", { maxUses: 10, passwordHash: "scrypt$…" });
  expect(await shares.byToken(tokenOf("ten"))).toEqual(made);
  expect(made).toMatchObject({ relation: undefined, subject: undefined, passwordHash: "scrypt$…" });
  expect(await shares.byToken(tokenOf("other"))).toBeUndefined();
  const other = await at.open();
  const uses = await Promise.all(
    Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? shares : other.shares).use(made.id)),
  );
  const counted = uses.flatMap((used) => (used === undefined ? [] : [used.uses]));
  expect(counted.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(await shares.byToken(tokenOf("ten"))).toMatchObject({ uses: 10, status: "expired" });
});

test("A link that is over, revoked, or of a suspended tenant is not used", async () => {
  const over = await link("over", { expiresAt: Date.now() - 1 });
  const ended = await link("ended");
  const good = await link("good");
  await shares.revoke(settlement(alpha), ended.id);
  for (const { id } of [over, ended]) expect(await shares.use(id)).toBeUndefined();
  expect(await shares.use("nonsense")).toBeUndefined();
  expect((await shares.get(over.id))?.status).toBe("expired");
  // Tidying what carried one is no revoke of it.
  const past = await create("/past", { expiresAt: Date.now() - 1 });
  await at.sql("select bulkhead.relations_drop_v1(null, array[$1::uuid])", [past.relation]);
  expect(await shares.get(past.id)).toMatchObject({ status: "expired", relation: undefined });
  await at.ledger.tenants.suspend(settlement(alpha), alpha, undefined);
  expect(await shares.use(good.id)).toBeUndefined();
  await at.ledger.tenants.reactivate(settlement(alpha), alpha);
  expect(await shares.use(good.id)).toMatchObject({ uses: 1 });
});

test("A share needs a target that is there", async () => {
  await expect(create("/n", { subject: undefined })).rejects.toMatchObject({
    code: "invalid-request",
  });
  await expect(create("/n", { subject: subject(beta, "user:nobody") })).rejects.toMatchObject(
    missing,
  );
  expect((await shares.list({})).items.some(({ path }) => path.endsWith("/n"))).toBe(false);
});

test("Models and what stands on them are one tenant's own, read in bulk, and gone with the model", async () => {
  const { models } = at.ledger;
  const put = (source: string) => models.put(settlement(alpha), alpha, { name: "docs", source });
  const made = await put("model one");
  expect(made).toMatchObject({ tenant: "alpha", name: "docs", source: "model one" });
  expect(await put("model two")).toMatchObject({ source: "model two", createdAt: made.createdAt });
  expect(await models.get(beta, "docs")).toBeUndefined();
  expect((await models.list(alpha, {})).items.map(({ name }) => name)).toEqual(["docs"]);

  const tuple = (id: string, more: Partial<ModelTuple> = {}): ModelTuple => ({
    subject: { type: "user", id },
    relation: "reader",
    object: { type: "doc", id: "1" },
    expiresAt: undefined,
    ...more,
  });
  const before = await at.ledger.relations.revisions([alpha]);
  const condition = { name: "office", context: { from: "9", days: [1, null] } };
  const written = await models.write(settlement(alpha), alpha, "docs", [
    tuple("a"),
    tuple("b", { condition }),
    tuple("team", { subject: { type: "team", id: "x", relation: "member" } }),
    tuple("c", { expiresAt: Date.now() - 1 }),
  ]);
  expect(await at.ledger.relations.revisions([alpha])).toEqual(before);
  expect(written.map(({ subject: { id } }) => id)).toEqual(["a", "b", "x", "c"]);
  const read = async (...[filter]: Parameters<typeof models.read>[2][]) =>
    (await models.read(alpha, "docs", filter ?? {}, { limit: 10 })).items;
  expect(new Set((await read()).map(({ id }) => id))).toEqual(
    new Set(written.slice(0, 3).map(({ id }) => id)),
  );
  expect(await read({ subject: { type: "team" } })).toEqual([written[2]]);
  expect(await read({ subject: { type: "user", id: "b" } })).toMatchObject([{ condition }]);
  expect(await read({ object: { type: "doc", id: "2" } })).toEqual([]);
  const page = await models.read(alpha, "docs", {}, { limit: 2 });
  expect((await models.read(alpha, "docs", {}, { limit: 2, after: page.next })).items).toHaveLength(
    1,
  );
  const [again] = await models.write(settlement(alpha), alpha, "docs", [
    tuple("a", { expiresAt: Date.now() + 60_000 }),
  ]);
  expect(again?.id).toBe(written[0]?.id);
  expect(await models.find(again?.id ?? "")).toEqual({
    tenant: alpha,
    model: "docs",
    tuple: again,
  });
  expect(await models.delete(settlement(beta), beta, [again?.id ?? ""])).toEqual([]);
  expect(await models.delete(settlement(alpha), alpha, [again?.id ?? ""])).toEqual([again]);
  await expect(models.write(settlement(alpha), alpha, "none", [tuple("a")])).rejects.toMatchObject(
    missing,
  );
  await expect(models.remove(settlement(beta), beta, "docs")).rejects.toMatchObject(missing);
  await models.remove(settlement(alpha), alpha, "docs");
  expect(await at.sql("select 1 from bulkhead.model_relation")).toEqual([]);
});

test("bulkhead_app sees one tenant's relations, models and shares, changes none, and bumps nobody", async () => {
  await at.ledger.models.put(settlement(beta), beta, { name: "m", source: "s" });
  await using app = await at.connect("bulkhead_app");
  const { client } = app;
  const count = async (table: string): Promise<number> =>
    (await client.query<{ n: number }>(`select count(*)::int as n from bulkhead.${table}`)).rows[0]
      ?.n ?? -1;
  for (const table of ["relation", "model", "model_relation", "share"]) {
    expect(await count(table)).toBe(0);
    for (const statement of [
      `delete from bulkhead.${table}`,
      `insert into bulkhead.${table} default values`,
    ])
      await expect(client.query(statement)).rejects.toThrow(/permission denied/);
  }
  await client.query("begin");
  await client.query("select bulkhead.enter_v1($1)", [beta]);
  expect([await count("relation"), await count("share"), await count("model")]).toEqual([0, 0, 1]);
  await client.query("select bulkhead.enter_v1($1)", [alpha]);
  expect(await count("model")).toBe(0);
  expect(await count("share")).toBeGreaterThan(0);
  await client.query("rollback");
  for (const statement of [
    "select bulkhead.bump_v2(gen_random_uuid(), true)",
    "select bulkhead.relations_drop_v1(null, '{}')",
    "select bulkhead.relations_add_v1('[]', null, '')",
    "select bulkhead.changelog_purge_v1()",
    "select bulkhead.admit_v2('{}', '{}', '{}')",
  ])
    await expect(client.query(statement)).rejects.toThrow(/permission denied/);
});
