import { query } from "@bulkhead/harness";
import { chunksOf, collect, streamBody } from "@bulkhead/kit";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { PoolsOptions } from "./pools-types.ts";
import { postgres, type PostgresBackend, type PostgresOptions } from "./postgres.ts";
import { observedPools } from "./test/observed.ts";
import { emptied, sharedDatabase } from "./test/shared-database.ts";
import { at, bytesOf, codeOf, ctx, gate, get, pattern, put } from "./test/tools.ts";

const kib256 = 262_144;
let url: string;
beforeEach(async () => {
  url = await emptied(await sharedDatabase());
});

const open = (options: Partial<PostgresOptions> = {}, bounds: PoolsOptions = {}) => {
  const names: string[] = [];
  const pools = observedPools((name, go) => (names.push(name), go()), bounds);
  const backend = postgres({ url, pools, ...options });
  onTestFinished(async () => {
    await backend.close();
    await pools.close();
  });
  return { backend, pools, names };
};

const count = async (table: string, where = "true"): Promise<number> =>
  Number(
    (await query(url, `select count(*) as n from bulkhead.${table} where ${where}`))[0]?.["n"],
  );

describe("parts of content", () => {
  it.each([
    [0, 0],
    [1, 1],
    [kib256 - 1, 1],
    [kib256, 1],
    [kib256 + 1, 2],
    [2 * kib256, 2],
    [9 * kib256 + 5, 10],
  ])("keeps %i bytes in %i rows", async (size, rows) => {
    const { backend } = open();
    const bytes = pattern(size, size + 1);
    await put(backend, "f", bytes);
    expect(await count("chunk")).toBe(rows);
    expect(Buffer.compare(await bytesOf(backend, "f"), bytes)).toBe(0);
    expect((await backend.stat(ctx(), at("f"))).size).toBe(size);
  });

  it("cuts parts at the same places however the body comes", async () => {
    const { backend } = open();
    const bytes = pattern(kib256 + 77);
    async function* odd(): AsyncGenerator<Uint8Array> {
      for (let from = 0; from < bytes.length; from += 70_001)
        yield bytes.subarray(from, Math.min(from + 70_001, bytes.length));
    }
    await backend.write(ctx(), at("f"), streamBody(odd()));
    const lengths = await query(url, "select length(bytes) as n from bulkhead.chunk order by part");
    expect(lengths.map((row) => row["n"])).toEqual([kib256, 77]);
    expect(Buffer.compare(await bytesOf(backend, "f"), bytes)).toBe(0);
  });

  it("reads ranges at the edges of parts", async () => {
    const { backend } = open();
    const bytes = pattern(6 * kib256 + 10);
    await put(backend, "f", bytes);
    for (const [start, end] of [
      [0, 0],
      [kib256 - 1, kib256],
      [kib256, 2 * kib256 - 1],
      [2 * kib256 - 1, 6 * kib256 + 9],
      [6 * kib256, 6 * kib256],
    ] as const) {
      await using answer = await backend.read(ctx(), at("f"), { range: { start, end } });
      expect(Buffer.compare(await collect(answer.content), bytes.subarray(start, end + 1))).toBe(0);
    }
  });

  it("answers small content with its stat in one query, and writes it in three", async () => {
    const { backend, names } = open();
    await put(backend, "f", pattern(kib256));
    expect(names).toEqual(["stage", "judgeWrite", "write"]);
    names.length = 0;
    await bytesOf(backend, "f");
    expect(names).toEqual(["open"]);
    names.length = 0;
    await put(backend, "g", pattern(kib256 + 1));
    await bytesOf(backend, "g");
    expect(names).toEqual([
      "judgeWrite",
      "stage",
      "stage",
      "judgeWrite",
      "write",
      "open",
      "chunks",
    ]);
  });

  it("holds no connection while a sender or a reader is slow", async () => {
    const { backend, pools } = open();
    await put(backend, "f", pattern(9 * kib256));
    await using answer = await backend.read(ctx(), at("f"));
    const reading = chunksOf(answer.content)[Symbol.asyncIterator]();
    await reading.next();
    expect(pools.count().leased).toBe(0);
    const begun = gate();
    const goOn = gate();
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield pattern(2 * kib256);
      begun.open();
      await goOn.passed;
    }
    const writing = backend.write(ctx(), at("g"), streamBody(slow()));
    await begun.passed;
    await expect.poll(() => pools.count().leased).toBe(0);
    goOn.open();
    await writing;
  });
});

describe("content that is replaced", () => {
  const begin = async (backend: PostgresBackend) => {
    const before = pattern(20 * kib256, 3);
    await put(backend, "d/f", before);
    const answer = await backend.read(ctx(), at("d/f"));
    const reading = chunksOf(answer.content)[Symbol.asyncIterator]();
    const first = await reading.next();
    const rest = async (): Promise<Uint8Array> => {
      const parts = [first.value ?? new Uint8Array()];
      for (let step = await reading.next(); step.done !== true; step = await reading.next())
        parts.push(step.value);
      return Buffer.concat(parts);
    };
    return { before, rest };
  };

  it.each([
    ["overwritten", (backend: PostgresBackend) => put(backend, "d/f", "new")],
    ["removed", (backend: PostgresBackend) => backend.remove(ctx(), at("d/f"))],
    [
      "removed with its directory",
      (backend: PostgresBackend) => backend.remove(ctx(), at("d"), { recursive: true }),
    ],
  ])("is read to its end by who had begun when it was %s", async (_name, change) => {
    const { backend } = open();
    const { before, rest } = await begin(backend);
    await change(backend);
    await backend.sweep(ctx());
    expect(Buffer.compare(await rest(), before)).toBe(0);
  });

  it("fails a reader loudly once it has been collected", async () => {
    const { backend } = open({ graceMs: 0 });
    const { rest } = await begin(backend);
    await put(backend, "d/f", "new");
    await backend.sweep(ctx());
    expect(await codeOf(rest())).toBe("conflict");
    expect(await get(backend, "d/f")).toBe("new");
    expect([await count("blob"), await count("chunk")]).toEqual([1, 1]);
  });

  it("stays for a slow reader beyond the grace", async () => {
    const { backend, names } = open({ graceMs: 600 });
    const { before, rest } = await begin(backend);
    await put(backend, "d/f", "new");
    await new Promise((resolve) => setTimeout(resolve, 300));
    const reading = rest();
    await reading;
    expect(names).toContain("keep");
    expect(await count("blob", "expires_at > now() + interval '250 ms'")).toBe(1);
    expect(Buffer.compare(await reading, before)).toBe(0);
  });

  it("is collected by whoever replaced it, after the grace", async () => {
    const { backend } = open({ graceMs: 0 });
    await put(backend, "f", "one");
    await put(backend, "f", "two");
    await expect.poll(() => count("blob"), { timeout: 8000 }).toBe(1);
    expect(await get(backend, "f")).toBe("two");
  });
});

describe("content that several files share", () => {
  it("is copied as a reference, and lives as long as one of them", async () => {
    const { backend } = open({ graceMs: 0 });
    await put(backend, "d/f", pattern(kib256 * 2));
    await backend.copy(ctx(), at("d"), at("e"));
    await backend.copy(ctx(), at("d/f"), at("g"));
    expect(await count("chunk")).toBe(2);
    await backend.remove(ctx(), at("d"), { recursive: true });
    await put(backend, "g", "other");
    await backend.sweep(ctx());
    expect(await count("blob")).toBe(2);
    expect(Buffer.compare(await bytesOf(backend, "e/f"), pattern(kib256 * 2))).toBe(0);
    await backend.remove(ctx(), at("e/f"));
    await backend.sweep(ctx());
    expect([await count("blob"), await count("chunk")]).toEqual([1, 1]);
  });
});

describe("content that never was published", () => {
  it("is gone when an upload fails, is refused, or is not granted", async () => {
    const { backend } = open();
    await put(backend, "f", "old");
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield pattern(kib256 * 3);
      throw new Error("gone");
    }
    await expect(backend.write(ctx(), at("f"), streamBody(failing()))).rejects.toThrow("gone");
    await expect(
      put(
        backend,
        "f",
        pattern(kib256 * 3),
        ctx(() => Promise.reject(new Error("no"))),
      ),
    ).rejects.toThrow("no");
    const { etag } = await backend.stat(ctx(), at("f"));
    const racing = ctx(async () => void (await put(backend, "f", "first")));
    await expect(
      backend.write(racing, at("f"), streamBody(chunksOf(pattern(kib256 * 3))), {
        mode: { ifMatch: etag ?? "" },
      }),
    ).rejects.toMatchObject({ code: "precondition-failed" });
    expect(await count("blob", "not published")).toBe(0);
    expect(await get(backend, "f")).toBe("first");
  });

  it("is collected once its lease has lapsed, and an upload that goes on then is refused", async () => {
    const { backend } = open({ leaseMs: 300 });
    const other = open().backend;
    async function* pausing(): AsyncGenerator<Uint8Array> {
      yield pattern(kib256 * 2 + 1);
      await new Promise((resolve) => setTimeout(resolve, 200));
      // Within the lease nothing is taken.
      await other.sweep(ctx());
      expect(await count("blob")).toBe(1);
      yield pattern(kib256);
      await new Promise((resolve) => setTimeout(resolve, 400));
      await other.sweep(ctx());
      expect([await count("blob"), await count("chunk")]).toEqual([0, 0]);
      yield pattern(kib256);
    }
    expect(await codeOf(backend.write(ctx(), at("f"), streamBody(pausing())))).toBe("conflict");
    expect(await codeOf(backend.stat(ctx(), at("f")))).toBe("not-found");
  });

  it("is collected however much there is of it", async () => {
    const { backend } = open();
    await put(backend, "f", "x");
    await query(
      url,
      "insert into bulkhead.blob (id, expires_at) select gen_random_uuid(), now() - interval '1 s' from generate_series(1, 230)",
    );
    const large =
      "insert into bulkhead.chunk select id, part, '' from (select id from bulkhead.blob where not published limit 1) as one, generate_series(0, 199) part";
    await query(url, large);
    await backend.sweep(ctx());
    expect([await count("blob"), await count("chunk")]).toEqual([1, 1]);
  });

  it("is refused where the lease lapses while the commit is asked for", async () => {
    const { backend } = open({ leaseMs: 100 });
    const late = ctx(() => new Promise((resolve) => setTimeout(resolve, 300)));
    expect(await codeOf(put(backend, "n/f", "x", late))).toBe("conflict");
    expect([await count("node"), await count("blob")]).toEqual([1, 0]);
  });
});
