import { testDatabase, type TestDatabase, openSql, type Sql } from "@bulkhead/harness";
import { parseVirtualPath } from "@bulkhead/contract";
import { plainContext } from "@bulkhead/kit";
import { type ChainVerdict, type Ledger, migrate, openLedger } from "@bulkhead/ledger";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AuditKeys, type HeadSigner, headSigner, signHeads } from "./head-signer.ts";
import { sealer } from "./seal.ts";

const key = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const [seal] = [key(9)];
const plain = plainContext();

let database: TestDatabase;
let ledger: Ledger;
let sql: Sql;
let keys: AuditKeys = [key(1)];
let signer: HeadSigner;
let at = 1_000_000;
beforeAll(async () => {
  database = await testDatabase({ migrate });
  ledger = await openLedger({ url: database.url, masterKeyFingerprint: "f".repeat(32) });
  sql = await openSql(database.url);
  signer = headSigner({ ledger, keys: () => keys, sealer: sealer([seal]) });
});
afterAll(async () => {
  await sql.close();
  await ledger.close();
  await database.close();
});

const audit = {
  actor: "service:test",
  key: "k",
  action: "test",
  resource: "/thing",
  requestId: "r",
  front: "http",
  detail: {},
};
const sign = (): Promise<number> => signHeads(ledger.auditHeads, signer, () => (at += 60_000));
const examined = (uid: string): Promise<ChainVerdict> =>
  ledger.auditLog.examine(uid, signer.isSigned);

/** A tenant whose chain has 9 entries, of which 3, 6 and 9 are signed. */
const chain = async (id: string): Promise<string> => {
  const { uid } = await ledger.tenants.create(
    { ...plain.settlement, audit },
    {
      id,
      name: id,
      root: parseVirtualPath(`/workspace/${id}`),
      placement: "local",
      subdomain: undefined,
      allowedRegions: undefined,
      limits: {},
      settings: {},
    },
  );
  for (let n = 2; n <= 9; n++) {
    await ledger.tenants.patch({ ...plain.settlement, tenant: uid, audit }, uid, { name: `${n}` });
    if (n % 3 === 0) await sign();
  }
  return uid;
};
/** What somebody does who may write every table: the entry is another one, and all that follows from it follows again. */
const rewrite = (uid: string, n: number): Promise<unknown> =>
  sql.run(
    `do $do$ declare v bulkhead.audit; v_hash bytea; begin
       update bulkhead.audit set actor = 'nobody' where tenant = '${uid}' and n = ${n};
       select hash into v_hash from bulkhead.audit where tenant = '${uid}' and n = ${n - 1};
       for v in select * from bulkhead.audit where tenant = '${uid}' and n >= ${n} order by n loop
         v_hash := sha256(v_hash || bulkhead.audit_bytes_v1(v));
         update bulkhead.audit set hash = v_hash where tenant = '${uid}' and n = v.n;
       end loop;
       update bulkhead.tenant_head set audit_hash = v_hash where uid = '${uid}';
     end $do$`,
  );
const truncate = async (uid: string, n: number): Promise<void> => {
  await sql.run("delete from bulkhead.audit where tenant = $1 and n > $2", [uid, n]);
  await sql.run(
    `update bulkhead.tenant_head set audit_seq = $2, audit_hash = (select hash from bulkhead.audit
       where tenant = $1 and n = $2) where uid = $1`,
    [uid, n],
  );
};

test("Heads are signed once each, and a chain that nobody touched holds", async () => {
  const uid = await chain("whole");
  expect(await examined(uid)).toMatchObject({ entries: 9, signed: 9, fault: undefined });
  expect(await sign()).toBe(0);
  expect((await ledger.auditLog.examine(undefined, signer.isSigned)).fault).toBeUndefined();
});

test("A chain that was made anew from some entry on is found, between two signed heads", async () => {
  const uid = await chain("rewritten");
  await rewrite(uid, 5);
  expect(await ledger.auditLog.verify(uid)).toEqual({ n: 4, to: 6, fault: "changed" });
  expect(await examined(uid)).toMatchObject({
    signed: 3,
    fault: { n: 4, to: 6, fault: "changed" },
  });
  // With heads to fit, but without the key.
  await sql.run(
    `update bulkhead.audit_head h set hash = a.hash from bulkhead.audit a
     where a.tenant = h.tenant and a.n = h.n and h.tenant = $1`,
    [uid],
  );
  expect(await ledger.auditLog.verify(uid)).toBeUndefined();
  expect((await examined(uid)).fault).toEqual({ n: 4, to: 6, fault: "signature" });
});

test("An end that was cut off is missed", async () => {
  const uid = await chain("cut");
  await truncate(uid, 7);
  expect((await examined(uid)).fault).toEqual({ n: 8, to: 9, fault: "missing" });
});

test("A long chain is gone through in stretches, and its faults are where they are", async () => {
  const uid = await chain("long");
  await sql.run(
    "select count(bulkhead.audit_append_v1($1, jsonb_build_object('resource', i::text), 'SUCCESS')) from generate_series(1, 4500) i",
    [uid],
  );
  expect(await examined(uid)).toMatchObject({ entries: 4509, fault: undefined });
  await sql.run(
    `update bulkhead.audit set n = case n when 4100 then -4101 else -4100 end where tenant = $1 and n in (4100, 4101)`,
    [uid],
  );
  await sql.run("update bulkhead.audit set n = -n where tenant = $1 and n < 0", [uid]);
  expect(await examined(uid)).toMatchObject({
    entries: 4099,
    fault: { n: 4100, fault: "reordered" },
  });
  await sql.run("delete from bulkhead.audit where tenant = $1 and n = 2001", [uid]);
  expect((await examined(uid)).fault).toEqual({ n: 2001, fault: "missing" });
});

test("A head's signature is good for that head of that chain alone", async () => {
  const [uid, other] = [await chain("mine"), await chain("theirs")];
  await sql.run(
    `update bulkhead.audit_head h set signature = o.signature from bulkhead.audit_head o
     where h.tenant = $1 and o.tenant = $2 and h.n = 6 and o.n = 6`,
    [uid, other],
  );
  expect((await examined(uid)).fault).toEqual({ n: 4, to: 6, fault: "signature" });
  await sql.run("update bulkhead.audit_head set key_id = 'nobody' where tenant = $1", [other]);
  expect((await examined(other)).fault).toEqual({ n: 1, to: 3, fault: "signature" });
});

test("A replaced master key signs from then on; what the old one signed still holds once it is gone", async () => {
  const uid = await chain("rotated");
  keys = [key(2), key(1)];
  await ledger.tenants.patch({ ...plain.settlement, tenant: uid, audit }, uid, { name: "more" });
  expect(await sign()).toBe(1);
  expect(await examined(uid)).toMatchObject({ signed: 10, fault: undefined });
  keys = [key(2)];
  const later = headSigner({ ledger, keys: () => keys, sealer: sealer([seal]) });
  expect((await ledger.auditLog.examine(uid, later.isSigned)).fault).toBeUndefined();
  // Only because the key is kept, sealed.
  const without = headSigner({ ledger, keys: () => keys, sealer: undefined });
  expect((await ledger.auditLog.examine(uid, without.isSigned)).fault).toMatchObject({
    fault: "signature",
  });
});
