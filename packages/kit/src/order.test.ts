import type { Stat } from "@bulkhead/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareEntries, compareUtf8, sortKey } from "./order.ts";
import { pageLimit, pageOf } from "./page.ts";

const file = (name: string): Stat => ({ name, kind: "file", size: 1, modifiedAt: 1 });
const directory = (name: string): Stat => ({ name, kind: "directory", size: 0, modifiedAt: 1 });
const edges = ["a", "é", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10fffe}", "/", "."];
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom(...edges), maxLength: 6 }),
);

describe("compareUtf8", () => {
  it("orders as the bytes do", () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareUtf8(a, b)) + 0).toBe(
          Buffer.compare(Buffer.from(a), Buffer.from(b)) + 0,
        );
      }),
      { numRuns: 2000 },
    );
    for (const a of edges)
      for (const b of edges)
        expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
  });

  it("counts a directory as its name with a slash", () => {
    expect(sortKey(directory("a"))).toBe("a/");
    const entries = [file("a0"), directory("a"), file("a"), file("a.b"), file("a-")];
    expect(entries.sort(compareEntries).map(sortKey)).toEqual(["a", "a-", "a.b", "a/", "a0"]);
  });
});

describe("pageOf", () => {
  const entries = fc
    .uniqueArray(fc.string({ unit: fc.constantFrom("a", "b", "."), minLength: 1, maxLength: 4 }), {
      maxLength: 30,
    })
    .map((names) =>
      names.map((name, i) => (i % 3 === 0 ? directory(name) : file(name))).sort(compareEntries),
    );

  it("gives every entry once, whatever the limit", () => {
    fc.assert(
      fc.property(entries, fc.integer({ min: 1, max: 31 }), (all, limit) => {
        const found: Stat[] = [];
        for (let after: string | undefined, more = true; more; more = after !== undefined) {
          const page = pageOf(all, { limit, ...(after !== undefined && { after }) });
          found.push(...page.entries);
          expect(page.entries.length === limit || page.next === undefined).toBe(true);
          after = page.next;
        }
        expect(found).toEqual(all);
      }),
    );
  });

  it("goes on behind any text, there or not", () => {
    fc.assert(
      fc.property(
        entries,
        fc.string({ unit: fc.constantFrom("a", "b", ".", "/") }),
        (all, after) => {
          expect(pageOf(all, { after }).entries).toEqual(
            all.filter((entry) => compareUtf8(sortKey(entry), after) > 0),
          );
        },
      ),
    );
  });

  it("bounds the limit", () => {
    const many = Array.from({ length: 1001 }, (_, i) => file(String(i).padStart(4, "0")));
    expect(pageOf(many).entries).toHaveLength(pageLimit);
    expect(pageOf(many).next).toBe("0999");
    expect(pageOf(many.slice(1)).next).toBeUndefined();
    for (const limit of [0, -1, 1.5, 1001, Number.NaN])
      expect(() => pageOf(many, { limit })).toThrow(
        expect.objectContaining({ code: "invalid-request" }),
      );
  });
});
