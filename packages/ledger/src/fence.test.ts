import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fixture, draft, fixture, settlement, writing } from "./test/fixture.ts";
import { type Ledger, platformUid } from "./types.ts";

let at: Fixture;
let other: Ledger;
beforeAll(async () => {
  at = await fixture();
  other = await at.open();
});
afterAll(() => at[Symbol.asyncDispose]());

const staged = { id: "staged", size: 3 };

test(
  "Of 50 revokes racing with commits on another process, none is followed by a commit",
  { timeout: 60_000 },
  async () => {
    const tenant = await at.tenant("race");
    let granted = 0;
    let moved = 0;
    for (let round = 0; round < 50; round++) {
      const key = await at.key(tenant);
      const { revisions } = await other.authority.admit(key.key);
      const decided = settlement(tenant.uid, revisions);
      let returned = false;
      const writers = Array.from({ length: 6 }, async (_, i) => {
        const intent = writing(`race-${i}`);
        const late = i % 2 === 0 ? other.intents.late(decided, intent) : undefined;
        const id = late?.id ?? (await other.intents.begin(decided, intent));
        if (i > 2) await new Promise((resolve) => setTimeout(resolve, i));
        const answer = await (late?.grant(decided, staged) ??
          other.intents.commit(decided, id, staged));
        if (answer === "moved") {
          moved += 1;
          await other.intents.discard(id);
          return;
        }
        granted += 1;
        // The effect, after which the intent is settled: all of it has to lie before the revoke's return.
        await new Promise((resolve) => setTimeout(resolve, 3));
        expect(returned, "an effect after the revoke returned").toBe(false);
        await other.intents.settle(id, {});
      });
      const revoking = (async () => {
        await new Promise((resolve) => setTimeout(resolve, round % 12));
        await at.ledger.keys.revoke(settlement(tenant.uid), key.id);
        returned = true;
      })();
      await Promise.all([...writers, revoking]);
      const late = await other.intents.begin(decided, writing());
      expect(await other.intents.commit(decided, late, staged)).toBe("moved");
      await other.intents.discard(late);
    }
    // Both ends of the race were met, or it was none.
    expect(granted).toBeGreaterThan(20);
    expect(moved).toBeGreaterThan(20);
  },
);

test("A revoke waits for a commit that is just being granted, and a commit for a revoke", async () => {
  const tenant = await at.tenant("fences");
  const key = await at.key(tenant);
  const { revisions } = await at.ledger.authority.admit(key.key);
  const decided = settlement(tenant.uid, revisions);
  const id = await at.ledger.intents.begin(decided, writing());
  await using slow = await at.connect("bulkhead_app");
  await slow.client.query("begin");
  const granting = await slow.client.query(
    "select bulkhead.intent_commit_v1($1, $2, 's', 3, null, null) as answer",
    [id, JSON.stringify(decided)],
  );
  expect(granting.rows).toEqual([{ answer: "committing" }]);
  let returned = false;
  const revoking = at.ledger.keys
    .revoke(settlement(tenant.uid), key.id)
    .then(() => (returned = true));
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(returned).toBe(false);
  await slow.client.query("commit");
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(returned).toBe(false);
  await at.ledger.intents.settle(id, {});
  await revoking;

  const second = settlement(
    tenant.uid,
    (await at.ledger.authority.admit((await at.key(tenant)).key)).revisions,
  );
  // One that is written as it is granted holds the same fences.
  await slow.client.query("begin");
  await slow.client.query(
    `select bulkhead.intent_grant_v1($1, gen_random_uuid(), $2, $3::uuid[], array[null, null]::bigint[],
       array[null, null]::uuid[], 'm', null, '{f}', 3, 's', 3, null, null)`,
    [tenant.uid, JSON.stringify(second), [platformUid, tenant.uid]],
  );
  for (const uid of [platformUid, tenant.uid])
    expect(
      await at.sql("select pg_try_advisory_xact_lock(bulkhead.fence_key($1)) as free", [uid]),
    ).toEqual([{ free: false }]);
  await slow.client.query("rollback");
  const late = await at.ledger.intents.begin(second, writing());
  await using change = await at.connect("bulkhead_system");
  await change.client.query("begin");
  await change.client.query("select pg_advisory_xact_lock(bulkhead.fence_key($1))", [tenant.uid]);
  await change.client.query("select bulkhead.bump_v1($1)", [tenant.uid]);
  const answer = other.intents.commit(second, late, staged);
  await new Promise((resolve) => setTimeout(resolve, 200));
  await change.client.query("commit");
  expect(await answer).toBe("moved");
  await at.ledger.intents.discard(late);
});

test("A revoke waits for what is committing, at most its lease, and for nothing else", async () => {
  const tenant = await at.tenant("waits");
  const stranger = await at.tenant("stranger");
  const key = await at.key(tenant);
  const second = await at.key(tenant);
  const { revisions } = await at.ledger.authority.admit(key.key);
  const decided = settlement(tenant.uid, revisions);
  const elsewhere = settlement(
    stranger.uid,
    (await at.ledger.authority.admit((await at.key(stranger)).key)).revisions,
  );
  const foreign = await at.ledger.intents.begin(elsewhere, writing());
  await at.ledger.intents.commit(elsewhere, foreign, staged);
  const open = await at.ledger.intents.begin(decided, writing());
  const id = await at.ledger.intents.begin(decided, writing());
  expect(await at.ledger.intents.commit(decided, id, staged)).toBe("committing");

  let done = false;
  const revoking = at.ledger.keys.revoke(settlement(tenant.uid), key.id).then(() => (done = true));
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(done).toBe(false);
  // Its decision is made already: the next request of the key fails.
  await expect(other.authority.admit(key.key)).rejects.toMatchObject({ code: "unauthenticated" });
  await other.intents.settle(id, {});
  await revoking;

  const stuck = settlement(tenant.uid, (await at.ledger.authority.admit(second.key)).revisions);
  const left = await at.ledger.intents.begin(stuck, writing());
  await at.ledger.intents.commit(stuck, left, staged);
  const leases = await at.sql<{ ms: number }>(
    "select (extract(epoch from lease - bulkhead.now()) * 1000)::int as ms from bulkhead.intent where state = 'committing' and tenant = $1",
    [tenant.uid],
  );
  expect(leases.map((row) => row.ms > 8000 && row.ms <= 10_000)).toEqual([true]);
  await at.sql(
    "update bulkhead.intent set lease = bulkhead.now() + interval '300 ms' where state = 'committing' and tenant = $1",
    [tenant.uid],
  );
  const began = Date.now();
  await at.ledger.tenants.suspend(settlement(tenant.uid), tenant.uid, undefined);
  expect(Date.now() - began).toBeGreaterThanOrEqual(150);
  expect(Date.now() - began).toBeLessThan(5000);
  for (const one of [foreign, open, left]) await at.ledger.intents.discard(one);
});

test("Any difference of a revision asks for the decision again: a number, an epoch, a tenant that is gone", async () => {
  const tenant = await at.tenant("moved");
  const { revisions } = await at.ledger.authority.admit((await at.key(tenant)).key);
  const decided = settlement(tenant.uid, revisions);
  const id = await at.ledger.intents.begin(decided, writing());
  const [platform, own] = revisions;
  if (platform === undefined || own === undefined) throw new Error("Two revisions.");
  for (const changed of [
    [platform, { ...own, n: own.n + 1 }],
    [platform, { ...own, n: own.n - 1 }],
    [platform, { ...own, epoch: "00000000-0000-4000-8000-000000000000" }],
    [{ ...platform, n: platform.n - 1 }, own],
    [platform, { ...own, tenant: "00000000-0000-4000-8000-000000000000" }],
  ]) {
    const other = settlement(tenant.uid, changed);
    expect(await at.ledger.intents.commit(other, id, staged)).toBe("moved");
    expect(await at.ledger.intents.late(other, writing("late"))?.grant(other, staged)).toBe(
      "moved",
    );
  }
  expect(await at.ledger.intents.pending("late")).toEqual([]);
  expect((await at.ledger.intents.pending("m")).find((one) => one.id === id)?.state).toBe("open");
  expect(await at.ledger.intents.commit(decided, id, staged)).toBe("committing");
  await at.ledger.intents.discard(id);
});

test("Whatever takes away, and whatever moves the mount table, moves the revisions", async () => {
  const tenant = await at.tenant("bumps");
  const { uid } = tenant;
  const read = async (): Promise<readonly [number, number]> => {
    const rows = await at.sql<{ n: string }>(
      "select n from bulkhead.revision where tenant in ($1, '00000000-0000-0000-0000-000000000000') order by tenant <> $1",
      [uid],
    );
    return [Number(rows[0]?.n), Number(rows[1]?.n)];
  };
  const steps: [string, () => Promise<unknown>, number, number][] = [
    ["mint", () => at.key(tenant), 0, 0],
    [
      "narrow",
      async () =>
        at.ledger.keys.narrow(settlement(uid), (await at.key(tenant)).id, { scopes: ["read"] }),
      1,
      0,
    ],
    ["revoke", async () => at.ledger.keys.revoke(settlement(uid), (await at.key(tenant)).id), 1, 0],
    ["suspend", () => at.ledger.tenants.suspend(settlement(uid), uid, "late"), 1, 1],
    ["reactivate", () => at.ledger.tenants.reactivate(settlement(uid), uid), 1, 1],
    ["patch", () => at.ledger.tenants.patch(settlement(uid), uid, { limits: { bytes: 1 } }), 1, 1],
    ["remove", () => at.ledger.tenants.remove(settlement(uid), uid, 3_600_000), 1, 1],
  ];
  for (const [name, step, own, platform] of steps) {
    const [ownBefore, platformBefore] = await read();
    await step();
    const [ownAfter, platformAfter] = await read();
    expect([name, ownAfter - ownBefore, platformAfter - platformBefore]).toEqual([
      name,
      own,
      platform,
    ]);
  }
  // Each move has its place in the changelog.
  const logged = await at.sql<{ n: number }>(
    "select n::int from bulkhead.changelog where tenant = $1 order by n",
    [uid],
  );
  expect(logged.map((row) => row.n)).toEqual([1, 2, 3, 4, 5, 6]);
});

test("A change by a key that was cut meanwhile is refused, one beside unrelated changes is not", async () => {
  const tenant = await at.tenant("overtaken");
  const boss = await at.key(tenant, { scopes: ["read", "admin"] });
  const bystander = await at.key(tenant);
  const target = await at.key(tenant);
  const { revisions } = await at.ledger.authority.admit(boss.key);
  const decided = settlement(tenant.uid, revisions, { audit: draft(boss.id, "key.narrow") });
  await at.ledger.keys.revoke(settlement(tenant.uid), bystander.id);
  await at.ledger.keys.narrow(decided, target.id, { name: "still mine" });
  await at.ledger.keys.revoke(settlement(tenant.uid), boss.id);
  await expect(
    at.ledger.keys.narrow(decided, target.id, { name: "not any more" }),
  ).rejects.toMatchObject({
    code: "conflict",
  });
  expect((await at.ledger.keys.get(target.id))?.name).toBe("still mine");
});
