import { memory } from "@bulkhead/backend-memory";
import { isFileError, parseVirtualPath, type VirtualPath } from "@bulkhead/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MountTable } from "./mount-table.ts";
import type { Mount } from "./mount.ts";

const at = (raw: string): VirtualPath => parseVirtualPath(raw);
const backend = memory();
const mount = (path: string, more: Partial<Mount> = {}): Mount => ({
  id: path,
  path: at(path),
  backend,
  ...more,
});
const refused = (make: () => unknown): boolean => {
  try {
    make();
    return false;
  } catch (error) {
    return isFileError(error, "invalid-request");
  }
};

describe("MountTable", () => {
  it("finds the nearest mount point and what lies below it", () => {
    const table = MountTable.of([mount("/"), mount("/a"), mount("/a/b/c")]);
    const found = (raw: string): readonly [string, string] => {
      const { mount: m, path } = table.resolve(at(raw));
      return [m.id, path];
    };
    expect(found("/")).toEqual(["/", ""]);
    expect(found("/ab/x")).toEqual(["/", "ab/x"]);
    expect(found("/a")).toEqual(["/a", ""]);
    expect(found("/a/b/x")).toEqual(["/a", "b/x"]);
    expect(found("/a/b/c/d/e")).toEqual(["/a/b/c", "d/e"]);
  });

  it("says where in the tree something inside a mount is, unless another mount hides it", () => {
    const table = MountTable.of([
      mount("/"),
      mount("/a/b"),
      mount("/a/b", { id: "above", priority: 1 }),
    ]);
    expect(table.placeOf("/", ["a", "x"])).toBe("/a/x");
    expect(table.placeOf("/", [])).toBe("/");
    expect(table.placeOf("/", ["a", "b", "x"])).toBeUndefined();
    expect(table.placeOf("above", ["x", "y"])).toBe("/a/b/x/y");
    expect(table.placeOf("/a/b", ["x"])).toBeUndefined();
    expect(table.placeOf("gone", ["x"])).toBeUndefined();
  });

  it("agrees with a search through all mounts", () => {
    const path = fc
      .array(fc.constantFrom("a", "b", "ab"), { maxLength: 4 })
      .map((names) => at(`/${names.join("/")}`));
    fc.assert(
      fc.property(
        fc.uniqueArray(path, { maxLength: 6 }),
        fc.uniqueArray(path, { maxLength: 3 }),
        path,
        (points, gone, asked) => {
          const table = MountTable.of(points.map((p) => mount(p))).without(gone);
          const left = points.filter((p) => !gone.includes(p));
          const holds = (p: string): boolean =>
            p === "/" || asked === p || asked.startsWith(`${p}/`);
          const best = left.filter(holds).sort((a, b) => b.length - a.length)[0];
          const found = best === undefined ? undefined : table.resolve(asked).mount.path;
          expect(found).toBe(best);
          const prefix = asked === "/" ? "/" : `${asked}/`;
          const lead = left
            .filter((p) => p !== asked && p.startsWith(prefix))
            .map((p) => p.slice(prefix.length).split("/")[0]);
          expect(table.mountNamesBelow(asked)).toEqual(
            [...new Set(lead)].sort((x, y) => (`${x}/` < `${y}/` ? -1 : 1)),
          );
          expect(table.isAncestorOfMount(asked)).toBe(lead.length > 0);
          expect(table.size).toBe(left.length);
        },
      ),
    );
  });

  it("breaks a tie at one point by priority, and only there", () => {
    const table = MountTable.of([
      mount("/a", { id: "low", priority: 1 }),
      mount("/a", { id: "high", priority: 2 }),
      mount("/", { id: "root", priority: 9 }),
    ]);
    expect(table.resolve(at("/a/x")).mount.id).toBe("high");
    expect([...table.mounts()].map((m) => m.id)).toContain("low");
    expect(refused(() => table.with([mount("/a", { id: "again", priority: 2 })]))).toBe(true);
    expect(refused(() => MountTable.of([mount("/a"), mount("/a", { id: "b" })]))).toBe(true);
    expect(refused(() => MountTable.of([mount("/a"), mount("/b", { id: "/a" })]))).toBe(true);
  });

  it("refuses storage roots that are shared or nested, by segments", () => {
    const roots = (...all: readonly string[]): boolean =>
      refused(() => MountTable.of(all.map((storageRoot, i) => mount(`/${i}`, { storageRoot }))));
    expect(roots("local/data/a", "local/data/ab")).toBe(false);
    expect(roots("local/data/a", "local/data/a/")).toBe(true);
    expect(roots("local/data/a/b", "local/data/a")).toBe(true);
    expect(roots("local/data/a", "local/data/a/b/c")).toBe(true);
    expect(roots("/", "/data")).toBe(true);
    const one = mount("/x", { storageRoot: "local/d/x" });
    const table = MountTable.of([one]).without([at("/x")]);
    expect(refused(() => table.with([mount("/y", { storageRoot: "local/d" })]))).toBe(false);
    expect(
      refused(() => MountTable.of([one]).with([mount("/y", { storageRoot: "local/d" })])),
    ).toBe(true);
  });

  it("refuses the reserved name first inside a mount, and no other", () => {
    const table = MountTable.of([mount("/"), mount("/a")]);
    for (const raw of ["/.bulkhead", "/.bulkhead/x", "/a/.bulkhead"])
      expect(() => table.resolve(at(raw))).toThrow(
        expect.objectContaining({ code: "invalid-path" }),
      );
    expect(table.resolve(at("/a/b/.bulkhead")).path).toBe("b/.bulkhead");
    expect(table.resolve(at("/a/.bulkhead2")).path).toBe(".bulkhead2");
    expect(refused(() => MountTable.of([mount("/a/.bulkhead/b")]))).toBe(true);
  });

  it("leaves the table as it was", () => {
    const before = MountTable.of([mount("/a/b")]);
    before.with([mount("/a/c")]);
    before.without([at("/a/b")]);
    expect(before.mountNamesBelow(at("/a"))).toEqual(["b"]);
    expect(before.mountNamesBelow(at("/"))).toEqual(["a"]);
    expect(() => before.resolve(at("/x"))).toThrow(expect.objectContaining({ code: "not-found" }));
  });

  it("holds 20,000 mounts", () => {
    const all = Array.from({ length: 20_000 }, (_, i) =>
      mount(`/workspace/t${i}`, { storageRoot: `local/t/${i}` }),
    );
    const table = MountTable.of(all);
    expect(table.mountNamesBelow(at("/workspace"))).toHaveLength(20_000);
    for (let i = 0; i < 20_000; i += 17)
      expect(table.resolve(at(`/workspace/t${i}/d/f`)).mount).toBe(all[i]);
    const fewer = table.without(all.slice(0, 19_999).map((m) => m.path));
    expect(fewer.mountNamesBelow(at("/workspace"))).toEqual(["t19999"]);
    expect(fewer.size).toBe(1);
    expect(fewer.without([at("/workspace/t19999")]).isAncestorOfMount(at("/"))).toBe(false);
  });
});
