import { FileError } from "@bulkhead/contract";
import { expect, test } from "vitest";
import { openDatabase } from "./database.ts";
import { fixture } from "./test/fixture.ts";

const tenants = Number(process.env["BULKHEAD_TEST_TENANTS"] ?? 1000);

/** Pseudo-random, the same in every run (mulberry32). */
const random = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

test("A pool of two serves a thousand interleaved tenants, errors and rollbacks included, and shows each its own rows alone", async () => {
  await using at = await fixture();
  const made = await at.sql<{ uid: string }>(
    `with made as (
       insert into bulkhead.tenant (uid, id, name, status, created_at, updated_at)
       select gen_random_uuid(), 't' || n, 't' || n, 'active', now(), now() from generate_series(1, $1::int) n
       returning uid, id
     ), heads as (insert into bulkhead.tenant_head (uid, used) select uid, 1 from made),
     roots as (insert into bulkhead.root (path, tenant, placement) select '/workspace/' || id, uid, 'x' from made)
     select uid from made`,
    [tenants],
  );
  const pool = openDatabase({
    url: at.url,
    role: "bulkhead_app",
    max: 2,
    connectMs: 60_000,
    statementMs: 5000,
    name: "two",
  });
  const seen = `select array(select uid::text from bulkhead.tenant union all select tenant::text from bulkhead.root
    union all select uid::text from bulkhead.tenant_head) as uids`;
  const next = random(20_262);
  const give = async (uid: string): Promise<void> => {
    const how = Math.floor(next() * 5);
    const other = made[Math.floor(next() * made.length)]?.uid ?? uid;
    const own = pool.transaction(async (tx) => {
      await tx.rows("select bulkhead.enter_v1($1::uuid)", [uid]);
      const [row] = await tx.rows<{ uids: string[] }>(seen);
      expect(row?.uids).toEqual([uid, uid, uid]);
      await tx.rows("update bulkhead.tenant_head set used = used + 1");
      if (how === 1) await tx.rows("select 1 / 0");
      if (how === 2) throw new FileError("conflict", "rolled back");
      if (how === 3) await tx.rows("update bulkhead.tenant_head set uid = $1", [other]);
    });
    if (how === 4)
      // Named by nobody, between two that are.
      expect(await pool.rows(seen)).toEqual([{ uids: [] }]);
    if (how === 1 || how === 2 || (how === 3 && other !== uid)) await expect(own).rejects.toThrow();
    else await own;
    if (how === 0 || how > 3)
      expect(
        await pool.call(
          { name: "used", text: "select count(*)::int from bulkhead.tenant_head" },
          [],
        ),
      ).toBe(0);
    kept.set(
      uid,
      (kept.get(uid) ?? 1) + (how === 0 || how === 4 || (how === 3 && other === uid) ? 1 : 0),
    );
  };
  const kept = new Map<string, number>();
  try {
    const turns = made.toSorted(() => next() - 0.5);
    const callers = Array.from({ length: 40 }, async (_, i) => {
      for (let at = i; at < turns.length; at += 40) await give(turns[at]?.uid ?? "");
    });
    await Promise.all(callers);
  } finally {
    await pool.close();
  }
  const used = await at.sql<{ uid: string; used: number }>(
    "select uid, used::int from bulkhead.tenant_head where uid = any ($1)",
    [made.map(({ uid }) => uid)],
  );
  // What was rolled back is, and each update met one tenant's row and no other's.
  expect(new Map(used.map((row) => [row.uid, row.used]))).toEqual(kept);
}, 60_000);
