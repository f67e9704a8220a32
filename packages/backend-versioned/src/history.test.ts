import { memory } from "@bulkhead/backend-memory";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { collect } from "./collect.ts";
import { listBlobs } from "./list-blobs.ts";
import {
  at,
  bytesAt,
  pattern,
  put,
  request,
  testLedger,
  type TestTenant,
  testTenant,
  textAt,
} from "./test/opened.ts";
import type { VersionedBackend } from "./versioned.ts";

const ledger = await testLedger();
afterAll(() => ledger[Symbol.asyncDispose]());

let tenant: TestTenant;
let backend: VersionedBackend;
let content: ReturnType<typeof memory>;
beforeEach(async () => {
  tenant = await testTenant(ledger.ledger);
  content = memory();
  backend = tenant.open(content);
});

const historyOf = async (path: string): Promise<readonly (string | number)[][]> => {
  const { entries } = await backend.versions(request(), at(path));
  return entries.map((entry) => [
    entry.version,
    entry.kind,
    entry.size,
    ...(entry.current ? ["current"] : []),
  ]);
};

const totals = async (): Promise<unknown> => {
  const { counted, found } = await ledger.ledger.trees.recount(tenant.uid);
  expect(counted).toEqual(found);
  return counted;
};

const big = pattern(20_000);

test("Every content stays readable under its version, with its own stat", async () => {
  const first = await put(backend, "f", "one", { contentType: "text/x-one", metadata: { n: "1" } });
  const second = await put(backend, "f", big, { contentType: "text/x-two" });
  const third = await put(backend, "f", "three");
  expect(await historyOf("f")).toEqual([
    [third.version, "write", 5, "current"],
    [second.version, "write", 20_000],
    [first.version, "write", 3],
  ]);
  expect(third.replaced).toEqual({ size: 20_000, version: second.version });
  expect(await textAt(backend, "f", { version: first.version ?? "" })).toBe("one");
  expect(Buffer.compare(await bytesAt(backend, "f", { version: second.version ?? "" }), big)).toBe(
    0,
  );
  await using read = await backend.read(request(), at("f"), {
    version: first.version ?? "",
    range: { start: 1 },
  });
  expect(read.stat).toMatchObject({
    name: "f",
    size: 3,
    etag: first.etag,
    contentType: "text/x-one",
    metadata: { n: "1" },
    version: first.version,
  });
  expect(read.range).toEqual({ start: 1, end: 2 });
  await expect(
    backend.read(request(), at("f"), { version: first.version ?? "", ifMatch: third.etag }),
  ).rejects.toMatchObject({ code: "precondition-failed", fields: { etag: first.etag } });
  expect(await totals()).toEqual({ bytes: 5, files: 1, versionBytes: 20_003 });
});

test.each(["", "0", "-1", "x", "1.0", "9".repeat(30), "999999", "1 or 1=1"])(
  "There is no version '%s'",
  async (version) => {
    await put(backend, "f", "one");
    await expect(backend.read(request(), at("f"), { version })).rejects.toMatchObject({
      code: "not-found",
    });
    await expect(backend.restore(request(), at("f"), version)).rejects.toMatchObject({
      code: "not-found",
    });
  },
);

test("A version is its own path's alone", async () => {
  const { version = "" } = await put(backend, "f", "one");
  await put(backend, "g", "other");
  await expect(backend.read(request(), at("g"), { version })).rejects.toMatchObject({
    code: "not-found",
  });
  await expect(backend.restore(request(), at("g"), version)).rejects.toMatchObject({
    code: "not-found",
  });
  await expect(backend.restore(request(), at("h"), version)).rejects.toMatchObject({
    code: "not-found",
  });
  const stranger = (await testTenant(ledger.ledger)).open(content);
  await expect(stranger.read(request(), at("f"), { version })).rejects.toMatchObject({
    code: "not-found",
  });
});

test("Restoring makes an earlier content the newest, and forgets none", async () => {
  const first = await put(backend, "f", big, { contentType: "text/x-one", metadata: { n: "1" } });
  const second = await put(backend, "f", "two");
  const restored = await backend.restore(request(), at("f"), first.version ?? "");
  expect(restored).toMatchObject({
    size: 20_000,
    created: false,
    replaced: { size: 3, version: second.version },
  });
  expect(restored.etag).not.toBe(first.etag);
  expect(await backend.stat(request(), at("f"))).toMatchObject({
    etag: restored.etag,
    contentType: "text/x-one",
    metadata: { n: "1" },
  });
  expect(Buffer.compare(await bytesAt(backend, "f"), big)).toBe(0);
  expect((await historyOf("f")).map((entry) => entry[0])).toEqual([
    restored.version,
    second.version,
    first.version,
  ]);
  // One blob, under two versions.
  expect(await listBlobs(request(), content)).toHaveLength(1);
  expect(await totals()).toEqual({ bytes: 20_000, files: 1, versionBytes: 20_003 });
});

describe("removed", () => {
  test("A removed file keeps its versions and comes back, with its parents", async () => {
    const { version = "" } = await put(backend, "d/s/f", big);
    await backend.remove(request(), at("d"), { recursive: true });
    expect(await totals()).toEqual({ bytes: 0, files: 0, versionBytes: 20_000 });
    expect((await historyOf("d/s/f")).map((entry) => entry[1])).toEqual(["remove", "write"]);
    expect(Buffer.compare(await bytesAt(backend, "d/s/f", { version }), big)).toBe(0);
    await expect(backend.read(request(), at("d/s/f"))).rejects.toMatchObject({ code: "not-found" });
    const back = await backend.restore(request(), at("d/s/f"), version);
    expect(back).toMatchObject({ created: true, size: 20_000 });
    expect(Buffer.compare(await bytesAt(backend, "d/s/f"), big)).toBe(0);
    expect((await historyOf("d/s/f")).map((entry) => entry[1])).toEqual([
      "write",
      "remove",
      "write",
    ]);
    expect(await totals()).toEqual({ bytes: 20_000, files: 1, versionBytes: 20_000 });
  });

  test("What is made anew at the path has the removed one's past as well", async () => {
    const first = await put(backend, "f", "one");
    await backend.remove(request(), at("f"));
    const second = await put(backend, "f", "two");
    expect(await historyOf("f")).toEqual([
      [second.version, "write", 3, "current"],
      ["2", "remove", 0],
      [first.version, "write", 3],
    ]);
    await backend.restore(request(), at("f"), first.version ?? "");
    expect(await textAt(backend, "f")).toBe("one");
  });

  test("What a move replaces keeps its past under the path; what moves takes its own along", async () => {
    const a = await put(backend, "a", "from");
    const b = await put(backend, "b", "target");
    await backend.move(request(), at("a"), at("b"), { mode: "overwrite" });
    expect(await historyOf("b")).toEqual([
      ["3", "remove", 0],
      [b.version, "write", 6],
      [a.version, "write", 4, "current"],
    ]);
    await expect(backend.versions(request(), at("a"))).rejects.toMatchObject({ code: "not-found" });
    await backend.restore(request(), at("b"), b.version ?? "");
    expect(await textAt(backend, "b")).toBe("target");
    expect(await totals()).toEqual({ bytes: 6, files: 1, versionBytes: 10 });
  });

  test("What stands in the way of a restoration is told", async () => {
    const { version = "" } = await put(backend, "d/f", "one");
    await backend.remove(request(), at("d"), { recursive: true });
    await put(backend, "d", "a file now");
    await expect(backend.restore(request(), at("d/f"), version)).rejects.toMatchObject({
      code: "not-directory",
    });
    await backend.remove(request(), at("d"));
    await backend.mkdir(request(), at("d"));
    await backend.mkdir(request(), at("d/f"));
    await expect(backend.restore(request(), at("d/f"), version)).rejects.toMatchObject({
      code: "is-directory",
    });
  });
});

test("A directory has no versions, nor has what never was", async () => {
  await backend.mkdir(request(), at("d"));
  await expect(backend.versions(request(), at("d"))).rejects.toMatchObject({
    code: "is-directory",
  });
  await expect(backend.versions(request(), at(""))).rejects.toMatchObject({ code: "is-directory" });
  await expect(backend.versions(request(), at("x/y"))).rejects.toMatchObject({ code: "not-found" });
});

test("History comes in pages, each entry once", async () => {
  const written: (string | undefined)[] = [];
  for (let i = 0; i < 7; i++) written.unshift((await put(backend, "f", `${i}`)).version);
  const seen: string[] = [];
  let after: string | undefined;
  do {
    const page = await backend.versions(request(), at("f"), { limit: 3, after });
    expect(page.entries.length).toBeLessThanOrEqual(3);
    seen.push(...page.entries.map((entry) => entry.version));
    after = page.next;
  } while (after !== undefined);
  expect(seen).toEqual(written);
  for (const limit of [0, 1001, 1.5])
    await expect(backend.versions(request(), at("f"), { limit })).rejects.toMatchObject({
      code: "invalid-request",
    });
});

test("A renamed directory's files keep their past, and a copy begins one of its own", async () => {
  const { version = "" } = await put(backend, "d/f", big);
  await put(backend, "d/f", "two");
  await backend.move(request(), at("d"), at("e"));
  expect(await historyOf("e/f")).toHaveLength(2);
  expect(Buffer.compare(await bytesAt(backend, "e/f", { version }), big)).toBe(0);
  await backend.restore(request(), at("e/f"), version);
  await put(backend, "e/g", big);
  expect(await backend.copy(request(), at("e"), at("n/c"))).toEqual({ files: 2, bytes: 40_000 });
  expect(await historyOf("n/c/f")).toHaveLength(1);
  expect(await listBlobs(request(), content)).toHaveLength(2);
  expect(
    await ledger.sql("select sum(refs)::int as refs from bulkhead.blob where tree = $1", [
      tenant.tree.id,
    ]),
  ).toEqual([{ refs: 5 }]);
  // Each goes its own way.
  await put(backend, "e/f", "changed");
  await backend.remove(request(), at("e"), { recursive: true });
  expect(Buffer.compare(await bytesAt(backend, "n/c/f"), big)).toBe(0);
  await totals();
});

describe("pruning", () => {
  const prune = (age: number, most: number): Promise<number> =>
    ledger.ledger.trees.prune(tenant.tree, age, most);
  const days = 86_400_000;

  test("Too many versions of one file go, the oldest first, and never what is live", async () => {
    for (let i = 0; i < 6; i++) await put(backend, "f", `${i}`);
    await put(backend, "g", "g");
    expect(await prune(90 * days, 2)).toBe(3);
    expect((await historyOf("f")).map((entry) => entry[0])).toEqual(["6", "5", "4"]);
    expect(await prune(90 * days, 0)).toBe(2);
    expect(await textAt(backend, "f")).toBe("5");
    expect(await textAt(backend, "g")).toBe("g");
    expect(await totals()).toEqual({ bytes: 2, files: 2, versionBytes: 0 });
  });

  test("Old versions go, and what was removed long ago", async () => {
    await put(backend, "f", "1");
    await put(backend, "f", "2");
    await put(backend, "gone", "x");
    await backend.remove(request(), at("gone"));
    await ledger.sql(
      "update bulkhead.node_version set at = at - interval '91 days' where tree = $1 and n <> 2",
      [tenant.tree.id],
    );
    expect(await prune(90 * days, 100)).toBe(3);
    expect(await historyOf("f")).toEqual([["2", "write", 1, "current"]]);
    await expect(backend.versions(request(), at("gone"))).rejects.toMatchObject({
      code: "not-found",
    });
  });

  test("Over the limit of version bytes the oldest go, and a live write is never refused for it", async () => {
    const bounded = await testTenant(ledger.ledger, { versionBytes: 10 });
    tenant = bounded;
    backend = bounded.open(content);
    for (let i = 0; i < 6; i++) await put(backend, "f", `${i}`.repeat(4));
    expect(await totals()).toMatchObject({ versionBytes: 20 });
    expect(await prune(90 * days, 100)).toBe(3);
    expect(await totals()).toMatchObject({ versionBytes: 8 });
    expect((await historyOf("f")).map((entry) => entry[0])).toEqual(["6", "5", "4"]);
  });

  test("A blob goes with the last version that stands on it, its bytes after the grace", async () => {
    const store = { store: tenant.tree.content, content, ledger: ledger.ledger.trees };
    await put(backend, "f", big);
    await backend.copy(request(), at("f"), at("g"));
    await put(backend, "f", "small");
    await prune(90 * days, 0);
    expect(await collect(request(), store, { graceMs: 0 })).toMatchObject({ buried: 0 });
    expect(Buffer.compare(await bytesAt(backend, "g"), big)).toBe(0);
    await backend.remove(request(), at("g"));
    await prune(90 * days, 0);
    expect(await collect(request(), store, { graceMs: 3_600_000 })).toEqual({
      buried: 1,
      removed: 0,
      unknown: 0,
    });
    expect(await listBlobs(request(), content)).toHaveLength(1);
    expect(await collect(request(), store, { graceMs: 0 })).toMatchObject({ removed: 1 });
    expect(await listBlobs(request(), content)).toHaveLength(0);
  });
});
