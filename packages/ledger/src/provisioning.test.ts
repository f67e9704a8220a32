import { parseVirtualPath, type TenantRecord } from "@bulkhead/contract";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fixture, fixture, settlement, writing } from "./test/fixture.ts";

let at: Fixture;
beforeAll(async () => {
  at = await fixture();
});
afterAll(async () => {
  await at[Symbol.asyncDispose]();
});

const password = { keyId: "k1", sealed: new Uint8Array([1, 2, 3]) };

const provisioned = (id: string, name = `db_${id}`): Promise<TenantRecord> =>
  at.ledger.tenants.create(settlement(undefined), {
    id,
    name: id,
    root: parseVirtualPath(`/workspace/${id}`),
    placement: "own",
    subdomain: undefined,
    allowedRegions: undefined,
    limits: {},
    settings: {},
    uid: randomUUID(),
    database: { name, password, maxAttempts: 9 },
  });

const status = async (uid: string): Promise<string | undefined> =>
  (await at.ledger.tenants.byUid(uid))?.status;

const head = async (uid: string): Promise<unknown> =>
  (
    await at.sql(
      "select used::int as used, files::int as files from bulkhead.tenant_head where uid = $1",
      [uid],
    )
  )[0];

test("A tenant with a database of its own is made with its job, and serves once the database is there", async () => {
  const tenant = await provisioned("one");
  expect(tenant).toMatchObject({ status: "provisioning", databaseName: "db_one" });
  const { provisioning } = tenant;
  expect(await at.ledger.jobs.get(provisioning ?? "")).toMatchObject({
    kind: "tenant.provision",
    tenantUid: tenant.uid,
    state: "queued",
  });
  expect(await at.ledger.provisioning.database(tenant.uid)).toMatchObject({
    name: "db_one",
    password: { keyId: "k1" },
    ready: false,
    wanted: true,
  });
  await at.ledger.provisioning.activate(tenant.uid);
  await at.ledger.provisioning.activate(tenant.uid);
  const active = await at.ledger.tenants.byUid(tenant.uid);
  expect(active).toMatchObject({ status: "active", provisioning: null, databaseName: "db_one" });
  const told = await at.sql("select kind, seq::int from bulkhead.outbox where tenant = $1", [
    tenant.uid,
  ]);
  expect(told).toEqual([{ kind: "tenant.provisioned", seq: 1 }]);
  expect(await at.ledger.auditLog.verify(tenant.uid)).toBeUndefined();
  await expect(at.ledger.provisioning.abandon(tenant.uid)).rejects.toMatchObject({
    code: "conflict",
  });
});

test("Nothing of it is left if its row cannot be written", async () => {
  const before = await at.sql("select count(*)::int as n from bulkhead.job");
  await expect(provisioned("one", "db_other")).rejects.toMatchObject({ code: "already-exists" });
  expect(await at.sql("select count(*)::int as n from bulkhead.job")).toEqual(before);
  expect(await at.sql("select count(*)::int as n from bulkhead.secret")).toEqual([{ n: 1 }]);
});

test("A provisioning that is given up goes as a deletion does, and its id is free", async () => {
  const { uid } = await provisioned("two");
  await at.ledger.provisioning.abandon(uid);
  await at.ledger.provisioning.abandon(uid);
  expect(await status(uid)).toBe("deleting");
  expect(await at.ledger.provisioning.database(uid)).toMatchObject({ wanted: false });
  await expect(at.ledger.provisioning.activate(uid)).rejects.toMatchObject({ code: "conflict" });
  await at.ledger.tenants.finishRemoval(uid, { failed: "x" });
  expect(await status(uid)).toBe("deleted");
  expect(await at.ledger.provisioning.database(uid)).toBeUndefined();
  expect(
    await at.ledger.secrets.get({ tenantUid: uid, name: "database-password" }),
  ).toBeUndefined();
  expect((await provisioned("two")).uid).not.toBe(uid);
});

test("A tenant suspended while it is provisioned stays suspended, and serves when it is let in again", async () => {
  const { uid } = await provisioned("three");
  await at.ledger.tenants.suspend(settlement(uid), uid, undefined);
  await at.ledger.provisioning.activate(uid);
  expect(await status(uid)).toBe("suspended");
  await at.ledger.tenants.reactivate(settlement(uid), uid);
  expect(await status(uid)).toBe("active");
});

test("A tenant that is deleted while it is provisioned is not activated", async () => {
  const { uid } = await provisioned("four");
  await at.ledger.tenants.remove(settlement(uid), uid, 0);
  await expect(at.ledger.provisioning.activate(uid)).rejects.toMatchObject({ code: "conflict" });
  expect(await status(uid)).toBe("deleting");
});

test("Secrets under another key are found and sealed again, once", async () => {
  const { secrets } = at.ledger;
  const found = await secrets.sealedOtherwise("k2", 100);
  expect(found.every((one) => one.keyId === "k1" && one.sealed[0] === 1)).toBe(true);
  const next = found.map((one) => ({
    ...one,
    before: "k1",
    keyId: "k2",
    sealed: new Uint8Array([9, 0, 255]),
  }));
  expect(await secrets.reseal(next)).toBe(found.length);
  expect(await secrets.reseal(next)).toBe(0);
  for (const one of found) {
    const sealed = await secrets.get(one);
    expect(sealed?.keyId).toBe("k2");
    expect([...(sealed?.sealed ?? [])]).toEqual([9, 0, 255]);
  }
  expect(found.length).toBeGreaterThan(1);
  expect(await secrets.sealedOtherwise("k2", 100)).toEqual([]);
});

test("An intent is charged once, however often and by whomever it is settled", async () => {
  const { uid } = await at.tenant("charged");
  const { intents } = at.ledger;
  const id = await intents.begin(settlement(uid), writing("root:x"));
  await Promise.all([
    intents.charge(id, { bytes: 5, files: 1 }),
    intents.charge(id, { bytes: 5, files: 1 }),
  ]);
  await intents.charge(id, { bytes: 5, files: 1 });
  expect(await head(uid)).toEqual({ used: 5, files: 1 });
  const removal = await intents.begin(settlement(uid), writing("root:x"));
  await intents.charge(removal, { bytes: -5, files: -1 });
  expect(await head(uid)).toEqual({ used: 0, files: 0 });
  expect(await at.ledger.auditLog.verify(uid)).toBeUndefined();
});

test("Only an intent whose lease is over is another process's to settle", async () => {
  const { uid } = await at.tenant("lapsing");
  const { intents } = at.ledger;
  const id = await intents.begin(settlement(uid), writing("root:l"));
  expect(await intents.lapsed("root:l")).toEqual([]);
  expect(await intents.lapsedMounts()).not.toContain("root:l");
  await at.sql("update bulkhead.intent set lease = bulkhead.now() where mount = 'root:l'");
  expect(await intents.lapsed("root:l")).toMatchObject([{ id, state: "open" }]);
  expect(await intents.lapsedMounts()).toContain("root:l");
});
