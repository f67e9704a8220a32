import { parseVirtualPath, type TenantRecord } from "@bulkhead/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fixture, fixture, settlement, writing } from "./test/fixture.ts";
import { platformUid } from "./types.ts";

let at: Fixture;
beforeAll(async () => {
  at = await fixture();
});
afterAll(() => at[Symbol.asyncDispose]());

const none = { keys: 0, roots: 0, subjects: 0, relations: 0, models: 0, shares: 0 };

const input = (id: string) => ({
  id,
  name: id,
  root: parseVirtualPath(`/workspace/${id}`),
  placement: "default",
  subdomain: undefined,
  allowedRegions: undefined,
  limits: {},
  settings: {},
});

test("A tenant is made whole or not at all, and its id and root are its own", async () => {
  const made = await at.ledger.tenants.create(settlement(undefined), {
    ...input("whole"),
    subdomain: "sub",
    allowedRegions: ["eu-1"],
    limits: { bytes: 5, files: null },
    settings: { a: 1 },
  });
  expect(made).toMatchObject({
    id: "whole",
    status: "active",
    plan: null,
    roots: ["/workspace/whole"],
    subdomain: "sub",
    allowedRegions: ["eu-1"],
    limits: { bytes: 5, files: null },
    settings: { a: 1 },
    billingCycle: "monthly",
    mrrMinor: 0,
    suspendedAt: null,
  });
  expect(await at.ledger.tenants.get("whole")).toEqual(made);
  expect(await at.ledger.tenants.byUid(made.uid)).toEqual(made);
  expect(await at.ledger.tenants.get("none")).toBeUndefined();
  const before = await at.sql("select count(*) from bulkhead.audit");
  for (const clash of [
    input("whole"),
    { ...input("other"), root: parseVirtualPath("/workspace/whole") },
    { ...input("other"), subdomain: "sub" },
  ])
    await expect(at.ledger.tenants.create(settlement(undefined), clash)).rejects.toMatchObject({
      code: "already-exists",
    });
  expect(await at.ledger.tenants.get("other")).toBeUndefined();
  expect(await at.sql("select count(*) from bulkhead.audit")).toEqual(before);
  const racing = await Promise.allSettled(
    Array.from({ length: 10 }, () =>
      at.ledger.tenants.create(settlement(undefined), input("racing")),
    ),
  );
  expect(racing.filter((one) => one.status === "fulfilled")).toHaveLength(1);
  // Different ones at once do not stand in each other's way.
  await Promise.all(Array.from({ length: 10 }, (_, i) => at.tenant(`side-${i}`)));
});

test("Reactivating restores the state before, through repeated suspensions", async () => {
  const { uid } = await at.tenant("states");
  await at.sql("update bulkhead.tenant set status = 'trial' where uid = $1", [uid]);
  const first = await at.ledger.tenants.suspend(settlement(uid), uid, "unpaid");
  expect(first).toMatchObject({ status: "suspended", suspensionReason: "unpaid" });
  const second = await at.ledger.tenants.suspend(settlement(uid), uid, "still");
  expect(second).toMatchObject({ suspendedAt: first.suspendedAt, suspensionReason: "still" });
  const back = await at.ledger.tenants.reactivate(settlement(uid), uid);
  expect(back).toMatchObject({ status: "trial", suspendedAt: null, suspensionReason: null });
  expect(back.reactivatedAt).toBeTypeOf("number");
  expect((await at.ledger.tenants.reactivate(settlement(uid), uid)).status).toBe("trial");
});

test("A patch changes what it names", async () => {
  const { uid } = await at.tenant("patched");
  const patch = (to: Parameters<typeof at.ledger.tenants.patch>[2]): Promise<TenantRecord> =>
    at.ledger.tenants.patch(settlement(uid), uid, to);
  await patch({ settings: { a: 1, b: 2 }, limits: { bytes: 5, files: 7 }, subdomain: "patched" });
  expect(await patch({ settings: { b: 3 }, limits: { bytes: null }, name: "New" })).toMatchObject({
    name: "New",
    settings: { a: 1, b: 3 },
    limits: { bytes: null, files: 7 },
    subdomain: "patched",
  });
  expect(await patch({ subdomain: null })).toMatchObject({ subdomain: null, name: "New" });
  await expect(
    at.ledger.tenants.patch(settlement(undefined), platformUid, {}),
  ).rejects.toMatchObject({ code: "not-found" });
});

test("Lists are by id, by pages, filtered, without those that are deleted", async () => {
  const ids = ["page-a", "page-B".toLowerCase(), "page-c", "page_a", "page0"];
  await Promise.all(ids.map((id) => at.tenant(id)));
  const found: string[] = [];
  let after: string | undefined;
  do {
    const page = await at.ledger.tenants.list({ limit: 3, after });
    found.push(...page.items.map((one) => one.id));
    after = page.next;
  } while (after !== undefined);
  expect(found.filter((id) => id.startsWith("page"))).toEqual([
    "page-a",
    "page-b",
    "page-c",
    "page0",
    "page_a",
  ]);
  expect(new Set(found).size).toBe(found.length);
  const { uid } = await at.tenant("page-suspended");
  await at.ledger.tenants.suspend(settlement(uid), uid, undefined);
  expect(
    (await at.ledger.tenants.list({ status: "suspended" })).items.map((one) => one.id),
  ).toEqual(["page-suspended"]);
});

test("Keys are listed by tenant and page, without their secrets", async () => {
  const tenant = await at.tenant("listed");
  const made = [];
  for (let i = 0; i < 5; i++) made.push((await at.key(tenant)).id);
  const page = await at.ledger.keys.list(tenant.uid, { limit: 3 });
  const rest = await at.ledger.keys.list(tenant.uid, { limit: 3, after: page.next });
  expect([...page.items, ...rest.items].map((key) => key.id)).toEqual(made);
  expect(rest.next).toBeUndefined();
  expect(page.items[0]).toMatchObject({
    tenant: "listed",
    subject: { type: "service" },
    revokedAt: null,
    parent: null,
  });
  expect(JSON.stringify(page)).not.toMatch(/hash|secret/);
  const own = await at.ledger.keys.list(undefined, {});
  expect(own.items.map((key) => key.tenant)).toEqual(own.items.map(() => null));
  expect(own.items.length).toBeGreaterThan(0);
});

test("Deleting cuts at once, ends by a job, and leaves the id free and the uid used", async () => {
  const tenant = await at.tenant("ended");
  const { uid } = tenant;
  const key = await at.key(tenant);
  await at.ledger.intents.begin(settlement(uid), writing());
  await at.sql("insert into bulkhead.subject (tenant, type, id) values ($1, 'user', 'alice')", [
    uid,
  ]);
  expect(await at.ledger.tenants.counts(uid)).toEqual({
    ...none,
    keys: 1,
    roots: 1,
    subjects: 1,
  });
  await expect(at.ledger.tenants.finishRemoval(uid, {})).rejects.toMatchObject({
    code: "conflict",
  });

  const { job } = await at.ledger.tenants.remove(settlement(uid), uid, 60_000);
  await expect(at.ledger.authority.admit(key.key)).rejects.toMatchObject({
    code: "unauthenticated",
  });
  expect((await at.ledger.tenants.get("ended"))?.status).toBe("deleting");
  await expect(at.tenant("ended")).rejects.toMatchObject({ code: "already-exists" });
  await expect(at.ledger.tenants.remove(settlement(uid), uid, 0)).rejects.toMatchObject({
    code: "not-found",
  });
  await expect(at.ledger.tenants.reactivate(settlement(uid), uid)).rejects.toMatchObject({
    code: "not-found",
  });
  await expect(at.key(tenant)).rejects.toMatchObject({ code: "not-found" });
  const [queued] = await at.sql<{ wait: number; payload: unknown }>(
    "select extract(epoch from run_at - bulkhead.now()) as wait, payload from bulkhead.job where id = $1",
    [job],
  );
  expect(Number(queued?.wait)).toBeGreaterThan(55);
  expect(queued?.payload).toEqual({ tenant: uid, id: "ended", roots: ["/workspace/ended"] });
  expect(await at.ledger.jobs.get(job)).toMatchObject({
    kind: "tenant.delete",
    tenant: "ended",
    tenantUid: uid,
    state: "queued",
  });

  await at.ledger.tenants.finishRemoval(uid, { files: 3 });
  await at.ledger.tenants.finishRemoval(uid, { files: 3 });
  expect(await at.ledger.tenants.counts(uid)).toEqual(none);
  expect(await at.ledger.tenants.get("ended")).toBeUndefined();
  expect(await at.ledger.tenants.byUid(uid)).toMatchObject({
    status: "deleted",
    id: "ended",
    roots: [],
  });
  expect((await at.ledger.auditLog.list(uid, { action: "tenant.deleted" })).items).toMatchObject([
    { detail: { files: 3 } },
  ]);
  expect(await at.ledger.auditLog.verify(uid)).toBeUndefined();
  const again = await at.tenant("ended");
  expect(again.uid).not.toBe(uid);
  await expect(at.ledger.authority.admit(key.key)).rejects.toMatchObject({
    code: "unauthenticated",
  });
});

test("Roots are told whole and as what changed, or not at all where the changelog has a gap", async () => {
  const start = (await at.ledger.roots.all()).revision;
  const nothing = { roots: [], removed: [], mounts: [], unmounted: [] };
  expect(await at.ledger.roots.since(start)).toEqual({ revision: start, ...nothing });
  const tenant = await at.tenant("rooted");
  const added = await at.ledger.roots.since(start);
  if (added === "reload") throw new Error("A delta.");
  expect(added.revision).toEqual({ ...start, n: start.n + 1 });
  expect(added.roots).toMatchObject([
    {
      path: "/workspace/rooted",
      placement: "default",
      tenant: { uid: tenant.uid, id: "rooted", status: "active" },
    },
  ]);
  await at.ledger.tenants.addRoot(
    settlement(tenant.uid),
    tenant.uid,
    parseVirtualPath("/tenants/rooted"),
    "fast",
  );
  await expect(
    at.ledger.tenants.addRoot(
      settlement(tenant.uid),
      tenant.uid,
      parseVirtualPath("/tenants/rooted"),
    ),
  ).rejects.toMatchObject({ code: "already-exists" });
  await at.ledger.tenants.suspend(settlement(tenant.uid), tenant.uid, undefined);
  const both = await at.ledger.roots.since(added.revision);
  if (both === "reload") throw new Error("A delta.");
  expect(both.roots.map((root) => [root.path, root.placement, root.tenant.status])).toEqual([
    ["/tenants/rooted", "fast", "suspended"],
    ["/workspace/rooted", "default", "suspended"],
  ]);
  await at.ledger.tenants.remove(settlement(tenant.uid), tenant.uid, 0);
  await at.ledger.tenants.finishRemoval(tenant.uid, {});
  const gone = await at.ledger.roots.since(both.revision);
  if (gone === "reload") throw new Error("A delta.");
  expect(gone.removed.toSorted()).toEqual(["/tenants/rooted", "/workspace/rooted"]);
  expect(gone.roots).toEqual([]);
  await at.tenant("rooted");
  const reused = await at.ledger.roots.since(both.revision);
  if (reused === "reload") throw new Error("A delta.");
  expect(reused.removed).toEqual(["/tenants/rooted"]);
  expect(reused.roots.map((root) => root.path)).toEqual(["/workspace/rooted"]);
  // A path that is used again is another storage.
  expect(reused.roots[0]?.generation).toBeGreaterThan(added.roots[0]?.generation ?? Infinity);
  const all = await at.ledger.roots.all();
  expect(all.revision).toEqual(reused.revision);
  expect(all.roots.map((root) => root.path)).toContain("/workspace/rooted");

  expect(
    await at.ledger.roots.since({ ...start, epoch: "00000000-0000-4000-8000-000000000000" }),
  ).toBe("reload");
  expect(await at.ledger.roots.since({ ...all.revision, n: all.revision.n + 1 })).toBe("reload");
  await at.sql("delete from bulkhead.changelog where tenant = $1 and n = $2", [
    platformUid,
    added.revision.n,
  ]);
  expect(await at.ledger.roots.since(start)).toBe("reload");
  expect(await at.ledger.roots.since(added.revision)).not.toBe("reload");
});
