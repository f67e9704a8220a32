import { afterAll, beforeAll, expect, test } from "vitest";
import { mintKeyString } from "./key-string.ts";
import { type Fixture, draft, fixture, settlement } from "./test/fixture.ts";
import { inGroup, onFile, subject } from "./test/relations.ts";
import type { StoredTuple, SubjectStore } from "./types-relations.ts";

let at: Fixture;
let subjects: SubjectStore;
let alpha: string;
let beta: string;

beforeAll(async () => {
  at = await fixture();
  ({ subjects } = at.ledger);
  alpha = (await at.tenant("alpha")).uid;
  beta = (await at.tenant("beta")).uid;
});
afterAll(() => at[Symbol.asyncDispose]());

const root = "/workspace/alpha";
const refused = { code: "unauthenticated" };
const missing = { code: "not-found" };
const taken = { code: "already-exists" };

const create = (id: string, more: Partial<Parameters<SubjectStore["createUser"]>[2]> = {}) =>
  subjects.createUser(settlement(alpha), alpha, {
    type: "user",
    id,
    email: undefined,
    fullName: undefined,
    role: "member",
    relations: [],
    ...more,
  });
const grant = (tenant: string, ...tuples: StoredTuple[]) =>
  at.ledger.relations.grant(settlement(tenant), tuples, undefined);
/** An identity key of a subject, and one minted with it for somebody else. */
const keysOf = async (tenant: string, id: string, elder?: string) => {
  const minted = mintKeyString();
  await at.ledger.keys.insert(settlement(tenant), {
    id: minted.id,
    hash: minted.hash,
    tenantUid: tenant,
    name: "key",
    subject: { type: "user", id },
    workspacePrefix: undefined,
    scopes: ["read", "write"],
    expiresAt: undefined,
    createdBy: "service:test",
    parent: elder,
  });
  return minted;
};
const revisionOf = async (uid: string): Promise<number> =>
  (await at.ledger.relations.revisions([uid]))[0]?.n ?? -1;

test("A user is made whole with its relations, and is found, listed and changed", async () => {
  const before = await revisionOf(alpha);
  const made = await create("alice", {
    email: "Alice@example.com",
    fullName: "Alice",
    role: "owner",
    relations: [
      {
        subject: subject(alpha, "user:alice"),
        relation: "admin",
        object: { tenant: alpha, type: "tenant" },
        expiresAt: undefined,
      },
    ],
  });
  expect(made).toMatchObject({
    tenant: "alpha",
    type: "user",
    id: "alice",
    email: "Alice@example.com",
    fullName: "Alice",
    role: "owner",
    status: "active",
  });
  expect(await revisionOf(alpha)).toBe(before + 1);
  expect(await subjects.getUser(alpha, "user", "alice")).toEqual(made);
  expect(await subjects.getUser(beta, "user", "alice")).toBeUndefined();
  expect(await subjects.getUser(alpha, "agent", "alice")).toBeUndefined();
  await create("alice", { type: "agent" });
  expect((await subjects.find(alpha, "alice")).map(({ type }) => type)).toEqual(["agent", "user"]);
  expect(await subjects.tenantsOf({ type: "user", id: "alice" }, 10)).toEqual([alpha]);
  const first = await subjects.listUsers(alpha, { limit: 1 });
  expect(first.items).toMatchObject([{ type: "agent", id: "alice" }]);
  expect((await subjects.listUsers(alpha, { limit: 1, after: first.next })).items).toEqual([made]);
  expect((await subjects.listUsers(alpha, { type: "user" })).items).toEqual([made]);
  expect(
    await subjects.patchUser(
      settlement(alpha),
      alpha,
      "user",
      "alice",
      { fullName: null, email: "a@example.com" },
      undefined,
    ),
  ).toMatchObject({ fullName: null, email: "a@example.com", role: "owner" });
  await expect(
    subjects.patchUser(settlement(beta), beta, "user", "alice", {}, undefined),
  ).rejects.toMatchObject(missing);
});

test("An id and an e-mail address belong to one of a tenant, whoever comes first", async () => {
  await create("carol", { email: "carol@example.com" });
  await expect(create("carol")).rejects.toMatchObject(taken);
  const racing = await Promise.allSettled(
    Array.from({ length: 8 }, (_, i) => create(`racer-${i}`, { email: "Race@example.com" })),
  );
  expect(racing.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  for (const one of racing) if (one.status === "rejected") expect(one.reason).toMatchObject(taken);
  await expect(create("dave", { email: "CAROL@example.com" })).rejects.toMatchObject(taken);
  expect(await subjects.getUser(alpha, "user", "dave")).toBeUndefined();
  // Another tenant's address is no matter.
  await subjects.createUser(settlement(beta), beta, {
    type: "user",
    id: "carol",
    email: "carol@example.com",
    fullName: undefined,
    role: "member",
    relations: [],
  });
  // Who was only named before gets an account once.
  await subjects.register(alpha, { type: "user", id: "named" });
  await subjects.register(alpha, { type: "user", id: "named" });
  expect(await subjects.hasAccount(alpha, "user", "named")).toBe(false);
  expect(await create("named", { role: "editor" })).toMatchObject({ role: "editor" });
  expect(await subjects.hasAccount(alpha, "user", "named")).toBe(true);
  await expect(create("named")).rejects.toMatchObject(taken);
});

test("A new role takes the old one's relations and gives its own, in one change", async () => {
  const old = onFile(alpha, `${root}/shared`, "viewer", subject(alpha, "user:erin"));
  const next = { ...old, relation: "editor" as const };
  await create("erin", { relations: [old] });
  const before = (await at.ledger.relations.revisions([alpha]))[0];
  if (before === undefined) throw new Error("A revision.");
  await subjects.patchUser(
    settlement(alpha),
    alpha,
    "user",
    "erin",
    { role: "editor" },
    {
      drop: [old],
      add: [next],
    },
  );
  expect(await at.ledger.relations.delta(alpha, before)).toMatchObject({
    changes: [
      { kind: "drop", tuple: old },
      { kind: "add", tuple: next },
    ],
    revision: { n: before.n + 1 },
  });
});

test("A suspended user's keys are refused at once, with those minted with them, and serve again after", async () => {
  await create("frank");
  const own = await keysOf(alpha, "frank");
  const child = await keysOf(alpha, "somebody", own.id);
  const stranger = await keysOf(alpha, "grace");
  // Minting for somebody who was not known makes them known.
  expect(await subjects.find(alpha, "grace")).toEqual([{ type: "user", id: "grace" }]);
  const { revisions } = await at.ledger.authority.admit(own.key);
  const decided = settlement(alpha, revisions, { audit: draft(own.id, "key.narrow") });
  const patch = (status: "active" | "suspended") =>
    subjects.patchUser(settlement(alpha), alpha, "user", "frank", { status }, undefined);
  expect(await patch("suspended")).toMatchObject({ status: "suspended" });
  for (const { key, id } of [own, child]) {
    await expect(at.ledger.authority.admit(key)).rejects.toMatchObject(refused);
    await expect(at.ledger.authority.readmit(id)).rejects.toMatchObject(refused);
  }
  await at.ledger.authority.admit(stranger.key);
  // What was decided before is not done after.
  await expect(at.ledger.keys.narrow(decided, stranger.id, { name: "mine" })).rejects.toMatchObject(
    { code: "conflict" },
  );
  await patch("active");
  await at.ledger.authority.admit(own.key);
  await at.ledger.authority.admit(child.key);
});

test("A removed user leaves nothing that one of the same id inherits, in any tenant", async () => {
  await create("heidi");
  await subjects.createGroup(settlement(alpha), alpha, "staff");
  const heidi = subject(alpha, "user:heidi");
  const elsewhere = onFile(beta, "/workspace/beta/f", "viewer", heidi);
  await grant(alpha, onFile(alpha, `${root}/h`, "owner", heidi), inGroup("staff", heidi));
  await grant(beta, elsewhere);
  const share = await at.ledger.shares.create(
    settlement(beta),
    {
      sourceTenant: beta,
      subject: heidi,
      path: onFilePath(elsewhere),
      target: "f",
      permission: "can_read",
      expiresAt: undefined,
      maxUses: undefined,
      tokenHash: undefined,
      passwordHash: undefined,
    },
    undefined,
  );
  const key = await keysOf(alpha, "heidi");
  const child = await keysOf(alpha, "grace", key.id);
  const other = (await at.ledger.relations.revisions([beta]))[0];
  if (other === undefined) throw new Error("A revision.");

  await subjects.remove(settlement(alpha), alpha, "user", "heidi");
  for (const one of [key, child])
    await expect(at.ledger.authority.admit(one.key)).rejects.toMatchObject(refused);
  expect(await at.sql("select 1 from bulkhead.relation where subject_id = 'heidi'")).toEqual([]);
  expect((await at.ledger.shares.get(share.share.id))?.status).toBe("revoked");
  expect(await at.ledger.relations.delta(beta, other)).toMatchObject({
    changes: [{ kind: "drop", tuple: elsewhere }, { kind: "drop" }],
    revision: { n: other.n + 1 },
  });
  await expect(subjects.remove(settlement(alpha), alpha, "user", "heidi")).rejects.toMatchObject(
    missing,
  );
  await create("heidi");
  await expect(at.ledger.authority.admit(key.key)).rejects.toMatchObject(refused);
  expect((await at.ledger.relations.list({ subjectTenant: alpha, subject: heidi })).items).toEqual(
    [],
  );
});

const onFilePath = ({ object }: StoredTuple) => {
  if (object.type !== "file") throw new Error("A file.");
  return object.path;
};

test("A removed group takes its members along, however many, and who grants to it meanwhile is refused", async () => {
  await subjects.createGroup(settlement(alpha), alpha, "crowd");
  await expect(subjects.createGroup(settlement(alpha), alpha, "crowd")).rejects.toMatchObject(
    taken,
  );
  const crowd = subject(alpha, "group:crowd");
  await grant(alpha, onFile(alpha, `${root}/c`, "viewer", crowd));
  await at.sql(
    `insert into bulkhead.relation (tenant, object_type, object, subject_tenant, subject_type, subject_id,
       subject_relation, role, below_only, created_by)
     select $1, 'group', 'crowd', $1, 'user', 'u' || i, '', 'member', false, 'test' from generate_series(1, 1200) i`,
    [alpha],
  );
  const racing = (async () => {
    for (let i = 0; i < 20; i++) {
      const answer = await grant(alpha, inGroup("crowd", subject(alpha, `user:late-${i}`))).catch(
        (error: unknown) => error,
      );
      if (answer instanceof Error) {
        expect(answer).toMatchObject(missing);
        return;
      }
    }
  })();
  await subjects.remove(settlement(alpha), alpha, "group", "crowd");
  await racing;
  expect(
    await at.sql(
      "select 1 from bulkhead.relation where object = 'crowd' or subject_id = 'crowd' limit 1",
    ),
  ).toEqual([]);
  expect((await subjects.listGroups(alpha, {})).items.map(({ id }) => id)).toEqual(["staff"]);
  await subjects.createGroup(settlement(alpha), alpha, "crowd");
  const page = await subjects.listGroups(alpha, { limit: 1 });
  expect(page.items.map(({ id }) => id)).toEqual(["crowd"]);
  expect((await subjects.listGroups(alpha, { after: page.next })).items).toMatchObject([
    { id: "staff" },
  ]);
});

test("What a removal that was cut short left is granted nothing, serves no key, and goes with the next call", async () => {
  await create("judy");
  await subjects.createGroup(settlement(alpha), alpha, "half");
  const key = await keysOf(alpha, "judy");
  await at.sql("update bulkhead.subject set status = 'removing' where id in ('judy', 'half')");
  await expect(at.ledger.authority.admit(key.key)).rejects.toMatchObject(refused);
  for (const tuple of [
    onFile(alpha, `${root}/k`, "viewer", subject(alpha, "user:judy")),
    onFile(alpha, `${root}/k`, "viewer", subject(alpha, "group:half")),
    inGroup("half", subject(alpha, "user:frank")),
  ])
    await expect(grant(alpha, tuple)).rejects.toMatchObject(missing);
  expect(await subjects.getUser(alpha, "user", "judy")).toBeUndefined();
  expect(await subjects.find(alpha, "judy")).toEqual([]);
  await expect(create("judy")).rejects.toMatchObject(taken);
  await subjects.remove(settlement(alpha), alpha, "user", "judy");
  await subjects.remove(settlement(alpha), alpha, "group", "half");
  await create("judy");
  await subjects.createGroup(settlement(alpha), alpha, "half");
});

test("A tenant that ends takes relations on both sides, models and shares, and the others hear of it", async () => {
  const ending = await at.tenant("ending");
  const { uid } = ending;
  await subjects.register(uid, { type: "user", id: "ivan" });
  const given = onFile(beta, "/workspace/beta/g", "viewer", subject(uid, "user:ivan"));
  const taken = onFile(uid, "/workspace/ending/t", "viewer", subject(beta, "tenant"));
  await grant(beta, given);
  await grant(uid, taken, onFile(uid, "/workspace/ending", "owner", subject(uid, "user:ivan")));
  await at.ledger.models.put(settlement(uid), uid, { name: "m", source: "type user" });
  expect(await at.ledger.tenants.counts(uid)).toMatchObject({ relations: 3, models: 1, shares: 0 });
  const before = (await at.ledger.relations.revisions([beta]))[0];
  if (before === undefined) throw new Error("A revision.");
  await at.ledger.tenants.remove(settlement(uid), uid, 0);
  // Nothing is given to or by one that ends.
  await expect(grant(beta, given)).rejects.toMatchObject(missing);
  await at.ledger.tenants.finishRemoval(uid, {});
  expect(await at.ledger.tenants.counts(uid)).toEqual({
    keys: 0,
    roots: 0,
    subjects: 0,
    relations: 0,
    models: 0,
    shares: 0,
  });
  const delta = await at.ledger.relations.delta(beta, before);
  if (delta === "gap") throw new Error("A gap.");
  expect(delta.changes).toHaveLength(2);
  expect(delta.changes).toEqual(
    expect.arrayContaining([
      { kind: "drop", tuple: given },
      { kind: "drop", tuple: taken },
    ]),
  );
});
