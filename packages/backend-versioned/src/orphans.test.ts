import { type Backend, FileError } from "@bulkhead/contract";
import { memory } from "@bulkhead/backend-memory";
import { overrideBackend, plainContext, streamBody } from "@bulkhead/kit";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { collect, type CollectOptions } from "./collect.ts";
import type { LedgerCommit } from "./ledger-commit.ts";
import { listBlobs } from "./list-blobs.ts";
import { placeOf } from "./place.ts";
import { scrub } from "./scrub.ts";
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
import { versioned } from "./versioned.ts";

const ledger = await testLedger();
afterAll(() => ledger[Symbol.asyncDispose]());

let tenant: TestTenant;
let content: Backend;
beforeEach(async () => {
  tenant = await testTenant(ledger.ledger);
  content = memory();
});

const big = pattern(20_000);
const hour = 3_600_000;

const collected = (options: Partial<CollectOptions> = {}, over = content, later = 0) =>
  collect(
    plainContext({ now: Date.now() + later }),
    { store: tenant.tree.content, content: over, ledger: ledger.ledger.trees },
    { graceMs: 0, ...options },
  );

const blobRows = (): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  ledger.sql(
    "select id, refs::int, lease is null or lease <= bulkhead.now() as lapsed from bulkhead.blob where tree = $1",
    [tenant.tree.id],
  );

const lapse = (): Promise<unknown> =>
  ledger.sql(
    "update bulkhead.blob set lease = bulkhead.now() - interval '1 second' where lease is not null",
  );

/** The process is gone: nothing after this happens, and nobody cleans up. */
class Killed extends Error {}

/** A ledger and a storage that a process stops calling before or after its n-th call. */
const killing = (n: number, when: "before" | "after") => {
  let calls = 0;
  let dead = false;
  const steps: string[] = [];
  const step =
    <A extends readonly unknown[], R>(
      name: string,
      call: (...args: A) => Promise<R>,
    ): ((...args: A) => Promise<R>) =>
    async (...args) => {
      if (dead) throw new Killed();
      calls += 1;
      steps.push(name);
      if (calls < n) return call(...args);
      if (when === "after") await call(...args);
      dead = true;
      throw new Killed();
    };
  const { trees } = ledger.ledger;
  const through: LedgerCommit = {
    ...trees,
    openBlob: step("openBlob", trees.openBlob),
    write: step("write", trees.write),
    discardBlob: step("discardBlob", trees.discardBlob),
    forgetBlob: step("forgetBlob", trees.forgetBlob),
  };
  const store = overrideBackend(content, {
    write: step("content", content.write),
    remove: step("bytes", content.remove),
  });
  return { steps, backend: versioned({ tree: tenant.tree, content: store, ledger: through }) };
};

describe("killed", () => {
  const points = [1, 2, 3].flatMap((n) =>
    (["before", "after"] as const).map((when) => [when, n] as const),
  );
  test.each(points)(
    "%s call %i of a large write: old or new, and the rest is collected",
    async (when, n) => {
      await put(tenant.open(content), "f", "old");
      const { backend, steps } = killing(n, when);
      await expect(put(backend, "f", big)).rejects.toBeInstanceOf(Killed);
      expect(steps).toEqual(["openBlob", "content", "write"].slice(0, n));
      const next = tenant.open(content);
      const done = n === 3 && when === "after";
      if (done) expect(Buffer.compare(await bytesAt(next, "f"), big)).toBe(0);
      else expect(await textAt(next, "f")).toBe("old");

      // While the lease lives, the collector leaves all of it alone.
      const before = await blobRows();
      await collected({ graceMs: hour });
      expect(await blobRows()).toEqual(before);
      const there = (await listBlobs(request(), content)).length;
      await lapse();
      expect(await collected({ graceMs: hour })).toMatchObject({ removed: 0 });
      expect(await listBlobs(request(), content)).toHaveLength(there);
      await collected();
      expect(await blobRows()).toHaveLength(done ? 1 : 0);
      expect(await listBlobs(request(), content)).toHaveLength(done ? 1 : 0);
      expect(await ledger.sql("select 1 from bulkhead.blob_tombstone")).toEqual([]);
      if (done) expect(Buffer.compare(await bytesAt(next, "f"), big)).toBe(0);
      const { counted, found } = await ledger.ledger.trees.recount(tenant.uid);
      expect(counted).toEqual(found);
    },
  );

  test.each([
    [2, ["discardBlob", "bytes"]],
    [3, ["discardBlob", "bytes", "forgetBlob"]],
  ] as const)("while a failed write is discarded, %i calls in", async (n, last) => {
    // The first two calls are the opening and the storing.
    const { backend, steps } = killing(2 + n, "before");
    const body = streamBody(
      (async function* () {
        yield big;
        throw new Error("the sender failed");
      })(),
    );
    await expect(backend.write(request(), at("f"), body)).rejects.toThrow("the sender failed");
    expect(steps).toEqual(["openBlob", "content", ...last]);
    expect(await ledger.sql("select 1 from bulkhead.blob_tombstone")).toHaveLength(1);
    await collected();
    expect(await ledger.sql("select 1 from bulkhead.blob_tombstone")).toEqual([]);
    expect(await listBlobs(request(), content)).toEqual([]);
  });

  test("A commit whose answer was lost keeps its blob", async () => {
    const { trees } = ledger.ledger;
    const lost = new FileError("unavailable", "The answer was lost.");
    const backend = versioned({
      tree: tenant.tree,
      content,
      ledger: {
        ...trees,
        write: async (tree, commit) => {
          await trees.write(tree, commit);
          throw lost;
        },
      },
    });
    await expect(put(backend, "f", big)).rejects.toBe(lost);
    expect(Buffer.compare(await bytesAt(backend, "f"), big)).toBe(0);
    await lapse();
    await collected();
    expect(Buffer.compare(await bytesAt(backend, "f"), big)).toBe(0);
  });
});

describe("refused", () => {
  test.each([
    ["a commit", async (backend: Backend) => put(backend, "f", big, { mode: "create" })],
    [
      "the body",
      async (backend: Backend) =>
        backend.write(
          request(),
          at("f"),
          streamBody(
            (async function* () {
              yield big;
              throw new FileError("timeout", "The sender was slow.");
            })(),
          ),
        ),
    ],
    [
      "the size",
      async (backend: Backend) =>
        backend.write(
          request(),
          at("f"),
          streamBody(
            (async function* () {
              yield big;
            })(),
            30_000,
          ),
        ),
    ],
  ] as const)("By %s: neither row nor bytes are left", async (_, call) => {
    await put(tenant.open(content), "f", "old");
    await expect(call(tenant.open(content))).rejects.toBeInstanceOf(FileError);
    expect(await blobRows()).toEqual([]);
    expect(await listBlobs(request(), content)).toEqual([]);
    expect(await textAt(tenant.open(content), "f")).toBe("old");
  });

  test("A body is let go before its end where its place is refused", async () => {
    await put(tenant.open(content), "f", "old");
    let pulled = 0;
    let ended = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (; ; pulled++) yield big;
      } finally {
        ended = true;
      }
    }
    await expect(
      tenant.open(content).write(request(), at("f/below"), streamBody(endless())),
    ).rejects.toMatchObject({ code: "not-directory" });
    await vi.waitFor(() => expect(ended).toBe(true));
    expect(pulled).toBeLessThan(3);
  });
});

describe("leases", () => {
  test("A slow upload keeps its lease, and the collector leaves it alone", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    try {
      const backend = tenant.open(content);
      const gate = Promise.withResolvers<void>();
      const body = streamBody(
        (async function* () {
          yield big;
          await gate.promise;
          yield big;
        })(),
      );
      const writing = backend.write(request(), at("f"), body);
      await vi.waitFor(async () => expect(await blobRows()).toHaveLength(1));
      for (let i = 0; i < 3; i++) {
        await lapse();
        await vi.advanceTimersByTimeAsync(20_000);
        await vi.waitFor(async () => expect(await blobRows()).toMatchObject([{ lapsed: false }]));
        expect(await collected()).toMatchObject({ buried: 0, removed: 0 });
      }
      gate.resolve();
      expect(await writing).toMatchObject({ size: 40_000 });
    } finally {
      vi.useRealTimers();
    }
  });

  test("An upload whose row was taken is refused at its commit, and leaves nothing", async () => {
    const backend = tenant.open(content);
    const body = streamBody(
      (async function* () {
        yield big;
        await vi.waitFor(async () => expect(await blobRows()).toHaveLength(1));
        await lapse();
        await collected();
        yield big;
      })(),
    );
    await expect(backend.write(request(), at("f"), body)).rejects.toMatchObject({
      code: "unavailable",
      retry: "safe",
    });
    await collected();
    expect(await listBlobs(request(), content)).toEqual([]);
  });
});

describe("collecting", () => {
  const stranded = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++)
      await content.write(
        plainContext(),
        placeOf(`0${i % 10}000000-0000-4000-8000-${String(i).padStart(12, "0")}`),
        {
          size: 1,
          replayable: true,
          open: async function* () {
            yield new Uint8Array(1);
          },
        },
      );
  };

  test("Bytes of no row go once they are older than the grace, and other files stay", async () => {
    await put(tenant.open(content), "f", big);
    await stranded(3);
    await content.write(plainContext(), at("00/readme"), {
      size: 0,
      replayable: true,
      open: async function* () {},
    });
    expect(await collected({ graceMs: hour })).toEqual({ buried: 0, removed: 0, unknown: 0 });
    expect(await collected({ graceMs: hour, dryRun: true }, content, 2 * hour)).toEqual({
      buried: 0,
      removed: 3,
      unknown: 3,
    });
    expect(await listBlobs(request(), content)).toHaveLength(4);
    expect(await collected({ graceMs: hour }, content, 2 * hour)).toMatchObject({ unknown: 3 });
    expect(await listBlobs(request(), content)).toHaveLength(1);
    expect((await content.stat(request(), at("00/readme"))).kind).toBe("file");
    expect(Buffer.compare(await bytesAt(tenant.open(content), "f"), big)).toBe(0);
  });

  test("Its brake holds before anything is taken, and lets go when told to", async () => {
    for (let i = 0; i < 10; i++) await put(tenant.open(content), `f${i}`, big);
    await stranded(17);
    await expect(collected({}, content, hour)).rejects.toMatchObject({
      code: "conflict",
      retry: "never",
    });
    expect(await listBlobs(request(), content)).toHaveLength(27);
    expect(await collected({ maxShare: 0.7 }, content, hour)).toMatchObject({ removed: 17 });
    expect(await listBlobs(request(), content)).toHaveLength(10);
  });

  test("A storage that cannot list, or shows another folder, is left alone", async () => {
    await put(tenant.open(content), "f", big);
    await put(tenant.open(content), "gone", big);
    await stranded(1);
    await ledger.sql(
      "update bulkhead.blob set refs = 0 where id in (select v.blob from bulkhead.node_version v where v.n = 2 and v.tree = $1)",
      [tenant.tree.id],
    );
    const blind = overrideBackend(content, {
      list: () => Promise.reject(new FileError("forbidden", "Listing is not allowed.")),
    });
    await expect(collected({}, blind, hour)).rejects.toMatchObject({ code: "forbidden" });
    await expect(collected({}, memory(), hour)).rejects.toMatchObject({ code: "conflict" });
    expect(await blobRows()).toHaveLength(2);
    expect(await listBlobs(request(), content)).toHaveLength(3);
  });

  test(
    "Live content is never collected while writers, copies and removals go on",
    { timeout: 60_000 },
    async () => {
      const backend = tenant.open(content);
      let over = false;
      const collecting = (async () => {
        while (!over) {
          await ledger.ledger.trees.prune(tenant.tree, 1e12, 1);
          await collected({ maxShare: 1 });
        }
      })();
      const writers = Array.from({ length: 4 }, async (_, w) => {
        for (let i = 0; i < 12; i++) {
          await put(backend, `w${w}/f${i % 3}`, pattern(17_000 + i, w * 100 + i + 1));
          if (i % 4 === 3) {
            await backend.copy(request(), at(`w${w}`), at(`c${w}-${i}`));
            await backend.remove(request(), at(`w${w}/f0`));
          }
        }
      });
      await Promise.all(writers);
      over = true;
      await collecting;
      await lapse();
      await collected({ maxShare: 1 });
      const store = { store: tenant.tree.content, content, ledger: ledger.ledger.trees };
      expect((await scrub(request(), store)).damaged).toEqual([]);
      for (let w = 0; w < 4; w++)
        expect((await bytesAt(backend, `c${w}-11/f2`)).length).toBeGreaterThan(17_000);
      // As many blobs as there are rows on which something stands, and no reference too many.
      const counts = await ledger.sql(
        `select count(*)::int as blobs, sum(b.refs - (select count(*) from bulkhead.node_version v where v.blob = b.id))::int as drift
       from bulkhead.blob b where b.tree = $1`,
        [tenant.tree.id],
      );
      expect(counts).toMatchObject([
        { drift: 0, blobs: (await listBlobs(request(), content)).length },
      ]);
    },
  );

  test("A tree that is dropped leaves nothing, its blobs to the collector", async () => {
    const backend = tenant.open(content);
    await put(backend, "d/f", big);
    await put(backend, "d/f", "two");
    await backend.copy(request(), at("d"), at("e"));
    await put(backend, "g", big);
    await ledger.ledger.trees.drop(`root:${tenant.uid}`);
    for (const table of ["tree", "node", "node_version"])
      expect(
        await ledger.sql(`select 1 from bulkhead.${table} where tenant = $1`, [tenant.uid]),
      ).toEqual([]);
    expect((await ledger.ledger.trees.recount(tenant.uid)).counted).toEqual({
      bytes: 0,
      files: 0,
      versionBytes: 0,
    });
    await expect(put(backend, "f", "x")).rejects.toMatchObject({ code: "not-found" });
    await expect(put(backend, "f", big)).rejects.toMatchObject({ code: "not-found" });
    await collected();
    expect(await listBlobs(request(), content)).toEqual([]);
    await ledger.ledger.trees.drop(`root:${tenant.uid}`);
  });
});
