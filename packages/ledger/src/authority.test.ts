import { parseVirtualPath } from "@bulkhead/contract";
import { waitFor } from "@bulkhead/harness";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createAuthority } from "./authority.ts";
import { type Database, openDatabase } from "./database.ts";
import { hashKey, mintKeyString } from "./key-string.ts";
import { type Fixture, fixture, settlement } from "./test/fixture.ts";

let at: Fixture;
beforeAll(async () => {
  at = await fixture();
});
afterAll(() => at[Symbol.asyncDispose]());

const refused = { code: "unauthenticated" };
const admit = (key: string): ReturnType<Fixture["ledger"]["authority"]["admit"]> =>
  at.ledger.authority.admit(key);

test("A platform key holds the root, a capability its prefix, an identity its tenant's roots", async () => {
  const { principal: platform, revisions } = await at.platform();
  expect(platform).toMatchObject({
    kind: "platform",
    tenant: undefined,
    reach: { home: "/", bounds: ["/"] },
  });
  expect(platform.subject).toEqual({ type: "service", id: platform.keyId });
  expect(platform.scopes).toEqual(["read", "write", "share", "admin"]);
  expect(revisions.map((one) => one.tenant)).toEqual(["platform"]);

  const tenant = await at.tenant("kinds");
  await at.ledger.tenants.addRoot(
    settlement(tenant.uid),
    tenant.uid,
    parseVirtualPath("/tenants/kinds"),
  );
  const capability = await at.key(tenant, { prefix: "/workspace/kinds/team" });
  const admitted = await admit(capability.key);
  expect(admitted.principal).toMatchObject({
    kind: "capability",
    keyId: capability.id,
    tenant: { uid: tenant.uid, id: "kinds", status: "active" },
    scopes: ["read", "write"],
    reach: { home: "/workspace/kinds/team", bounds: ["/workspace/kinds/team"] },
  });
  expect(admitted.revisions.map((one) => one.tenant)).toEqual(["platform", tenant.uid]);
  expect(Math.abs(admitted.now - Date.now())).toBeLessThan(5000);

  const identity = await at.key(tenant, { prefix: null });
  expect((await admit(identity.key)).principal).toMatchObject({
    kind: "identity",
    reach: { home: "/workspace/kinds", bounds: ["/workspace/kinds", "/tenants/kinds"] },
  });
  expect((await at.ledger.authority.readmit(identity.id)).principal.keyId).toBe(identity.id);
});

test("Every key that is not valid gets one answer", async () => {
  const tenant = await at.tenant("invalid");
  const good = await at.key(tenant);
  const other = mintKeyString();
  const details = new Set<string>();
  for (const key of [
    "",
    "x",
    "x".repeat(5000),
    other.key,
    good.key.slice(0, -1) + (good.key.endsWith("0") ? "1" : "0"),
    `bhk_${good.id}_${other.key.slice(21)}`,
    `${good.key} `,
    good.id,
    "\u0000",
  ])
    await admit(key).then(
      () => expect.unreachable(JSON.stringify(key)),
      (error: unknown) => {
        expect(error).toMatchObject(refused);
        details.add(String(error));
      },
    );
  await expect(at.ledger.authority.readmit("0000000000000000")).rejects.toMatchObject(refused);
  expect(details.size).toBe(1);
  await admit(good.key);
});

test("A key ends at its time by the ledger's clock, and with its tenant", async () => {
  const tenant = await at.tenant("ends");
  const { now } = await at.platform();
  const short = await at.key(tenant, { expiresAt: now + 3_600_000 });
  expect((await admit(short.key)).principal.expiresAt).toBe(now + 3_600_000);
  const later = await at.key(tenant, { parent: short.id });
  expect((await admit(later.key)).principal.expiresAt).toBe(now + 3_600_000);
  await at.sql(
    "create or replace function bulkhead.now() returns timestamptz language sql volatile as $$ select clock_timestamp() + interval '1 hour' $$",
  );
  try {
    await expect(admit(short.key)).rejects.toMatchObject(refused);
    await expect(admit(later.key)).rejects.toMatchObject(refused);
  } finally {
    await at.sql(
      "create or replace function bulkhead.now() returns timestamptz language sql volatile as $$ select date_trunc('milliseconds', clock_timestamp()) $$",
    );
  }
  await admit(short.key);
  await at.ledger.tenants.suspend(settlement(tenant.uid), tenant.uid, undefined);
  expect((await admit(short.key)).principal.tenant?.status).toBe("suspended");
  await at.ledger.tenants.remove(settlement(tenant.uid), tenant.uid, 3_600_000);
  await expect(admit(short.key)).rejects.toMatchObject(refused);
  await expect(at.ledger.authority.readmit(short.id)).rejects.toMatchObject(refused);
});

test("Narrowing and revoking a parent does the same to its children's children", async () => {
  const tenant = await at.tenant("family");
  const eldest = await at.key(tenant, { scopes: ["read", "write", "admin"] });
  const middle = await at.key(tenant, { scopes: ["read", "write"], parent: eldest.id });
  const child = await at.key(tenant, { prefix: "/workspace/family/a/b", parent: middle.id });
  const narrow = (
    id: string,
    to: Parameters<Fixture["ledger"]["keys"]["narrow"]>[2],
  ): Promise<unknown> => at.ledger.keys.narrow(settlement(tenant.uid), id, to);

  await narrow(eldest.id, {
    scopes: ["read"],
    workspacePrefix: parseVirtualPath("/workspace/family/a"),
  });
  expect((await admit(middle.key)).principal).toMatchObject({
    scopes: ["read"],
    reach: { home: "/workspace/family/a", bounds: ["/workspace/family/a"] },
  });
  expect((await admit(child.key)).principal).toMatchObject({
    scopes: ["read"],
    reach: { bounds: ["/workspace/family/a/b"] },
  });
  await narrow(eldest.id, { workspacePrefix: parseVirtualPath("/workspace/family/a/c") });
  expect((await admit(child.key)).principal.reach.bounds).toEqual([]);
  // Never wider again.
  await expect(
    narrow(eldest.id, { workspacePrefix: parseVirtualPath("/workspace/family") }),
  ).rejects.toMatchObject({
    code: "invalid-request",
  });
  await expect(
    narrow(eldest.id, { workspacePrefix: parseVirtualPath("/workspace/family/a/cd") }),
  ).rejects.toMatchObject({
    code: "invalid-request",
  });
  await narrow(eldest.id, { scopes: ["read", "write", "admin"], name: "new" });
  expect(await at.ledger.keys.get(eldest.id)).toMatchObject({ scopes: ["read"], name: "new" });
  const identity = await at.key(tenant, { prefix: null });
  await expect(
    narrow(identity.id, { workspacePrefix: parseVirtualPath("/workspace/family/a") }),
  ).rejects.toMatchObject({
    code: "invalid-request",
  });

  await at.ledger.keys.revoke(settlement(tenant.uid), eldest.id);
  for (const { key, id } of [eldest, middle, child]) {
    await expect(admit(key)).rejects.toMatchObject(refused);
    expect((await at.ledger.keys.get(id))?.revokedAt).toBeTypeOf("number");
  }
  await expect(
    at.ledger.keys.revoke(settlement(tenant.uid), "0000000000000000"),
  ).rejects.toMatchObject({ code: "not-found" });
});

test("A rotated key overlaps with its successor, which takes its place in the family", async () => {
  const tenant = await at.tenant("rotation");
  const old = await at.key(tenant);
  const child = await at.key(tenant, { parent: old.id });
  const next = mintKeyString();
  const successor = {
    id: next.id,
    hash: next.hash,
    tenantUid: tenant.uid,
    name: "next",
    subject: { type: "service" as const, id: old.id },
    workspacePrefix: parseVirtualPath("/workspace/rotation"),
    scopes: ["read" as const],
    expiresAt: undefined,
    createdBy: "service:test",
    parent: undefined,
  };
  await at.ledger.keys.rotate(settlement(tenant.uid), old.id, successor, 400);
  await admit(old.key);
  await admit(next.key);
  await new Promise((resolve) => setTimeout(resolve, 450));
  await expect(admit(old.key)).rejects.toMatchObject(refused);
  expect((await admit(child.key)).principal.scopes).toEqual(["read"]);
  await at.ledger.keys.revoke(settlement(tenant.uid), next.id);
  await expect(admit(child.key)).rejects.toMatchObject(refused);
});

test("A key from the environment is compared whole, a weak one is refused, and the first is minted once", async () => {
  expect((await at.ledger.platformKeys.ensure({})).minted).toBeUndefined();
  const env = "correct-horse-battery-staple-and-more";
  await at.ledger.platformKeys.ensure({ env });
  await at.ledger.platformKeys.ensure({ env });
  expect((await admit(env)).principal.kind).toBe("platform");
  await expect(admit(env.slice(0, -1))).rejects.toMatchObject(refused);
  await expect(at.ledger.platformKeys.ensure({ env: "short" })).rejects.toThrow(/32 printable/);
  const stored = await at.sql<{ hash: Buffer }>(
    "select hash from bulkhead.key where name = 'environment'",
  );
  expect(stored.map((row) => row.hash.toString("hex"))).toEqual([
    Buffer.from(hashKey(env)).toString("hex"),
  ]);
});

test("Key strings have a fixed form, all digits in every place", () => {
  const seen = Array.from({ length: 43 }, () => new Set<string>());
  const ids = new Set<string>();
  for (let i = 0; i < 2000; i++) {
    const { id, key, hash } = mintKeyString();
    expect(key).toMatch(/^bhk_[0-9A-Za-z]{16}_[0-9A-Za-z]{43}$/);
    expect(key.slice(4, 20)).toBe(id);
    expect(Buffer.from(hash)).toEqual(Buffer.from(hashKey(key)));
    ids.add(id);
    for (let place = 0; place < 43; place++) seen[place]?.add(key.charAt(21 + place));
  }
  expect(ids.size).toBe(2000);
  for (const digits of seen) expect(digits.size).toBeGreaterThan(55);
});

test("Its use is noted at most once a minute", async () => {
  const tenant = await at.tenant("used");
  const key = await at.key(tenant);
  const other = await at.open();
  await other.authority.admit(key.key);
  await other.close();
  const first = (await at.ledger.keys.get(key.id))?.lastUsedAt;
  expect(first).toBeTypeOf("number");
  const third = await at.open();
  await third.authority.admit(key.key);
  await third.close();
  expect((await at.ledger.keys.get(key.id))?.lastUsedAt).toBe(first);
});

test("Tenants that were just asked for are told along with keys, as of each read, and for a moment", async () => {
  const tenant = await at.tenant("near");
  const own = await at.key(tenant);
  const other = await at.open();
  const platform = (): ReturnType<typeof admit> => other.authority.admit(at.platformKey);
  try {
    expect((await platform()).nearby).toBeUndefined();
    const [asked] = await other.relations.revisions([tenant.uid]);
    const told = await platform();
    expect(told.revisions.map((one) => one.tenant)).toEqual(["platform"]);
    expect(told.nearby).toEqual([{ tenant: tenant.uid, epoch: asked?.epoch, n: asked?.n }]);
    expect((await other.authority.admit(own.key)).nearby).toEqual([]);
    await at.ledger.tenants.suspend(settlement(tenant.uid), tenant.uid, undefined);
    expect((await platform()).nearby?.[0]?.n).toBeGreaterThan(asked?.n ?? 0);
    const more = await Promise.all(
      Array.from({ length: 5 }, async (_, i) => (await at.tenant(`near-${i}`)).uid),
    );
    await other.relations.revisions(more);
    const latest = (await platform()).nearby?.map((one) => one.tenant);
    expect(new Set(latest)).toEqual(new Set(more.slice(1)));
    await waitFor(async () => ((await platform()).nearby === undefined ? true : undefined));
  } finally {
    await other.close();
  }
});

test("One read serves all who arrived before it was sent, and nobody who came later", async () => {
  const database = openDatabase({
    url: at.url,
    role: "bulkhead_system",
    max: 1,
    connectMs: 1500,
    statementMs: 1500,
    name: "count",
  });
  let statements = 0;
  const counting: Database = {
    ...database,
    call: (statement, values) => {
      statements += 1;
      return database.call(statement, values);
    },
  };
  try {
    const authority = createAuthority(counting, () => undefined);
    await authority.admit(at.platformKey);
    statements = 0;
    const first = Array.from({ length: 100 }, () => authority.admit(at.platformKey));
    await Promise.resolve();
    await Promise.resolve();
    const later = Array.from({ length: 100 }, () => authority.admit(at.platformKey));
    await Promise.all([...first, ...later]);
    expect(statements).toBe(2);
  } finally {
    await database.close();
  }
});

test("Of a key that is known only revisions are asked, until one moves, time ends it, or another string names it", async () => {
  const tenant = await at.tenant("known");
  const { now } = await at.platform();
  const own = await at.key(tenant, { expiresAt: now + 3_600_000 });
  const sibling = await at.key(tenant);
  const database = openDatabase({
    url: at.url,
    role: "bulkhead_system",
    max: 1,
    connectMs: 1500,
    statementMs: 1500,
    name: "known",
  });
  let asked: string[] = [];
  const counting: Database = {
    ...database,
    call: (statement, values) => {
      asked.push(statement.name);
      return database.call(statement, values);
    },
  };
  const authority = createAuthority(counting, () => undefined);
  const statements = async (work: () => Promise<unknown>): Promise<readonly string[]> => {
    asked = [];
    await work();
    return asked;
  };
  try {
    const [revisions, key] = [["snapshot_v1"], ["admit_v2"]];
    expect(await statements(() => authority.admit(own.key))).toEqual(key);
    const first = await authority.admit(own.key);
    expect(await statements(() => authority.admit(own.key))).toEqual(revisions);
    expect(await statements(() => authority.readmit(own.id))).toEqual(revisions);
    // Each request's own, equal in everything that was said of it.
    const second = await authority.admit(own.key);
    expect(second.principal).not.toBe(first.principal);
    expect(second.principal).toEqual(first.principal);
    expect(second.revisions).toEqual(first.revisions);

    // What another statement saw is enough, if that is what is known.
    const seen = { now: first.now + 7, revisions: first.revisions };
    expect(await statements(() => authority.readmit(own.id, seen))).toEqual([]);
    expect(await authority.readmit(own.id, seen)).toEqual({ ...first, now: first.now + 7 });
    const [platform, of] = first.revisions;
    if (platform === undefined || of === undefined) throw new Error("Two revisions are told.");
    for (const other of [
      { ...seen, revisions: [platform] },
      { ...seen, revisions: [of] },
      { ...seen, revisions: [platform, { ...of, n: of.n + 1 }] },
      { ...seen, revisions: [platform, { ...of, n: of.n - 1 }] },
      { ...seen, revisions: [platform, { ...of, epoch: platform.tenant }] },
      { ...seen, now: now + 3_600_000 },
    ])
      expect(await statements(() => authority.readmit(own.id, other))).toEqual(key);

    // Another string under the same id is another key, and takes nothing from the one that is known.
    const forged = own.key.slice(0, -1) + (own.key.endsWith("0") ? "1" : "0");
    await expect(authority.admit(forged)).rejects.toMatchObject(refused);
    expect(await statements(() => authority.admit(own.key))).toEqual(revisions);

    await authority.admit(sibling.key);
    await at.ledger.keys.revoke(settlement(tenant.uid), sibling.id);
    await expect(authority.admit(sibling.key)).rejects.toMatchObject(refused);
    expect((await authority.admit(own.key)).revisions[1]?.n).toBe(of.n + 1);
    await at.ledger.tenants.suspend(settlement(tenant.uid), tenant.uid, undefined);
    expect((await authority.admit(own.key)).principal.tenant?.status).toBe("suspended");
    await authority.admit(at.platformKey);
    expect(await statements(() => authority.admit(at.platformKey))).toEqual(revisions);
    await at.tenant("known-later");
    expect(await statements(() => authority.admit(at.platformKey))).toEqual([...revisions, ...key]);
  } finally {
    await database.close();
  }
});
