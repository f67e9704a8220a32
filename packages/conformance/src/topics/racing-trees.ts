import { ok, same } from "../assert.ts";
import { context } from "../bench.ts";
import type { Topic } from "../case.ts";
import { gate, sleep } from "../gate.ts";
import { outcome, race, slowly, times } from "../race.ts";

export const racingTrees: Topic = {
  name: "racing over directories",
  cases: [
    {
      name: "writes into a directory that goes away meanwhile, or says that it did",
      run: async (t) => {
        for (let round = 0; round < 10; round++) {
          await t.put("d/seed", "x");
          const [write, removal] = await Promise.all([
            outcome(t.put("d/f", "new", {}, slowly())),
            outcome(t.remove("d", { recursive: true }, slowly())),
          ]);
          const left = await t.tree();
          ok(["won", "not-found", "conflict"].includes(write), `the write: ${write}`);
          same(removal, "won", "the removal");
          ok(left["d/seed"] === undefined, "what was there before is gone");
          if (write !== "won") same(left["d/f"], undefined, "a refused write");
          await t.remove("", { recursive: true });
        }
      },
    },
    {
      name: "moves a tree in one step",
      needs: ["atomicMove"],
      run: async (t) => {
        await t.plant(Object.fromEntries(times(20, (i) => [`a/s/f${i}`, String(i)])));
        let ended = false;
        const mover = (async () => {
          for (let i = 0; i < 20; i++)
            await t.move(i % 2 === 0 ? "a" : "b", i % 2 === 0 ? "b" : "a");
          ended = true;
        })();
        while (!ended) same((await t.keys("")).length, 1, "names of the tree in one listing");
        await mover;
        same((await t.keys("a/s")).length, 20, "files at the end");
      },
    },
    {
      name: "ends crossing moves without waiting for each other forever",
      run: async (t) => {
        await t.plant({ "a/f": "1", "b/g": "2" });
        for (let round = 0; round < 10; round++) {
          await Promise.all([
            outcome(t.move("a/f", "b/f", {}, slowly())),
            outcome(t.move("b/g", "a/g", {}, slowly())),
            outcome(t.copy("a", "c", {}, slowly())),
            outcome(t.remove("c", { recursive: true }, slowly())),
          ]);
          await Promise.all([
            outcome(t.move("b/f", "a/f", {}, slowly())),
            outcome(t.move("a/g", "b/g", {}, slowly())),
          ]);
        }
        same([await t.get("a/f"), await t.get("b/g")], ["1", "2"], "both files");
      },
    },
    {
      name: "ends two files that are moved onto each other with one of them",
      needs: ["atomicMove"],
      run: async (t) => {
        for (let round = 0; round < 10; round++) {
          await t.plant({ "d/x": "one", "e/y": "two" });
          const outcomes = await race([
            t.move("d/x", "e/y", { mode: "overwrite" }, slowly()),
            t.move("e/y", "d/x", { mode: "overwrite" }, slowly()),
          ]);
          ok(outcomes.includes("won"), `outcomes ${outcomes.join()}`);
          same((await t.keys("d")).length + (await t.keys("e")).length, 1, "files that are left");
          await t.remove("", { recursive: true });
        }
      },
    },
    {
      name: "counts exactly what the removal of a tree takes from under its writers",
      needs: ["atomicMove", "exactReplace", "conditionalWrite"],
      run: async (t) => {
        for (let round = 0; round < 5; round++) {
          await t.put("d/seed", "12345");
          const asked = gate();
          const removal = t.remove(
            "d",
            { recursive: true },
            context({ commit: async () => (asked.open(), sleep(10)) }),
          );
          await Promise.race([asked.passed, removal]);
          const writes = times(4, (i) =>
            t.put(`d/s${i % 2}/f${i}`, "x".repeat(i + 1)).catch(() => undefined),
          );
          const [removed, ...written] = await Promise.all([removal, ...writes]);
          const added = written.reduce((sum, one) => sum + (one?.size ?? 0), 5);
          same(added - removed.bytes, Object.values(await t.tree()).join("").length, "bytes");
          await t.remove("", { recursive: true });
        }
      },
    },
    {
      name: "takes no file away with a directory that was removed as empty",
      needs: ["directories", "atomicMove", "conditionalWrite"],
      run: async (t) => {
        for (let round = 0; round < 5; round++) {
          await t.mkdir("d");
          const asked = gate();
          const removal = outcome(
            t.remove("d", {}, context({ commit: async () => (asked.open(), sleep(10)) })),
          );
          await Promise.race([asked.passed, removal]);
          const write = await outcome(t.put("d/f", "new"));
          await removal;
          same((await t.tree())["d/f"], write === "won" ? "new" : undefined, `the write, ${write}`);
          await t.remove("", { recursive: true });
        }
      },
    },
  ],
};
