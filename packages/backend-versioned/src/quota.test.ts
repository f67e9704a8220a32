import { FileError, isFileError } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { streamBody } from "@bulkhead/kit";
import { afterAll, describe, expect, test } from "vitest";
import { listBlobs } from "./list-blobs.ts";
import {
  at,
  pattern,
  put,
  request,
  settlementOf,
  testLedger,
  type TestTenant,
  testTenant,
  textAt,
} from "./test/opened.ts";

const ledger = await testLedger();
const other = await ledger.open();
afterAll(() => ledger[Symbol.asyncDispose]());

const totals = async (tenant: TestTenant) => {
  const { counted, found } = await ledger.ledger.trees.recount(tenant.uid);
  expect(counted, "drift").toEqual(found);
  return counted;
};

const refused = async (work: Promise<unknown>): Promise<FileError> => {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isFileError(error, "quota-exceeded"))
    throw new Error(`Expected a refusal, not ${String(error)}.`);
  return error;
};

describe("a limit of bytes", () => {
  const sizes = [
    ["small", 1000],
    ["large", 40_000],
  ] as const;
  test.each(sizes)("%s: to the last byte, not one more, and told so", async (_, limit) => {
    const tenant = await testTenant(ledger.ledger, { bytes: limit });
    const content = memory();
    const backend = tenant.open(content);
    await put(backend, "a", pattern(limit - 10));
    const error = await refused(put(backend, "b", pattern(11)));
    expect(error.fields).toEqual({ resource: "bytes", limit, used: limit - 10, requested: 11 });
    expect(error.detail).toContain("bytes");
    await expect(backend.stat(request(), at("b"))).rejects.toMatchObject({ code: "not-found" });
    await put(backend, "b", pattern(10));
    // What does not grow always fits.
    await put(backend, "a", pattern(limit - 10, 2));
    await put(backend, "b", "");
    expect(await totals(tenant)).toMatchObject({ bytes: limit - 10, files: 2 });
    await refused(backend.copy(request(), at("a"), at("c")));
    await backend.copy(request(), at("a"), at("b"), { mode: "overwrite" }).then(
      () => expect.unreachable("a copy over the limit"),
      (reason: unknown) => expect(reason).toMatchObject({ code: "quota-exceeded" }),
    );
    await backend.move(request(), at("a"), at("b"), { mode: "overwrite" });
    expect(await totals(tenant)).toMatchObject({ bytes: limit - 10, files: 1 });
  });

  test("A large body is refused before it is pulled where it says its size, and at its commit where not", async () => {
    const tenant = await testTenant(ledger.ledger, { bytes: 50_000 });
    const content = memory();
    const backend = tenant.open(content);
    let pulled = 0;
    async function* source(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 6; i++) {
        pulled += 1;
        yield pattern(10_000);
      }
    }
    await refused(backend.write(request(), at("f"), streamBody(source(), 60_000)));
    expect(pulled).toBeLessThan(3);
    await refused(backend.write(request(), at("f"), streamBody(source())));
    expect(await listBlobs(request(), content)).toEqual([]);
    expect(await totals(tenant)).toEqual({ bytes: 0, files: 0, versionBytes: 0 });
  });

  test("Copies of trees and restorations are growth as well", async () => {
    const tenant = await testTenant(ledger.ledger, { bytes: 100, files: 5 });
    const backend = tenant.open();
    await put(backend, "d/a", "x".repeat(30));
    const { version = "" } = await put(backend, "d/b", "x".repeat(30));
    expect((await refused(backend.copy(request(), at("d"), at("e")))).fields).toEqual({
      resource: "bytes",
      limit: 100,
      used: 60,
      requested: 60,
    });
    await put(backend, "d/b", "");
    await backend.copy(request(), at("d"), at("e"));
    await put(backend, "e/b", "x".repeat(20));
    expect((await refused(backend.restore(request(), at("d/b"), version))).fields).toMatchObject({
      requested: 30,
      used: 80,
    });
    await backend.remove(request(), at("e/a"));
    await backend.restore(request(), at("d/b"), version);
    expect(await totals(tenant)).toMatchObject({ bytes: 80, files: 3 });
  });
});

test("A limit of files: new ones are refused, others go on", async () => {
  const tenant = await testTenant(ledger.ledger, { files: 2 });
  const backend = tenant.open();
  await put(backend, "a", "1");
  await put(backend, "b", "2");
  expect((await refused(put(backend, "c", ""))).fields).toEqual({
    resource: "files",
    limit: 2,
    used: 2,
    requested: 1,
  });
  await put(backend, "a", "12345");
  await backend.mkdir(request(), at("directories/are/free".split("/")[0] ?? ""));
  await backend.move(request(), at("a"), at("n/a"));
  expect((await refused(backend.copy(request(), at("b"), at("c")))).fields.resource).toBe("files");
  const { version = "" } = await backend.stat(request(), at("b"));
  await backend.remove(request(), at("b"));
  await put(backend, "c", "");
  expect((await refused(backend.restore(request(), at("b"), version))).fields.resource).toBe(
    "files",
  );
  expect(await totals(tenant)).toMatchObject({ files: 2 });
});

test("A limit below what is used stops growth alone; without limits nothing stops", async () => {
  const tenant = await testTenant(ledger.ledger);
  const backend = tenant.open();
  await put(backend, "a", "x".repeat(500));
  await put(backend, "b", "x".repeat(500));
  await ledger.ledger.tenants.patch(settlementOf(tenant.uid), tenant.uid, {
    limits: { bytes: 100, files: 1 },
  });
  await refused(put(backend, "c", "x"));
  await refused(put(backend, "a", "x".repeat(501)));
  await put(backend, "a", "x".repeat(500));
  await put(backend, "a", "x".repeat(499));
  await backend.move(request(), at("a"), at("c"));
  await backend.remove(request(), at("b"));
  await ledger.ledger.tenants.patch(settlementOf(tenant.uid), tenant.uid, {
    limits: { bytes: null, files: null },
  });
  await put(backend, "d", "x".repeat(5000));
  expect(await totals(tenant)).toMatchObject({ bytes: 5499, files: 2 });
});

test("What is reserved is as good as used", async () => {
  const tenant = await testTenant(ledger.ledger, { bytes: 100 });
  await ledger.sql("update bulkhead.tenant_head set reserved = 60 where uid = $1", [tenant.uid]);
  await refused(put(tenant.open(), "f", "x".repeat(41)));
  await put(tenant.open(), "f", "x".repeat(40));
});

test(
  "64 writers of two processes against a limit: overshoot 0, drift 0, 20 rounds",
  { timeout: 120_000 },
  async () => {
    const limit = 20_000;
    let won = 0;
    let lost = 0;
    for (let round = 0; round < 20; round++) {
      const tenant = await testTenant(ledger.ledger, { bytes: limit, files: 30 });
      const content = memory();
      const processes = [tenant.open(content), tenant.open(content, other)];
      const writers = Array.from({ length: 64 }, async (_, w) => {
        const backend = processes[w % 2];
        if (backend === undefined) throw new Error("Two processes.");
        // Every eighth is too long for its row; paths meet.
        const size = w % 8 === 0 ? 17_000 : 100 + w * 20;
        try {
          await put(backend, `d${w % 3}/f${w % 40}`, pattern(size, w + 1));
          won += 1;
          if (w % 5 === 0) await backend.remove(request(), at(`d${w % 3}/f${w % 40}`));
        } catch (error) {
          if (!isFileError(error)) throw error;
          expect(["quota-exceeded", "not-found"]).toContain(error.code);
          lost += 1;
        }
      });
      let watching = true;
      const watch = (async () => {
        while (watching) {
          const rows = await ledger.sql(
            `select sum(size)::int as bytes, count(*)::int as files from bulkhead.node where tree = $1 and version is not null`,
            [tenant.tree.id],
          );
          expect(Number(rows[0]?.["bytes"])).toBeLessThanOrEqual(limit);
          expect(Number(rows[0]?.["files"])).toBeLessThanOrEqual(30);
        }
      })();
      await Promise.all(writers);
      watching = false;
      await watch;
      const { bytes, files } = await totals(tenant);
      expect(bytes).toBeLessThanOrEqual(limit);
      expect(files).toBeLessThanOrEqual(30);
    }
    // Both ends were met, or it was no race.
    expect(won).toBeGreaterThan(200);
    expect(lost).toBeGreaterThan(200);
  },
);

test("A refusal leaves the old content as it was", async () => {
  const tenant = await testTenant(ledger.ledger, { bytes: 10 });
  const backend = tenant.open();
  const before = await put(backend, "f", "0123456789");
  await refused(put(backend, "f", "0123456789x"));
  expect(await textAt(backend, "f")).toBe("0123456789");
  expect((await backend.stat(request(), at("f"))).etag).toBe(before.etag);
});
