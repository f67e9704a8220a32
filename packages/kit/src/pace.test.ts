import { describe, expect, it } from "vitest";
import { mapInSlices, turns } from "./pace.ts";

describe("long work in slices", () => {
  it("has two milliseconds of a turn, however many are at it, and is served in turn", async () => {
    let now = 0;
    const due: (() => void)[] = [];
    const turn = turns({ clock: () => now, nextTurn: (run) => void due.push(run) });
    /** What was worked on in each turn. */
    const worked: string[][] = [[]];
    const work = async (name: string): Promise<void> => {
      for (let piece = 0; piece < 16; piece++) {
        await turn();
        worked.at(-1)?.push(name);
        now += 1 / 4;
      }
    };
    const all = Promise.all(["a", "b", "c"].map(work));
    for (let i = 0; i < 30; i++) {
      await new Promise((resume) => setImmediate(resume));
      worked.push([]);
      for (const run of due.splice(0)) run();
    }
    await all;
    const busy = worked.filter((names) => names.length > 0);
    // Eight pieces, and for each of the three one that was begun before the time was over.
    expect(Math.max(...busy.map((names) => names.length))).toBeLessThanOrEqual(10);
    expect(busy.flat().toSorted().join("")).toBe("a".repeat(16) + "b".repeat(16) + "c".repeat(16));
    // Nobody gets a second turn of its own while others wait for one.
    expect(new Set(busy.slice(1, 4).flat()).size).toBe(3);
  });

  it("begins a turn anew once nobody waits", async () => {
    let now = 0;
    const due: (() => void)[] = [];
    const turn = turns({ clock: () => now, nextTurn: (run) => void due.push(run) });
    expect(turn()).toBeUndefined();
    now += 2;
    const next = turn();
    expect(next).toBeInstanceOf(Promise);
    due.shift()?.();
    await next;
    expect(turn()).toBeUndefined();
    due.shift()?.();
    now += 50;
    expect([turn(), due.length]).toEqual([undefined, 1]);
  });

  it("maps every item in order and stops for who is gone", async () => {
    const items = Array.from({ length: 501 }, (_, i) => i);
    const { signal } = new AbortController();
    expect(await mapInSlices(items, (i) => i * 2, signal)).toEqual(items.map((i) => i * 2));
    const gone = mapInSlices(items, (i) => i, AbortSignal.abort());
    await expect(gone).rejects.toMatchObject({ code: "aborted" });
  });
});
