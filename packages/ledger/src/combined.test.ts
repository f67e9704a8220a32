import { describe, expect, it } from "vitest";
import { createCombined } from "./combined.ts";

describe("combined commits", () => {
  it("have one batch in flight a lane, and take along who came meanwhile, in order", async () => {
    const batches: string[][] = [];
    const ends: (() => void)[] = [];
    const settle = createCombined<string>(
      (question) => question.slice(0, 1),
      (batch) => {
        batches.push([...batch]);
        return new Promise((end) => ends.push(end));
      },
    );
    const done = [settle("a1"), settle("a2"), settle("b1"), settle("a3")];
    expect(batches).toEqual([["a1"], ["b1"]]);
    ends.shift()?.();
    await done[0];
    await new Promise(setImmediate);
    expect(batches).toEqual([["a1"], ["b1"], ["a2", "a3"]]);
    for (const end of ends) end();
    await Promise.all(done);
    // A lane that ran empty begins anew.
    const later = settle("a4");
    expect(batches.at(-1)).toEqual(["a4"]);
    ends.at(-1)?.();
    await later;
  });

  it("let nobody fail for another, and hold 32 at the most", async () => {
    const batches: number[] = [];
    const settle = createCombined<number>(
      () => "lane",
      async (batch) => {
        batches.push(batch.length);
        await Promise.resolve();
        if (batch.includes(7)) throw new Error("seven");
      },
    );
    const outcomes = await Promise.allSettled(Array.from({ length: 70 }, (_, i) => settle(i)));
    expect(outcomes.flatMap((outcome, i) => (outcome.status === "rejected" ? [i] : []))).toEqual([
      7,
    ]);
    expect(Math.max(...batches)).toBe(32);
    expect(batches.filter((length) => length === 1)).toHaveLength(1 + 32);
  });
});
