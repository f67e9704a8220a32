import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { createDenials } from "./denials.ts";
import { type Fixture, draft, fixture, settlement, writing } from "./test/fixture.ts";

let at: Fixture;
beforeAll(async () => {
  at = await fixture();
});
afterAll(() => at[Symbol.asyncDispose]());

const filled = async (id: string, entries = 8): Promise<string> => {
  const { uid } = await at.tenant(id);
  for (let i = 1; i < entries; i++) {
    const decided = settlement(uid, [], {
      audit: { ...draft("k", "write"), detail: { i, text: "ü\u0000\ud800" } },
    });
    await at.ledger.intents.settle(await at.ledger.intents.begin(decided, writing()), {});
  }
  return uid;
};

test("A chain verifies from its first row on, under concurrent writers too", async () => {
  const uid = await filled("whole");
  await Promise.all(
    Array.from({ length: 20 }, async () =>
      at.ledger.intents.settle(await at.ledger.intents.begin(settlement(uid), writing()), {}),
    ),
  );
  expect(await at.ledger.auditLog.verify(uid)).toBeUndefined();
  expect(await at.ledger.auditLog.verify(undefined)).toBeUndefined();
  const rows = await at.sql<{ n: number }>(
    "select n::int from bulkhead.audit where tenant = $1 order by n",
    [uid],
  );
  expect(rows.map((row) => row.n)).toEqual(Array.from({ length: 28 }, (_, i) => i + 1));
});

test.each([
  [
    "a changed resource",
    "update bulkhead.audit set resource = '/other' where tenant = $1 and n = 4",
    4,
    "changed",
  ],
  [
    "a changed detail",
    `update bulkhead.audit set detail = detail || '{"i":99}' where tenant = $1 and n = 4`,
    4,
    "changed",
  ],
  [
    "a changed time",
    "update bulkhead.audit set at = at + interval '1 ms' where tenant = $1 and n = 4",
    4,
    "changed",
  ],
  [
    "a changed hash",
    "update bulkhead.audit set hash = sha256('x') where tenant = $1 and n = 4",
    4,
    "changed",
  ],
  ["a missing entry", "delete from bulkhead.audit where tenant = $1 and n = 4", 4, "missing"],
  ["a missing first entry", "delete from bulkhead.audit where tenant = $1 and n = 1", 1, "missing"],
  ["a missing last entry", "delete from bulkhead.audit where tenant = $1 and n = 8", 8, "missing"],
  [
    "two entries that changed places",
    "do $do$ begin update bulkhead.audit set n = -n where tenant = '$1' and n in (4, 5); update bulkhead.audit set n = 9 + n where tenant = '$1' and n < 0; end $do$",
    4,
    "reordered",
  ],
  [
    "a head of another chain",
    "update bulkhead.tenant_head set audit_hash = sha256('x') where uid = $1",
    8,
    "changed",
  ],
])("It finds and places %s", async (name, tampering, n, fault) => {
  const uid = await filled(name.replaceAll(" ", "-"));
  // A block takes no parameters.
  await (tampering.startsWith("do")
    ? at.sql(tampering.replaceAll("$1", uid))
    : at.sql(tampering, [uid]));
  expect(await at.ledger.auditLog.verify(uid)).toEqual({ n, fault });
});

test("Lists are newest first, filtered, by pages, and of one chain", async () => {
  const uid = await filled("lists");
  const other = await filled("others", 2);
  at.ledger.denials.denied(uid, draft("k9", "read"), "outside-workspace");
  await at.ledger.denials.flush();
  const all = (await at.ledger.auditLog.list(uid, {})).items;
  expect(all.map((entry) => entry.action)).toEqual([
    "read",
    ...Array<string>(7).fill("write"),
    "test",
  ]);
  expect(all[0]).toMatchObject({
    tenant: "lists",
    result: "DENIED: outside-workspace",
    key: "k9",
    resource: "/thing",
  });
  const paged: string[] = [];
  let after: string | undefined;
  do {
    const page = await at.ledger.auditLog.list(uid, { limit: 4, after });
    paged.push(...page.items.map((entry) => entry.id));
    after = page.next;
  } while (after !== undefined);
  expect(paged).toEqual(all.map((entry) => entry.id));
  const count = async (query: Parameters<typeof at.ledger.auditLog.list>[1]): Promise<number> =>
    (await at.ledger.auditLog.list(uid, query)).items.length;
  expect(await count({ result: "denied" })).toBe(1);
  expect(await count({ result: "success" })).toBe(8);
  expect(await count({ action: "write" })).toBe(7);
  expect(await count({ actor: "service:nobody" })).toBe(0);
  expect(await count({ since: (all[0]?.at ?? 0) + 1 })).toBe(0);
  expect(await count({ until: all[0]?.at })).toBe(
    all.filter((entry) => entry.at < (all[0]?.at ?? 0)).length,
  );
  expect((await at.ledger.auditLog.list(other, {})).items).toHaveLength(2);
  await expect(at.ledger.auditLog.list(uid, { after: "nonsense" })).rejects.toMatchObject({
    code: "invalid-request",
  });
  await expect(at.ledger.auditLog.list(uid, { limit: 0 })).rejects.toMatchObject({
    code: "invalid-request",
  });
});

test("The first twenty a minute of a key and reason are entries, the rest one that counts them", async () => {
  const { uid } = await at.tenant("flood");
  const hot = openDatabase({
    url: at.url,
    role: "bulkhead_app",
    max: 2,
    connectMs: 1500,
    statementMs: 1500,
    name: "t",
  });
  const system = openDatabase({
    url: at.url,
    role: "bulkhead_system",
    max: 1,
    connectMs: 1500,
    statementMs: 1500,
    name: "t",
  });
  let now = 1_000_000;
  const sink = createDenials(
    hot,
    system,
    () => undefined,
    () => now,
  );
  try {
    for (let i = 0; i < 50; i++) sink.denied(uid, draft("k"), "outside-workspace");
    sink.denied(uid, draft("k"), "scope-required");
    await sink.flush();
    const denied = async (): Promise<readonly unknown[]> =>
      (await at.ledger.auditLog.list(uid, { result: "denied" })).items.map((entry) => [
        entry.result,
        entry.detail["more"],
      ]);
    const singles = (await denied()).filter((entry) => JSON.stringify(entry).includes("outside"));
    expect(singles).toHaveLength(21);
    expect(await denied()).toContainEqual(["DENIED: outside-workspace", 30]);
    expect(await denied()).toHaveLength(22);
    await sink.flush();
    expect(await denied()).toHaveLength(22);
    now += 60_000;
    sink.denied(uid, draft("k"), "outside-workspace");
    await sink.flush();
    expect(await denied()).toHaveLength(23);
    // Known to no tenant: the platform's chain. Of a tenant that never was: dropped, and nothing behind it is held up.
    sink.denied("00000000-0000-4000-8000-000000000000", draft("k"), "r");
    sink.denied("no uid at all", draft("k"), "r");
    sink.denied(undefined, draft("nobody"), "r");
    await sink.flush();
    expect((await at.ledger.auditLog.list(undefined, { result: "denied" })).items).toMatchObject([
      { key: "nobody", tenant: null },
    ]);
    expect(await at.ledger.auditLog.verify(uid)).toBeUndefined();

    for (let i = 0; i < 3; i++) sink.refused("192.0.2.1", "unauthenticated");
    sink.refused("192.0.2.1", "malformed");
    await sink.flush();
    sink.refused("192.0.2.1", "unauthenticated");
    await sink.flush();
    const counted = await at.sql<{ kind: string; count: number }>(
      "select kind, count::int from bulkhead.refusal where address = '192.0.2.1' order by kind",
    );
    expect(counted).toEqual([
      { kind: "malformed", count: 1 },
      { kind: "unauthenticated", count: 4 },
    ]);
  } finally {
    await hot.close();
    await system.close();
  }
});

test("A mutation whose entry cannot be written does not happen", async () => {
  const { uid } = await at.tenant("no-entry");
  await at.sql(
    "alter table bulkhead.audit add constraint refuse check (action <> 'refused') not valid",
  );
  const decided = settlement(uid, [], { audit: draft("k", "refused") });
  await expect(at.ledger.tenants.patch(decided, uid, { name: "other" })).rejects.toMatchObject({
    code: "internal",
  });
  expect((await at.ledger.tenants.byUid(uid))?.name).toBe("no-entry");
  await at.ledger.tenants
    .patch(decided, uid, { name: "other" })
    .catch((error: unknown) => expect(String(error)).not.toMatch(/select|insert|bulkhead\./i));
  await at.sql("alter table bulkhead.audit drop constraint refuse");
});

test("Entries lie in the partition of their month", async () => {
  const { uid } = await at.tenant("months");
  const [row] = await at.sql<{ name: string; month: string }>(
    "select tableoid::regclass::text as name, to_char(at at time zone 'UTC', 'YYYYMM') as month from bulkhead.audit where tenant = $1",
    [uid],
  );
  expect(row?.name).toMatch(new RegExp(`audit_${row?.month}$`));
});
