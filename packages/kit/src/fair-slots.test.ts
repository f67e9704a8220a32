import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { type FairSlotsOptions, fairSlots } from "./fair-slots.ts";

const busy = (): Error => new Error("busy");
const settled = (): Promise<void> => new Promise((resume) => setImmediate(resume));

/** Asks for so many places of each owner, and keeps who got one, in order. */
const asking = async (options: Omit<FairSlotsOptions, "busy">, owners: readonly string[]) => {
  const slots = fairSlots({ ...options, busy });
  const got: { readonly owner: string; readonly give: () => void }[] = [];
  const asked = owners.map(async (owner) => {
    got.push({ owner, give: await slots.take(owner) });
  });
  await settled();
  return { slots, got, asked, order: () => got.map(({ owner }) => owner).join("") };
};

describe("fair slots", () => {
  it("serves owners in turn, however many of one wait", async () => {
    const all = ["a", "a", "a", "a", "b", "b", "c", "b", "c", "c"];
    const { got, order, asked, slots } = await asking({ total: 1 }, all);
    expect(order()).toBe("a");
    for (let i = 0; i < all.length; i++) {
      got[i]?.give();
      got[i]?.give();
      await settled();
    }
    await Promise.all(asked);
    expect(order()).toBe("aabcabcabc");
    expect([slots.taken(), slots.waiting()]).toEqual([0, 0]);
  });

  it("gives one owner no more than its part, and keeps the last place for who has none", async () => {
    const { got, order } = await asking({ total: 4, each: 2, first: "kept" }, [
      "a",
      "a",
      "a",
      "b",
      "b",
      "c",
    ]);
    expect(order()).toBe("aabc");
    got[0]?.give();
    await settled();
    // The place that is free now is the last one: neither a nor b, which have some, gets it.
    expect(order()).toBe("aabc");
    got[1]?.give();
    await settled();
    expect(order()).toBe("aabca");
  });

  it("gives an owner that has nothing a place beyond the total", async () => {
    const { order, slots } = await asking({ total: 2, first: "beyond" }, ["a", "a", "a", "b", "c"]);
    expect(order()).toBe("aabc");
    expect(slots.waiting("a")).toBe(1);
  });

  it("refuses what is too much or waits too long, and forgets who leaves", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const slots = fairSlots({ total: 1, queue: 2, waitMs: 10_000, busy });
      const give = await slots.take("a");
      const gone = new AbortController();
      const waiting = [slots.take("a", gone.signal), slots.take("a")];
      await expect(slots.take("a")).rejects.toThrow("busy");
      gone.abort();
      await expect(waiting[0]).rejects.toMatchObject({ code: "aborted" });
      expect(slots.waiting("a")).toBe(1);
      const late = waiting[1]?.catch((error: unknown) => error);
      vi.advanceTimersByTime(10_000);
      expect(await late).toEqual(busy());
      give();
      expect([slots.taken(), slots.waiting(), vi.getTimerCount()]).toEqual([0, 0, 0]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("never exceeds a limit, leaves nobody waiting for a place that is free, and leaks nothing", async () => {
    const first = fc.constantFrom(undefined, "kept" as const, "beyond" as const);
    const step = fc.record({
      owner: fc.constantFrom("a", "b", "c", "d"),
      act: fc.constantFrom("take", "take", "give", "abort"),
      at: fc.nat(30),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 5 }),
        first,
        fc.array(step, { maxLength: 60 }),
        async (total, each, kind, steps) => {
          const slots = fairSlots({ total, each, ...(kind && { first: kind }), busy });
          const held: (() => void)[] = [];
          const leaving: AbortController[] = [];
          for (const { owner, act, at } of steps) {
            if (act === "give") held.splice(at % Math.max(1, held.length), 1)[0]?.();
            else if (act === "abort") leaving[at % Math.max(1, leaving.length)]?.abort();
            else {
              const gone = new AbortController();
              leaving.push(gone);
              void slots.take(owner, gone.signal).then(
                (give) => held.push(give),
                () => undefined,
              );
            }
            await Promise.resolve();
            for (const name of "abcd") {
              expect(slots.taken(name)).toBeLessThanOrEqual(each);
              if (slots.waiting(name) === 0 || slots.taken(name) >= each) continue;
              const mine = slots.taken(name);
              if (kind === "beyond") expect(mine).toBeGreaterThan(0);
              const usable = kind === "kept" && mine > 0 ? total - 1 : total;
              expect(slots.taken()).toBeGreaterThanOrEqual(usable);
            }
            if (kind !== "beyond") expect(slots.taken()).toBeLessThanOrEqual(total);
          }
          await settled();
          for (const gone of leaving) gone.abort();
          await settled();
          for (const give of held) give();
          await settled();
          expect([slots.taken(), slots.waiting()]).toEqual([0, 0]);
        },
      ),
      { numRuns: 300 },
    );
  });
});
