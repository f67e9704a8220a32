// Runs the tests of each area for each mutant, in one process: modules are loaded once, with every change in them behind a
// switch. Started by scripts/mutation.ts.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { areas } from "./areas.ts";
import { type Collected, collected } from "./collect.ts";
import { mutatedSources, root } from "./sources.ts";

/** A test hangs that asks so many times as many switches, or takes so many times as long, as without a change. */
const factor = 10;

let active = -1;
let asked = 0;
let mostAsked = Infinity;
let seen: Set<number> | undefined;
Object.assign(globalThis, {
  __mutant: (id: number): boolean => {
    if (++asked > mostAsked) throw new Error("It goes on for ever.");
    seen?.add(id);
    return id === active;
  },
});
// A counterexample is enough; nobody reads the smallest.
fc.configureGlobal({ endOnFailure: true });

const passes = async ({ run }: Collected, most: number, longestMs: number): Promise<boolean> => {
  asked = 0;
  mostAsked = most;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("It waits for ever.")), longestMs);
  });
  try {
    await Promise.race([run(), late]);
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
};

const sources = mutatedSources();
const wanted = (process.env["BULKHEAD_MUTATION_AREAS"] ?? "").split(" ");
const survived: number[] = [];

for (const area of areas.filter(({ name }) => wanted.includes(name)))
  it(area.name, async () => {
    for (const file of area.tests) await import(join(root, file));
    const tests = collected.splice(0);
    const bounds = new Map<Collected, readonly [number, number]>();
    const covering = new Map<number, Collected[]>();
    for (const one of tests) {
      seen = new Set();
      const begun = performance.now();
      expect(await passes(one, Infinity, 300_000), one.name).toBe(true);
      bounds.set(one, [
        factor * asked + 100_000,
        Math.max(2000, factor * (performance.now() - begun)),
      ]);
      for (const id of seen) covering.set(id, [...(covering.get(id) ?? []), one]);
    }
    seen = undefined;
    for (const { mutants } of sources.filter((source) => source.area === area.name))
      for (const { id } of mutants) {
        active = id;
        let alive = true;
        for (const one of covering.get(id) ?? []) {
          const [most, ms] = bounds.get(one) ?? [Infinity, 300_000];
          alive = await passes(one, most, ms);
          if (!alive) break;
        }
        if (alive) survived.push(id);
      }
    active = -1;
    writeFileSync(process.env["BULKHEAD_MUTATION_REPORT"] ?? "", JSON.stringify(survived));
  });
