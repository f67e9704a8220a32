import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { resolveRange } from "./range.ts";

const unsatisfiable = expect.objectContaining({ code: "range-not-satisfiable" });

describe("resolveRange", () => {
  it("selects what a slice selects", () => {
    const nat = fc.nat({ max: 12 });
    const range = fc.oneof(
      nat.map((start) => ({ start })),
      fc.record({ start: nat, end: nat }),
      nat.map((suffix) => ({ suffix })),
    );
    fc.assert(
      fc.property(range, nat, (asked, size) => {
        const bytes = Array.from({ length: size }, (_, i) => i);
        const wanted =
          "suffix" in asked
            ? bytes.slice(Math.max(0, size - asked.suffix))
            : bytes.slice(asked.start, "end" in asked ? asked.end + 1 : size);
        if (wanted.length === 0) expect(() => resolveRange(asked, size)).toThrow(unsatisfiable);
        else expect(resolveRange(asked, size)).toEqual({ start: wanted[0], end: wanted.at(-1) });
      }),
      { numRuns: 1000 },
    );
  });

  it("tells the size where nothing is selected", () => {
    expect(() => resolveRange({ start: 5 }, 5)).toThrow(
      expect.objectContaining({ fields: { limit: 5 } }),
    );
    expect(() => resolveRange({ suffix: 1 }, 0)).toThrow(unsatisfiable);
  });
});
