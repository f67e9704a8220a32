import { afterAll, beforeAll, expect, test } from "vitest";
import { type Fixture, draft, fixture, settlement, writing } from "./test/fixture.ts";

let at: Fixture;
beforeAll(async () => {
  at = await fixture();
});
afterAll(() => at[Symbol.asyncDispose]());

test("Settling closes the audit entry and seeds one event, once, however often it is asked", async () => {
  const { uid } = await at.tenant("settles");
  const decided = settlement(uid, [], { audit: { ...draft("k", "write"), detail: { size: 3 } } });
  const id = await at.ledger.intents.begin(decided, writing("settles"));
  await at.ledger.intents.commit(decided, id, { id: "s1", size: 3, digest: "d", etagBefore: "e" });
  await Promise.all([
    at.ledger.intents.settle(id, { bytes: 3, created: true }),
    at.ledger.intents.settle(id, { bytes: 3, created: true }),
  ]);
  await at.ledger.intents.settle(id, { bytes: 3 });
  const { items } = await at.ledger.auditLog.list(uid, { action: "write" });
  expect(items).toMatchObject([
    {
      actor: "service:test",
      key: "k",
      result: "SUCCESS",
      tenant: "settles",
      detail: { size: 3, bytes: 3, created: true },
    },
  ]);
  const events = (await at.ledger.outbox.claim(100, 60_000)).filter(
    (event) => event.tenantUid === uid,
  );
  expect(events).toMatchObject([
    {
      kind: "file.write",
      seq: 1,
      payload: { mount: "settles", paths: ["a/b"], outcome: { bytes: 3, created: true } },
    },
  ]);
  expect(await at.ledger.intents.pending("settles")).toEqual([]);
});

test("A silent part is settled without an entry, and the platform's own ground has a chain too", async () => {
  const { uid } = await at.tenant("silent");
  const silent = settlement(uid, [], { audit: undefined });
  const before = (await at.ledger.auditLog.list(uid, {})).items.length;
  const part = await at.ledger.intents.begin(silent, writing());
  await at.ledger.intents.settle(part, {});
  expect((await at.ledger.auditLog.list(uid, {})).items).toHaveLength(before);
  const own = await at.ledger.intents.begin(
    settlement(undefined, [], { audit: draft("k", "mkdir") }),
    writing(),
  );
  await at.ledger.intents.settle(own, {});
  expect((await at.ledger.auditLog.list(undefined, { action: "mkdir" })).items).toHaveLength(1);
});

test("What a crash left behind is listed for its mount, oldest first, with what recovery needs", async () => {
  const { uid } = await at.tenant("crash");
  const decided = settlement(uid, (await at.platform()).revisions);
  const crashed = await at.open();
  const open = await crashed.intents.begin(decided, { ...writing("crash"), size: undefined });
  const committing = await crashed.intents.begin(decided, {
    ...writing("crash"),
    operation: "move",
    paths: ["a", "b"],
  });
  expect(await crashed.intents.commit(decided, committing, { id: "s2", size: 9 })).toBe(
    "committing",
  );
  await crashed.intents.begin(decided, writing("crashed-elsewhere"));
  await crashed.close();
  expect(await at.ledger.intents.pending("crash")).toEqual([
    {
      id: open,
      tenant: uid,
      mount: "crash",
      fencing: undefined,
      operation: "write",
      paths: ["a/b"],
      size: undefined,
      state: "open",
      staged: undefined,
    },
    {
      id: committing,
      tenant: uid,
      mount: "crash",
      fencing: undefined,
      operation: "move",
      paths: ["a", "b"],
      size: 3,
      state: "committing",
      staged: "s2",
    },
  ]);
  // The row is all that settling needs.
  await at.ledger.intents.settle(committing, { files: 1 });
  await at.ledger.intents.discard(open);
  await at.ledger.intents.discard(open);
  expect(await at.ledger.intents.pending("crash")).toEqual([]);
  expect((await at.ledger.auditLog.list(uid, { limit: 1 })).items[0]?.detail).toEqual({ files: 1 });
});

test("A commit of an intent that is gone is refused", async () => {
  const { uid } = await at.tenant("gone");
  const id = await at.ledger.intents.begin(settlement(uid), writing());
  await at.ledger.intents.discard(id);
  await expect(
    at.ledger.intents.commit(settlement(uid), id, { id: "s", size: 1 }),
  ).rejects.toMatchObject({
    code: "conflict",
  });
});

test("Leases of open intents are renewed, of granted ones not", async () => {
  const { uid } = await at.tenant("renew");
  const decided = settlement(uid);
  const open = await at.ledger.intents.begin(decided, writing("renew"));
  const granted = await at.ledger.intents.begin(decided, writing("renew"));
  await at.ledger.intents.commit(decided, granted, { id: "s", size: 1 });
  await at.sql("update bulkhead.intent set lease = 'epoch' where mount = 'renew'");
  await at.ledger.intents.renew([open, granted]);
  const rows = await at.sql<{ state: string; live: boolean }>(
    "select state, lease > bulkhead.now() + interval '50 s' as live from bulkhead.intent where mount = 'renew' order by n",
  );
  expect(rows).toEqual([
    { state: "open", live: true },
    { state: "committing", live: false },
  ]);
});

test("A commit under a lease that is another's by now is refused", async () => {
  const { uid } = await at.tenant("fenced");
  const holder = { host: "h", boot: "b", pid: 1, startTime: "1" };
  const first = await at.ledger.leases.acquire("mount:fenced", holder, 60_000);
  const intent = { ...writing("fenced"), fencing: first?.fencing };
  const a = await at.ledger.intents.begin(settlement(uid), intent);
  expect(await at.ledger.intents.commit(settlement(uid), a, { id: "s", size: 1 })).toBe(
    "committing",
  );
  const b = await at.ledger.intents.begin(settlement(uid), intent);
  await at.ledger.leases.acquire("mount:fenced", { ...holder, pid: 2 }, 60_000, () => true);
  await expect(
    at.ledger.intents.commit(settlement(uid), b, { id: "s", size: 1 }),
  ).rejects.toMatchObject({
    code: "unavailable",
  });
  expect((await at.ledger.intents.pending("fenced")).map((one) => one.state)).toEqual([
    "committing",
    "open",
  ]);
});

test("An intent that is written as it is granted has the lease, the room and the end of any other", async () => {
  const { uid } = await at.tenant("late");
  const { intents, leases } = at.ledger;
  const decided = settlement(uid, [], { audit: draft("k", "write") });
  const head = async (): Promise<object | undefined> =>
    (
      await at.sql<Record<string, number>>(
        `select h.used::int, h.reserved::int, h.files::int, h.reserved_files::int, h.seq::int
         from bulkhead.tenant_head h where h.uid = $1`,
        [uid],
      )
    )[0];
  const holder = { host: "h", boot: "b", pid: 1, startTime: "1" };
  const held = await leases.acquire("mount:late", holder, 60_000);
  const intent = { ...writing("late"), fencing: held?.fencing };
  const started = await head();
  await at.sql("update bulkhead.tenant set limits = $2 where uid = $1", [
    uid,
    JSON.stringify({ bytes: 5, files: 1 }),
  ]);
  const late = intents.late(decided, intent);
  for (let i = 0; i < 2; i++)
    expect(await late?.grant(decided, { id: "s", size: 3, digest: "d" })).toBe("committing");
  expect(await intents.pending("late")).toMatchObject([
    { ...intent, id: late?.id, tenant: uid, state: "committing", staged: "s" },
  ]);
  expect(await head()).toMatchObject({ reserved: 3, files: 1, reserved_files: 1 });
  const grantAt = (path: string, size: number): Promise<unknown> | undefined =>
    intents.late(decided, { ...intent, paths: [path] })?.grant(decided, { id: "t", size });
  await expect(grantAt("c", 1)).rejects.toMatchObject({ fields: { resource: "files" } });
  await expect(grantAt("a/b", 3)).rejects.toMatchObject({ fields: { resource: "bytes" } });

  const fact = { is: "file", path: "a/b", size: 3, etag: "e" } as const;
  const charge = { facts: [fact], alone: false };
  expect(await intents.settle(late?.id ?? "", { bytes: 3 }, charge)).toBe("settled");
  expect(await intents.settle(late?.id ?? "", { bytes: 3 }, charge)).toBe("gone");
  const after = { used: 3, reserved: 0, files: 1, reserved_files: 0 };
  expect(await head()).toEqual({ ...started, ...after, seq: 1 });
  expect(await at.ledger.auditLog.verify(uid)).toBeUndefined();
  expect((await at.ledger.auditLog.list(uid, { limit: 1 })).items).toMatchObject([
    { key: "k", action: "write", detail: { bytes: 3 } },
  ]);
  // What it replaces makes room for it.
  expect(await grantAt("a/b", 5)).toBe("committing");

  await leases.acquire("mount:late", { ...holder, pid: 2 }, 60_000, () => true);
  await expect(grantAt("a/b", 1)).rejects.toMatchObject({ code: "unavailable" });
  for (const other of [
    { ...decided, idempotency: `${uid}.${uid}` },
    { ...decided, reserved: { bytes: 3, files: 0, id: uid } },
  ])
    expect(intents.late(other, intent)).toBeUndefined();
});
