import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type ListingBounds, listingBounds, listings } from "./listings.ts";
import { local } from "./local.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { observed } from "./test/observed.ts";
import { at, ctx, put, scratch } from "./test/scratch.ts";

const stat = {
  kind: "directory",
  ino: 1n,
  size: 0,
  mtimeNs: 1n,
  ctimeNs: 1n,
  birthtimeNs: 1n,
} as const;
const keys = (count: number): string[] => Array.from({ length: count }, (_, i) => `key-${i}`);
const fill = async (bounds: Partial<ListingBounds>) => {
  const kept = listings({ ...listingBounds, ...bounds });
  for (let i = 0; i < 50; i++)
    await kept.load(
      at(`d${i}`),
      stat,
      async () => keys(100),
      () => true,
    );
  return kept;
};

describe("what is kept of listings", () => {
  it("is bounded in listings, in bytes and in time", async () => {
    expect((await fill({})).usage().listings).toBe(50);
    expect((await fill({ listings: 7 })).usage().listings).toBe(7);
    const small = (await fill({ bytes: 20_000 })).usage();
    expect(small.listings).toBeGreaterThan(0);
    expect(small.bytes).toBeLessThanOrEqual(20_000);
    const one = listings({ ...listingBounds, bytes: 1000 });
    expect(
      await one.load(
        at("d"),
        stat,
        async () => keys(1000),
        () => true,
      ),
    ).toHaveLength(1000);
    expect(one.usage().listings).toBe(0);

    const brief = await fill({ milliseconds: 50 });
    await sleep(120);
    expect(brief.get(at("d1"), stat)).toBeUndefined();
    expect(listingBounds.milliseconds).toBe(60_000);
  });

  it("is not what another state of the directory had", async () => {
    const kept = await fill({});
    expect(kept.get(at("d1"), stat)).toHaveLength(100);
    for (const other of [{ ino: 2n }, { mtimeNs: 2n }, { ctimeNs: 2n }])
      expect(kept.get(at("d1"), { ...stat, ...other })).toBeUndefined();
    kept.forget(at("d1"));
    expect(kept.get(at("d1"), stat)).toBeUndefined();
  });

  it("is not what was read while the directory changed", async () => {
    const kept = listings();
    const read = async (): Promise<string[]> => {
      kept.forget(at("d"));
      return keys(10);
    };
    await kept.load(at("d"), stat, read, () => true);
    expect(kept.usage().listings).toBe(0);
  });
});

describe("paging", () => {
  it("reads a directory once, and again only when it changed", async () => {
    const root = await scratch();
    let reads = 0;
    let stats = 0;
    const fs = observed(nodeFileSystem, (call, path) => {
      if (call === "readdir" && path === root) reads += 1;
      if (call === "lstat") stats += 1;
    });
    const backend = await local({ root, fs, durability: "relaxed" });
    for (let i = 10; i < 60; i++) await writeFile(join(root, `f${i}`), "x");
    // A coarse clock has to move on before the directory looks settled.
    reads = 0;
    const seen: string[] = [];
    let after: string | undefined;
    do {
      stats = 0;
      const page = await backend.list(ctx(), at(""), {
        limit: 7,
        ...(after !== undefined && { after }),
      });
      expect(stats).toBeLessThanOrEqual(7 + 1);
      seen.push(...page.entries.map((entry) => entry.name));
      after = page.next;
    } while (after !== undefined);
    expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => `f${i + 10}`));
    expect(reads).toBe(1);

    const first = await backend.list(ctx(), at(""), { limit: 10 });
    expect(reads).toBe(2);
    const next = first.next ?? "";
    await put(backend, "f19a", "new");
    const second = await backend.list(ctx(), at(""), { limit: 2, after: next });
    expect(second.entries.map((entry) => entry.name)).toEqual(["f19a", "f20"]);
    for (const change of [
      () => backend.mkdir(ctx(), at("f19b")),
      () => backend.move(ctx(), at("f59"), at("f19c")),
      () => backend.copy(ctx(), at("f58"), at("f19d")),
      () => backend.remove(ctx(), at("f19a")),
      () => backend.remove(ctx(), at("f19b")),
    ]) {
      await backend.list(ctx(), at(""), { limit: 1 });
      await change();
    }
    const last = await backend.list(ctx(), at(""), { limit: 3, after: next });
    expect(last.entries.map((entry) => entry.name)).toEqual(["f19c", "f19d", "f20"]);
  });

  it("leaves out what went between names and stats, and fills the page with what follows", async () => {
    const root = await scratch();
    const gone = new Set<string>();
    const fs = observed(nodeFileSystem, (call, path) => {
      if (call === "lstat" && path !== undefined && gone.has(path))
        throw Object.assign(new Error("gone"), { code: "ENOENT" });
    });
    const backend = await local({ root, fs, durability: "relaxed" });
    for (const name of ["a", "b", "c", "d"]) await put(backend, name, name);
    gone.add(join(root, "a")).add(join(root, "b"));
    const page = await backend.list(ctx(), at(""), { limit: 1 });
    expect(page.entries.map((entry) => entry.name)).toEqual(["c"]);
    expect(page.next).toBe("c");
  });
});
