import { FileError, isFileError, type OpContext, type Staged } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { afterAll, describe, expect, test } from "vitest";
import { listBlobs } from "./list-blobs.ts";
import {
  at,
  pattern,
  put,
  request,
  settlementOf,
  testKey,
  testLedger,
  type TestTenant,
  testTenant,
  textAt,
} from "./test/opened.ts";
import type { VersionedBackend } from "./versioned.ts";

const ledger = await testLedger();
afterAll(() => ledger[Symbol.asyncDispose]());

const draft = (key = "k") => ({
  actor: "service:test",
  key,
  action: "file.write",
  resource: "/thing",
  requestId: "r",
  front: "http",
  detail: { from: "test" },
});

const drift = async (uid: string): Promise<void> => {
  const { counted, found } = await ledger.ledger.trees.recount(uid);
  expect(counted).toEqual(found);
};

/** Every mutation, with what it leaves to see whether it happened. */
const mutations: Readonly<
  Record<string, (b: VersionedBackend, ctx: OpContext) => Promise<unknown>>
> = {
  "a small write": (b, ctx) => put(b, "n/e/w", "small", {}, ctx),
  "a large write": (b, ctx) => put(b, "n/e/w", pattern(20_000), {}, ctx),
  "an overwrite": (b, ctx) => put(b, "f", "new", {}, ctx),
  mkdir: (b, ctx) => b.mkdir(ctx, at("d/new")),
  "a removal": (b, ctx) => b.remove(ctx, at("f")),
  "the removal of a tree": (b, ctx) => b.remove(ctx, at("d"), { recursive: true }),
  "the copy of a file": (b, ctx) => b.copy(ctx, at("f"), at("n/f")),
  "the copy of a tree": (b, ctx) => b.copy(ctx, at("d"), at("n/d")),
  "the move of a file": (b, ctx) => b.move(ctx, at("f"), at("n/f")),
  "the move of a tree": (b, ctx) => b.move(ctx, at("d"), at("n/d")),
  "a restoration": (b, ctx) => b.restore(ctx, at("gone"), "3"),
};

const planted = async (): Promise<
  TestTenant & { readonly backend: VersionedBackend; content: ReturnType<typeof memory> }
> => {
  const tenant = await testTenant(ledger.ledger);
  const content = memory();
  const backend = tenant.open(content);
  await put(backend, "f", "old");
  await put(backend, "d/s/x", "12");
  await put(backend, "gone", "gone");
  await backend.remove(request(), at("gone"));
  return { ...tenant, backend, content };
};

/** All rows that a mutation could change. */
const rowsOf = (tree: string) =>
  ledger.sql(
    `select (select count(*) from bulkhead.node where tree = $1) as nodes,
      (select md5(string_agg(parent || sort_key || coalesce(version::text, ''), ',' order by parent, sort_key))
        from bulkhead.node where tree = $1) as hash,
      (select count(*) from bulkhead.node_version where tree = $1) as versions,
      (select row(h.seq, h.used, h.files, h.version_bytes, h.audit_seq)::text from bulkhead.tenant_head h
        join bulkhead.tree t on t.tenant = h.uid where t.id = $1) as head,
      (select count(*) from bulkhead.outbox o join bulkhead.tree t on t.tenant = o.tenant where t.id = $1) as events`,
    [tree],
  );

describe("decided again", () => {
  const outdated = (revisions: Awaited<ReturnType<typeof testKey>>["revisions"]) =>
    revisions.map((revision) => ({ ...revision, n: revision.n - 1 }));

  test.each(Object.entries(mutations))(
    "%s asks once a revision moved, and then commits",
    async (_, call) => {
      const tenant = await planted();
      const { revisions } = await testKey(ledger.ledger, tenant);
      const settlement = settlementOf(tenant.uid, outdated(revisions), { audit: draft() });
      const asked: Staged[] = [];
      const before = await rowsOf(tenant.tree.id);
      await call(tenant.backend, {
        ...request({ settlement }),
        commit: async (staged) => {
          asked.push(staged);
          expect(await rowsOf(tenant.tree.id)).toEqual(before);
          settlement.revisions = revisions;
        },
      });
      expect(asked).toHaveLength(1);
      expect(asked[0]?.id).not.toBe("");
      expect(await rowsOf(tenant.tree.id)).not.toEqual(before);
      await drift(tenant.uid);
    },
  );

  test.each(Object.entries(mutations))(
    "%s changes nothing where that is refused",
    async (_, call) => {
      const tenant = await planted();
      const { revisions } = await testKey(ledger.ledger, tenant);
      const settlement = settlementOf(tenant.uid, outdated(revisions), { audit: draft() });
      const before = await rowsOf(tenant.tree.id);
      const refusal = new FileError("forbidden", "no");
      await expect(
        call(tenant.backend, { ...request({ settlement }), commit: () => Promise.reject(refusal) }),
      ).rejects.toBe(refusal);
      expect(await rowsOf(tenant.tree.id)).toEqual(before);
      expect(await listBlobs(request(), tenant.content)).toEqual([]);
      expect(
        await ledger.sql("select 1 from bulkhead.blob where tree = $1", [tenant.tree.id]),
      ).toEqual([]);
    },
  );

  test.each(Object.entries(mutations))(
    "%s gives up where it moves faster than that",
    async (_, call) => {
      const tenant = await planted();
      const { revisions } = await testKey(ledger.ledger, tenant);
      const settlement = settlementOf(tenant.uid, outdated(revisions));
      let asked = 0;
      const before = await rowsOf(tenant.tree.id);
      await expect(
        call(tenant.backend, { ...request({ settlement }), commit: async () => void asked++ }),
      ).rejects.toMatchObject({ code: "conflict", retry: "safe" });
      expect(asked).toBe(5);
      expect(await rowsOf(tenant.tree.id)).toEqual(before);
    },
  );
});

describe("what is recorded", () => {
  test.each(Object.entries(mutations))("%s: one entry, one event, one number", async (_, call) => {
    const tenant = await planted();
    const { revisions } = await testKey(ledger.ledger, tenant);
    const ctx = request({ settlement: settlementOf(tenant.uid, revisions, { audit: draft() }) });
    const events = () =>
      ledger.sql(
        "select seq::int, kind, payload from bulkhead.outbox where tenant = $1 order by seq",
        [tenant.uid],
      );
    const before = await events();
    const { items: entriesBefore } = await ledger.ledger.auditLog.list(tenant.uid, {});
    await call(tenant.backend, ctx);
    const after = await events();
    expect(after.length).toBe(before.length + 1);
    expect(after.at(-1)).toMatchObject({
      seq: after.length,
      payload: { mount: `root:${tenant.uid}` },
    });
    const { items } = await ledger.ledger.auditLog.list(tenant.uid, {});
    expect(items.length).toBe(entriesBefore.length + 1);
    expect(items[0]).toMatchObject({
      action: "file.write",
      result: "SUCCESS",
      detail: { from: "test" },
    });
    expect(await ledger.ledger.auditLog.verify(tenant.uid)).toBeUndefined();
    await drift(tenant.uid);
  });

  test.each(Object.entries(mutations))(
    "%s marks its idempotency row, and does nothing where that is another's",
    async (_, call) => {
      const tenant = await planted();
      const key = await testKey(ledger.ledger, tenant);
      const id = `${tenant.uid}.00000000-0000-4000-8000-000000000000`;
      const settlement = settlementOf(tenant.uid, key.revisions, { idempotency: id });
      const before = await rowsOf(tenant.tree.id);
      await expect(call(tenant.backend, request({ settlement }))).rejects.toMatchObject({
        code: "conflict",
      });
      expect(await rowsOf(tenant.tree.id)).toEqual(before);
      await ledger.sql(
        `insert into bulkhead.idempotency (id, scope, key_id, route, key, state, lease, expires_at)
         values ('00000000-0000-4000-8000-000000000000', $1, $2, 'r', 'k', 'in-flight', now(), now() + interval '1 day')`,
        [tenant.uid, key.id],
      );
      await call(tenant.backend, request({ settlement }));
      const rows = await ledger.sql(
        "select state from bulkhead.idempotency where id = '00000000-0000-4000-8000-000000000000'",
      );
      expect(rows).toEqual([{ state: "committed" }]);
      await ledger.sql("delete from bulkhead.idempotency");
    },
  );
});

describe("commits that ride together", () => {
  test("A refused one fails alone, each gets its own answer, and the chain holds", async () => {
    const tenant = await testTenant(ledger.ledger, { bytes: 1000 });
    const { revisions } = await testKey(ledger.ledger, tenant);
    const backend = tenant.open();
    await put(backend, "taken", "x");
    const settlement = settlementOf(tenant.uid, revisions, { audit: draft() });
    const stale = settlementOf(
      tenant.uid,
      revisions.map((r) => ({ ...r, n: r.n - 1 })),
    );
    const refusal = new Error("decided otherwise");
    // The first is on its way alone; all others ride in the next.
    const outcomes = await Promise.allSettled([
      put(backend, "first", "1", {}, request({ settlement })),
      put(backend, "a/b", "22", {}, request({ settlement })),
      put(backend, "taken", "333", { mode: "create" }, request({ settlement })),
      put(backend, "a/c", "4444", {}, request({ settlement })),
      put(backend, "big", "x".repeat(2000), {}, request({ settlement })),
      put(backend, "a/b/below", "x", {}, request({ settlement })),
      put(
        backend,
        "stale",
        "x",
        {},
        {
          ...request({ settlement: stale }),
          commit: () => Promise.reject(refusal),
        },
      ),
      put(backend, "a", "x", {}, request({ settlement })),
      put(backend, "last", "55555", { mode: "create" }, request({ settlement })),
      put(backend, "last", "6", { mode: "create" }, request({ settlement })),
    ]);
    expect(
      outcomes.map((one) =>
        one.status === "fulfilled"
          ? one.value.size
          : isFileError(one.reason)
            ? one.reason.code
            : String(one.reason),
      ),
    ).toEqual([
      1,
      2,
      "already-exists",
      4,
      "quota-exceeded",
      "not-directory",
      "Error: decided otherwise",
      "is-directory",
      5,
      "already-exists",
    ]);
    expect(await textAt(backend, "a/b")).toBe("22");
    expect(await textAt(backend, "a/c")).toBe("4444");
    expect(await textAt(backend, "last")).toBe("55555");
    expect((await ledger.ledger.auditLog.list(tenant.uid, {})).items).toHaveLength(4);
    expect(await ledger.ledger.auditLog.verify(tenant.uid)).toBeUndefined();
    await drift(tenant.uid);
  });

  test("Many writes take few transactions, at most 32 in each", async () => {
    const tenant = await testTenant(ledger.ledger);
    const backend = tenant.open();
    await put(backend, "warm", "x");
    await Promise.all(Array.from({ length: 100 }, (_, i) => put(backend, `d/f${i}`, `${i}`)));
    const rows = await ledger.sql(
      `select count(*)::int as riders from bulkhead.node where tree = $1 and sort_key like 'f%' group by xmin::text order by min(modified_at)`,
      [tenant.tree.id],
    );
    const riders = rows.map((row) => Number(row["riders"]));
    expect(riders.reduce((sum, one) => sum + one, 0)).toBe(100);
    expect(riders.length).toBeLessThan(12);
    expect(Math.max(...riders)).toBe(32);
    expect(await textAt(backend, "d/f77")).toBe("77");
    await drift(tenant.uid);
  });

  test("A rider that breaks the statement breaks no other", async () => {
    const tenant = await testTenant(ledger.ledger);
    const backend = tenant.open();
    const broken = settlementOf(tenant.uid, [], { idempotency: "no such shape" });
    const outcomes = await Promise.allSettled([
      put(backend, "first", "1"),
      put(backend, "a", "2"),
      put(backend, "b", "3", {}, request({ settlement: broken })),
      put(backend, "c", "4"),
    ]);
    expect(outcomes.map((one) => one.status)).toEqual([
      "fulfilled",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    await drift(tenant.uid);
  });
});
