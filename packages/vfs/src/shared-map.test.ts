import fc from "fast-check";
import { expect, test } from "vitest";
import { sharedMap } from "./shared-map.ts";

const sorted = (values: Iterable<number>): readonly number[] =>
  [...values].toSorted((a, b) => a - b);

test("A copy is a map of its own, however often it was copied and changed", () => {
  const change = fc.record({
    key: fc.integer({ min: 0, max: 700 }),
    value: fc.option(fc.integer(), { nil: undefined }),
    copy: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 1500, size: "max" }), (changes) => {
      let shared = sharedMap<number, number>();
      let plain = new Map<number, number>();
      const kept: (readonly [typeof shared, typeof plain])[] = [];
      for (const { key, value, copy } of changes) {
        if (copy) {
          kept.push([shared, plain]);
          shared = shared.copy();
          plain = new Map(plain);
        }
        if (value === undefined) expect(shared.delete(key)).toBe(plain.delete(key));
        else {
          shared.set(key, value);
          plain.set(key, value);
        }
        expect([shared.get(key), shared.has(key)]).toEqual([plain.get(key), plain.has(key)]);
      }
      for (const [one, other] of [...kept.slice(-20), [shared, plain] as const]) {
        expect(one.size()).toBe(other.size);
        expect(sorted(one.values())).toEqual(sorted(other.values()));
      }
    }),
    { numRuns: 20 },
  );
});
