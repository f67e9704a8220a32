import type { Plan } from "@bulkhead/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mintKeyString } from "./key-string.ts";
import { type Fixture, fixture, settlement } from "./test/fixture.ts";

let at: Fixture;
const plan = (limits: Plan["limits"], rest: Partial<Plan> = {}): Plan => ({
  limits,
  features: ["a"],
  baseMinor: 9900,
  overage: "refuse",
  overagePrices: { userMinor: 1000, gbMinor: 50 },
  ...rest,
});

const rotate = async (id: string, uid: string): Promise<void> => {
  const minted = mintKeyString();
  await at.ledger.keys.rotate(
    settlement(uid),
    id,
    {
      id: minted.id,
      hash: minted.hash,
      tenantUid: uid,
      name: "next",
      subject: { type: "service", id: minted.id },
      workspacePrefix: undefined,
      scopes: ["read"],
      expiresAt: undefined,
      createdBy: "service:test",
      parent: undefined,
    },
    60_000,
  );
};

beforeAll(async () => {
  at = await fixture();
});
afterAll(() => at[Symbol.asyncDispose]());

test("A plan's limits are the tenant's, its own count more, and both change at once", async () => {
  const { quota, tenants } = at.ledger;
  await quota.syncPlans({ free: plan({ bytes: 100, users: 1 }), pro: plan({ bytes: 1000 }) });
  const { uid } = await at.tenant("planned");
  const upgraded = await tenants.upgrade(settlement(uid), uid, "free");
  expect(upgraded).toMatchObject({
    plan: "free",
    limits: { bytes: 100, users: 1 },
    features: ["a"],
    mrrMinor: 9900,
  });
  expect(upgraded.upgradedAt).not.toBeNull();
  const patched = await tenants.patch(settlement(uid), uid, { limits: { users: 7 } });
  expect(patched.limits).toEqual({ bytes: 100, users: 7 });
  // The same plans change nobody; others change whom they concern.
  expect(await quota.syncPlans({ free: plan({ bytes: 100, users: 1 }) })).toBe(0);
  const before = await at.sql("select n from bulkhead.revision where tenant = $1", [uid]);
  expect(await quota.syncPlans({ free: plan({ bytes: 200, users: 2 }) })).toBe(1);
  const after = await at.sql("select n from bulkhead.revision where tenant = $1", [uid]);
  expect(Number(after[0]?.["n"])).toBe(Number(before[0]?.["n"]) + 1);
  expect((await tenants.byUid(uid))?.limits).toEqual({ bytes: 200, users: 7 });
  // A plan that the configuration no longer has stays for those that are on it.
  await quota.syncPlans({ pro: plan({ bytes: 1000 }) });
  expect((await tenants.byUid(uid))?.limits).toEqual({ bytes: 200, users: 7 });
  const set = { limits: { files: 3 }, soft: { bytes: 50 }, dropped: ["users"] };
  expect((await tenants.setQuota(settlement(uid), uid, set)).limits).toEqual({
    bytes: 200,
    users: 2,
    files: 3,
  });
  expect((await quota.of(uid)).soft).toEqual({ bytes: 50 });
});

test("What a plan bills beyond its limits is told and not refused", async () => {
  const { quota, tenants } = at.ledger;
  await quota.syncPlans({ billed: plan({ bytes: 100, users: 1, files: 9 }, { overage: "bill" }) });
  const { uid } = await at.tenant("billed");
  await tenants.upgrade(settlement(uid), uid, "billed");
  const of = await quota.of(uid);
  expect(of.limits).toEqual({ bytes: null, users: null, files: 9 });
  expect(of.included).toEqual({ bytes: 100, users: 1, files: 9 });
});

test("A trial ends by the ledger's clock: suspended, going on, or under another plan", async () => {
  const { tenants, quota } = at.ledger;
  await quota.syncPlans({ later: plan({ bytes: 5 }) });
  const uids: string[] = [];
  for (const id of ["try-a", "try-b", "try-c", "try-d"])
    uids.push((await at.tenant(id, { plan: "later", trialDays: 14 })).uid);
  const [a = "", b = "", c = "", d = ""] = uids;
  expect(await tenants.byUid(a)).toMatchObject({ status: "trial", mrrMinor: 0 });
  expect(await tenants.endTrials("suspend")).toBe(0);
  await tenants.upgrade(settlement(d), d, "later");
  await tenants.suspend(settlement(c), c, "unpaid");
  const end = (uid: string) =>
    at.sql("update bulkhead.tenant set trial_ends_at = bulkhead.now() where uid = $1", [uid]);
  await end(a);
  expect(await tenants.endTrials("suspend")).toBe(1);
  expect(await tenants.byUid(a)).toMatchObject({
    status: "suspended",
    suspensionReason: "trial-ended",
  });
  // An operator who lets it in again has decided: it is no trial any more.
  expect(await tenants.reactivate(settlement(a), a)).toMatchObject({ status: "active" });
  await end(b);
  await end(c);
  expect(await tenants.endTrials({ plan: "later" })).toBe(2);
  expect(await tenants.byUid(b)).toMatchObject({ status: "active", mrrMinor: 9900 });
  expect(await tenants.byUid(c)).toMatchObject({ status: "suspended", suspensionReason: "unpaid" });
  expect(await tenants.byUid(d)).toMatchObject({ status: "active", trialEndsAt: null });
  // An upgrade ends a trial, and never a suspension.
  const e = await at.tenant("try-e", { trialDays: 1 });
  await tenants.suspend(settlement(e.uid), e.uid, "unpaid");
  await tenants.upgrade(settlement(e.uid), e.uid, "later");
  expect(await tenants.byUid(e.uid)).toMatchObject({ status: "suspended", trialEndsAt: null });
  expect(await tenants.reactivate(settlement(e.uid), e.uid)).toMatchObject({ status: "active" });
  const told = await at.sql(
    "select kind from bulkhead.change where tenant = $1 and kind = 'tenant.trial-ended'",
    [b],
  );
  expect(told).toHaveLength(1);
  const history = await at.sql(
    "select plan, status from bulkhead.plan_change where tenant = $1 order by n",
    [a],
  );
  expect(history.map((row) => row["status"])).toEqual(["trial", "suspended", "active"]);
});

test("Users, keys and shares: as many as there may be, however many are made at once", async () => {
  const { tenants, subjects } = at.ledger;
  const { uid } = await at.tenant("counted");
  await tenants.patch(settlement(uid), uid, { limits: { users: 3, keys: 2 } });
  const user = (id: string) =>
    subjects.createUser(settlement(uid), uid, {
      id,
      type: "user",
      email: undefined,
      fullName: undefined,
      role: "member",
      relations: [],
    });
  const made = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => user(`u${i}`)));
  expect(made.filter(({ status }) => status === "fulfilled")).toHaveLength(3);
  const refused = made.find((one) => one.status === "rejected");
  expect(refused?.reason).toMatchObject({
    code: "quota-exceeded",
    fields: { resource: "users", limit: 3, used: 3, requested: 1 },
  });
  const tenant = await tenants.byUid(uid);
  if (tenant === undefined) throw new Error("No tenant.");
  const keys = await Promise.allSettled(Array.from({ length: 6 }, () => at.key(tenant)));
  expect(keys.filter(({ status }) => status === "fulfilled")).toHaveLength(2);
  const { items } = await at.ledger.keys.list(uid, {});
  // One that takes another's place is no more than there was, once.
  const [first, second] = items;
  if (first === undefined || second === undefined) throw new Error("Two keys.");
  await rotate(first.id, uid);
  await expect(rotate(second.id, uid)).rejects.toMatchObject({ code: "quota-exceeded" });
  await at.ledger.keys.revoke(settlement(uid), second.id);
  await at.ledger.keys.revoke(settlement(uid), first.id);
  await at.key(tenant);
  expect((await at.ledger.quota.of(uid)).used).toMatchObject({ users: 3, keys: 2 });
});

test("A counter is never above its limit nor below nothing, and unknown without a limit", async () => {
  const { tenants, quota } = at.ledger;
  const { uid } = await at.tenant("counter");
  expect(await quota.add(settlement(uid), uid, "sandboxes", 1)).toEqual({ state: "unconfigured" });
  await tenants.patch(settlement(uid), uid, { limits: { sandboxes: 5, hours: null } });
  const added = await Promise.all(
    Array.from({ length: 12 }, () => quota.add(settlement(uid), uid, "sandboxes", 1)),
  );
  expect(added.filter(({ state }) => state === "done")).toHaveLength(5);
  expect(await quota.add(settlement(uid), uid, "sandboxes", -6)).toMatchObject({
    state: "negative",
    current: 5,
  });
  expect(await quota.add(settlement(uid), uid, "sandboxes", -5)).toMatchObject({ current: 0 });
  expect(await quota.add(settlement(uid), uid, "hours", 1000)).toEqual({
    state: "done",
    current: 1000,
    limit: null,
  });
});
