import { query } from "@bulkhead/harness";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { postgres, type PostgresOptions } from "./postgres.ts";
import { emptied, sharedDatabase } from "./test/shared-database.ts";
import { at, codeOf, ctx, gate, get, put, tree } from "./test/tools.ts";

let url: string;
beforeEach(async () => {
  url = await emptied(await sharedDatabase());
});

const open = (options: Partial<PostgresOptions> = {}) => {
  const backend = postgres({ url, ...options });
  onTestFinished(() => backend.close());
  return backend;
};

const tally = (codes: readonly unknown[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const code of codes) counts[String(code)] = (counts[String(code)] ?? 0) + 1;
  return counts;
};

describe("two processes on one tenant's database", () => {
  it("let one of several creations, conditional writes, and moves win", async () => {
    const both = [open(), open()];
    const racing = (run: (backend: ReturnType<typeof open>, i: number) => Promise<unknown>) =>
      Promise.all([0, 1, 2, 3, 4, 5].map((i) => codeOf(run(both[i % 2] ?? open(), i))));
    const slowly = () => ctx(() => new Promise((resolve) => setTimeout(resolve, 5)));
    const created = await racing((backend, i) =>
      backend.write(
        slowly(),
        at("n/f"),
        {
          size: 1,
          replayable: true,
          open: async function* () {
            yield new Uint8Array([48 + i]);
          },
        },
        { mode: "create" },
      ),
    );
    expect(tally(created)).toEqual({ resolved: 1, "already-exists": 5 });
    const { etag = "" } = await open().stat(ctx(), at("n/f"));
    const removed = await racing((backend) =>
      backend.remove(slowly(), at("n/f"), { ifMatch: etag }),
    );
    expect(tally(removed)).toEqual({ resolved: 1, "not-found": 5 });
    await put(open(), "m", "x");
    const moved = await racing((backend, i) => backend.move(slowly(), at("m"), at(`t/${i}`)));
    expect(tally(moved)).toEqual({ resolved: 1, "not-found": 5 });
    const made = await racing((backend) => backend.mkdir(slowly(), at("t/dir")));
    expect(tally(made)).toEqual({ resolved: 1, "already-exists": 5 });
  });

  it("say exactly what each overwrite replaced", async () => {
    const both = [open(), open()];
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => put(both[i % 2] ?? open(), "f", "x".repeat(i + 1))),
    );
    const added = answers.reduce((sum, one) => sum + one.size - (one.replaced?.size ?? 0), 0);
    expect(added).toBe((await open().stat(ctx(), at("f"))).size);
    expect(answers.filter((one) => one.created)).toHaveLength(1);
  });

  it("make one directory where both need it, and never a file and a directory of one name", async () => {
    const both = [open(), open()];
    for (let round = 0; round < 8; round++) {
      const dir = `d${round}`;
      const codes = await Promise.all([
        codeOf(put(both[0] ?? open(), `${dir}/a`, "1")),
        codeOf(put(both[1] ?? open(), `${dir}/b`, "2")),
        codeOf(put(both[0] ?? open(), dir, "file")),
        codeOf(both[1]?.mkdir(ctx(), at(dir)) ?? Promise.resolve()),
      ]);
      const names = await query(
        url,
        "select directory from bulkhead.node where parent = 0 and name = $1",
        [dir],
      );
      expect(names).toHaveLength(1);
      const isFile = names[0]?.["directory"] === false;
      expect(codes).toEqual(
        isFile
          ? ["not-directory", "not-directory", "resolved", "already-exists"]
          : [
              "resolved",
              "resolved",
              "is-directory",
              expect.stringMatching(/resolved|already-exists/),
            ],
      );
    }
  });

  it("count exactly what a removal takes from under the other's writers", async () => {
    const [one, other] = [open(), open()];
    for (let round = 0; round < 6; round++) {
      await put(one, "d/seed", "12345");
      const asked = gate();
      const removal = one.remove(
        ctx(async () => (asked.open(), new Promise((resolve) => setTimeout(resolve, 10)))),
        at("d"),
        { recursive: true },
      );
      await asked.passed;
      const writes = [0, 1, 2].map((i) => put(other, `d/s${i}/f`, "x".repeat(i + 1)));
      const written = await Promise.all(writes);
      const removed = await removal;
      const added = written.reduce((sum, answer) => sum + answer.size, 5);
      const stored = Object.values(await tree(one))
        .filter((text) => text !== null)
        .join("").length;
      expect("bytes" in removed && added - removed.bytes).toBe(stored);
      await one.remove(ctx(), at(""), { recursive: true });
    }
    expect(
      await query(
        url,
        "select from bulkhead.node n where parent is not null and not exists (select from bulkhead.node p where p.id = n.parent and p.directory)",
      ),
    ).toEqual([]);
  });

  it("collect beside each other and beside writers, taking nothing that is in use", async () => {
    const [one, other] = [open({ graceMs: 0 }), open({ graceMs: 0 })];
    await put(one, "seed", "seed");
    const work = Array.from({ length: 12 }, async (_, i) => {
      await put(i % 2 === 0 ? one : other, `f${i % 4}`, `content ${i}`);
      await one.copy(ctx(), at("seed"), at(`copy${i}`)).catch(() => undefined);
      await (i % 2 === 0 ? other : one).sweep(ctx());
    });
    await Promise.all(work);
    for (let i = 0; i < 12; i++) expect(await get(other, `copy${i}`)).toBe("seed");
    for (let i = 0; i < 4; i++) expect(await get(one, `f${i}`)).toMatch(/^content \d+$/);
    await one.sweep(ctx());
    expect(
      await query(
        url,
        "select from bulkhead.blob b where not exists (select from bulkhead.node where blob = b.id)",
      ),
    ).toEqual([]);
  });
});

describe("trees", () => {
  it("are renamed as one row, whatever is in them", async () => {
    const backend = open();
    for (let i = 0; i < 10; i++) await put(backend, `d/s/f${i}`, "x");
    const rows = "select id, parent, name, xmin::text from bulkhead.node order by id";
    const before = await query(url, rows);
    await backend.move(ctx(), at("d"), at("e"));
    const after = await query(url, rows);
    expect(after.filter((row, i) => row["xmin"] !== before[i]?.["xmin"])).toHaveLength(1);
    expect(await get(backend, "e/s/f9")).toBe("x");
  });

  it("are copied and removed up to a bound, and refused beyond it before a commit is asked for", async () => {
    const backend = open({ maxTreeEntries: 4 });
    for (const name of ["d/a", "d/b", "d/s/c"]) await put(backend, name, "12");
    expect(await backend.copy(ctx(), at("d"), at("e"))).toEqual({ files: 3, bytes: 6 });
    await put(backend, "d/over", "1");
    let commits = 0;
    const context = ctx(async () => void (commits += 1));
    for (const attempt of [
      () => backend.copy(context, at("d"), at("f")),
      () => backend.remove(context, at("d"), { recursive: true }),
      () => backend.remove(context, at(""), { recursive: true }),
    ])
      await expect(attempt()).rejects.toMatchObject({ code: "too-large", fields: { limit: 4 } });
    expect(commits).toBe(0);
    await backend.move(ctx(), at("d"), at("f"));
    await backend.remove(ctx(), at("f/over"));
    expect(await backend.remove(ctx(), at("f"), { recursive: true })).toEqual({
      files: 3,
      bytes: 6,
    });
    expect(await get(backend, "e/s/c")).toBe("12");
  });

  it("are listed after any text", async () => {
    const backend = open();
    for (const name of ["a", "b", "\u{1f600}"]) await put(backend, name, "x");
    const names = async (after: string) =>
      (await backend.list(ctx(), at(""), { after })).entries.map((entry) => entry.name);
    expect(await names("a\u0000z")).toEqual(["b", "\u{1f600}"]);
    expect(await names("\u0000")).toEqual(["a", "b", "\u{1f600}"]);
    expect(await names("b\ud800")).toEqual(["\u{1f600}"]);
  });

  it("refuse what no text of the database holds as the caller's fault", async () => {
    const backend = open();
    const bad = { size: 0, replayable: true, open: async function* () {} };
    expect(await codeOf(backend.write(ctx(), at("f"), bad, { metadata: { k: "a\u0000b" } }))).toBe(
      "invalid-request",
    );
    expect(await codeOf(backend.write(ctx(), at("f"), bad, { contentType: "a\u0000" }))).toBe(
      "invalid-request",
    );
    expect(await codeOf(backend.write(ctx(), at("f"), bad, { mode: { ifMatch: "\u0000" } }))).toBe(
      "precondition-failed",
    );
    expect(await tree(backend)).toEqual({});
  });
});
