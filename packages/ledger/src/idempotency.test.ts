import { type Context, parseVirtualPath } from "@bulkhead/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fixture, fixture, settlement, writing } from "./test/fixture.ts";

let at: Fixture;
let ctx: Context;
let stranger: Context;
let uid: string;
beforeAll(async () => {
  at = await fixture();
  const tenant = await at.tenant("acme");
  uid = tenant.uid;
  ctx = await contextOf((await at.key(tenant)).key);
  stranger = await contextOf((await at.key(tenant)).key);
});
afterAll(() => at[Symbol.asyncDispose]());

const contextOf = async (key: string): Promise<Context> => ({
  signal: new AbortController().signal,
  requestId: "request",
  now: 0,
  settlement: settlement(uid),
  commit: async () => undefined,
  cut: () => undefined,
  principal: (await at.ledger.authority.admit(key)).principal,
});

const claim = async (
  key: string,
  digest?: string,
  by = ctx,
  route = "POST /mkdir",
): Promise<string> => {
  const found = await at.ledger.idempotency.claim(by, route, key, digest);
  if (found.state !== "new") throw new Error(`It is ${found.state}.`);
  return found.id;
};

test("The same key and body get the first answer, another body none", async () => {
  const id = await claim("k1", "d1");
  await expect(claim("k1", "d1")).rejects.toMatchObject({ code: "idempotency-in-flight" });
  await at.ledger.idempotency.answer(ctx, id, "d1", { status: 201, body: { made: ["x"] } });
  expect(await at.ledger.idempotency.claim(ctx, "POST /mkdir", "k1", "d1")).toEqual({
    state: "answered",
    answer: { status: 201, body: { made: ["x"] } },
    digest: "d1",
  });
  // A body that is not hashed yet is compared by the front, at its end.
  expect(await at.ledger.idempotency.claim(ctx, "POST /mkdir", "k1", undefined)).toMatchObject({
    digest: "d1",
  });
  await expect(claim("k1", "d2")).rejects.toMatchObject({ code: "idempotency-mismatch" });
  // A late second answer changes nothing.
  await at.ledger.idempotency.answer(ctx, id, "d1", { status: 500, body: null });
  expect(await at.ledger.idempotency.claim(ctx, "POST /mkdir", "k1", "d1")).toMatchObject({
    answer: { status: 201 },
  });
});

test("It is scoped to key and route", async () => {
  await claim("k2");
  await claim("k2", undefined, stranger);
  await claim("k2", undefined, ctx, "POST /copy");
  await claim("k2", undefined, await contextOf(at.platformKey));
});

test("Of twenty claims at once one is new", async () => {
  const found = await Promise.allSettled(Array.from({ length: 20 }, () => claim("k3")));
  expect(found.filter((one) => one.status === "fulfilled")).toHaveLength(1);
  for (const one of found)
    if (one.status === "rejected")
      expect(one.reason).toMatchObject({ code: "idempotency-in-flight" });
});

test("A released key is free; one whose operation committed is not", async () => {
  await at.ledger.idempotency.release(ctx, await claim("k4"));
  const id = await claim("k4");
  const intent = await at.ledger.intents.begin(settlement(uid, [], { idempotency: id }), writing());
  await at.ledger.intents.settle(intent, { bytes: 7 });
  await at.ledger.idempotency.release(ctx, id);
  expect(await at.ledger.idempotency.claim(ctx, "POST /mkdir", "k4", undefined)).toEqual({
    state: "committed",
    id,
    digest: undefined,
  });
  await at.ledger.idempotency.answer(ctx, id, "d", { status: 200, body: undefined });
  expect(await at.ledger.idempotency.claim(ctx, "POST /mkdir", "k4", "d")).toMatchObject({
    state: "answered",
  });
});

test("A change of the control plane marks the row in its own commit, or takes nothing of it", async () => {
  const platform = await contextOf(at.platformKey);
  const id = await claim("k5", undefined, platform, "POST /tenants");
  const decided = settlement(undefined, [], { idempotency: id });
  const input = {
    id: "once",
    name: "Once",
    root: parseVirtualPath("/workspace/once"),
    placement: "default",
    subdomain: undefined,
    allowedRegions: undefined,
    limits: {},
    settings: {},
  };
  await expect(at.ledger.tenants.create(decided, { ...input, id: "acme" })).rejects.toMatchObject({
    code: "already-exists",
  });
  await expect(claim("k5", undefined, platform, "POST /tenants")).rejects.toMatchObject({
    code: "idempotency-in-flight",
  });
  await at.ledger.tenants.create(decided, input);
  expect(
    await at.ledger.idempotency.claim(platform, "POST /tenants", "k5", undefined),
  ).toMatchObject({ state: "committed" });
});

test("A claim whose process died can be taken after its lease, not while its intent is unresolved", async () => {
  const id = await claim("k6");
  const intent = await at.ledger.intents.begin(settlement(uid, [], { idempotency: id }), writing());
  await at.sql("update bulkhead.idempotency set lease = 'epoch' where key = 'k6'");
  await expect(claim("k6")).rejects.toMatchObject({ code: "idempotency-in-flight" });
  await at.ledger.intents.discard(intent);
  const again = await claim("k6");
  expect(again).not.toBe(id);
  // The first claimant comes back: it begins nothing, and its answer is nobody's.
  await expect(
    at.ledger.intents.begin(settlement(uid, [], { idempotency: id }), writing()),
  ).rejects.toMatchObject({ code: "conflict" });
  await expect(
    at.ledger.tenants.patch(settlement(uid, [], { idempotency: id }), uid, { name: "twice" }),
  ).rejects.toMatchObject({ code: "conflict" });
  expect((await at.ledger.tenants.byUid(uid))?.name).toBe("acme");
  await at.ledger.idempotency.answer(ctx, id, "d", { status: 200, body: 1 });
  await expect(claim("k6")).rejects.toMatchObject({ code: "idempotency-in-flight" });
});

test("Answers are kept for 24 hours, then purged", async () => {
  const id = await claim("k7");
  await at.ledger.idempotency.answer(ctx, id, "d", { status: 200, body: 1 });
  const [row] = await at.sql<{ hours: number }>(
    "select extract(epoch from expires_at - bulkhead.now()) / 3600 as hours from bulkhead.idempotency where key = 'k7'",
  );
  expect(Number(row?.hours)).toBeCloseTo(24, 1);
  await at.ledger.idempotency.purge();
  expect(await at.sql("select 1 from bulkhead.idempotency where key = 'k7'")).toHaveLength(1);
  await at.sql("update bulkhead.idempotency set expires_at = bulkhead.now() where key = 'k7'");
  // Over, though not purged yet.
  await claim("k7", "another");
  await at.sql(
    "update bulkhead.idempotency set expires_at = bulkhead.now(), lease = 'epoch' where key = 'k7'",
  );
  await at.ledger.idempotency.purge();
  expect(await at.sql("select 1 from bulkhead.idempotency where key = 'k7'")).toEqual([]);
});
