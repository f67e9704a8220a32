import { ok, same } from "../assert.ts";
import type { Bench } from "../bench.ts";
import { chunked, inChunksOf, pattern } from "../bodies.ts";
import type { Topic } from "../case.ts";
import { gate } from "../gate.ts";
import { outcome, race, racers, slowly, tally, times } from "../race.ts";

const oneWinner = async (
  t: Bench,
  path: string,
  attempts: readonly Promise<unknown>[],
  loser: string,
): Promise<void> => {
  const outcomes = await race(attempts);
  same(tally(outcomes), { won: 1, [loser]: attempts.length - 1 }, "outcomes");
  same(await t.get(path), `writer ${outcomes.indexOf("won")}`, "the winner's content");
};

export const racing: Topic = {
  name: "racing",
  cases: [
    {
      name: "lets exactly one of several creations win",
      needs: ["conditionalWrite"],
      run: async (t) => {
        for (const path of ["f", "n/e/w"])
          await oneWinner(
            t,
            path,
            times(racers, (i) => t.put(path, `writer ${i}`, { mode: "create" }, slowly())),
            "already-exists",
          );
      },
    },
    {
      name: "lets exactly one of several writes on one ETag win",
      needs: ["conditionalWrite"],
      run: async (t) => {
        for (let round = 0; round < 5; round++) {
          const { etag } = await t.put("f", `round ${round}`);
          const mode = { ifMatch: etag };
          await oneWinner(
            t,
            "f",
            times(racers, (i) => t.put("f", `writer ${i}`, { mode }, slowly())),
            "precondition-failed",
          );
        }
      },
    },
    {
      name: "lets exactly one of several removals win",
      needs: ["conditionalWrite"],
      run: async (t) => {
        const { etag } = await t.put("f", "content");
        const outcomes = await race(
          times(racers, () => t.remove("f", { ifMatch: etag }, slowly())),
        );
        same(tally(outcomes).won, 1, "winners");
        ok(
          outcomes.every((one) => ["won", "not-found", "precondition-failed"].includes(one)),
          `outcomes ${outcomes.join()}`,
        );
        await t.expectTree({}, "afterwards");
      },
    },
    {
      name: "lets exactly one of several moves of a file win",
      needs: ["conditionalWrite"],
      run: async (t) => {
        await t.plant({ f: "content" });
        const outcomes = await race(times(racers, (i) => t.move("f", `to${i}`, {}, slowly())));
        same(tally(outcomes), { won: 1, "not-found": racers - 1 }, "outcomes");
        await t.expectTree({ [`to${outcomes.indexOf("won")}`]: "content" }, "afterwards");
      },
    },
    {
      name: "lets exactly one of several moves onto a free name win",
      needs: ["conditionalWrite"],
      run: async (t) => {
        for (let i = 0; i < racers; i++) await t.put(`f${i}`, `writer ${i}`);
        await oneWinner(
          t,
          "to",
          times(racers, (i) => t.move(`f${i}`, "to", {}, slowly())),
          "already-exists",
        );
        same((await t.keys("")).length, racers, "files: none was lost");
      },
    },
    {
      name: "lets exactly one of several mkdirs win",
      needs: ["directories", "conditionalWrite"],
      run: async (t) => {
        same(
          tally(await race(times(racers, () => t.mkdir("d", slowly())))),
          { won: 1, "already-exists": racers - 1 },
          "outcomes",
        );
      },
    },
    {
      name: "loses no update of writers that read, change and write under ifMatch",
      needs: ["conditionalWrite"],
      run: async (t) => {
        await t.put("counter", "0");
        const increment = async (): Promise<void> => {
          for (;;) {
            const ifMatch = await t.etag("counter");
            const value = Number(await t.get("counter"));
            const lost = await outcome(t.put("counter", String(value + 1), { mode: { ifMatch } }));
            if (lost === "won") return;
            same(lost, "precondition-failed", "the loser's refusal");
          }
        };
        await Promise.all(
          times(4, async () => {
            for (let i = 0; i < 10; i++) await increment();
          }),
        );
        same(await t.get("counter"), "40", "the counter");
      },
    },
    {
      name: "leaves of several overwrites one, whole",
      run: async (t) => {
        const bodies = times(6, (i) => String(i).repeat(200_000 + i));
        for (let round = 0; round < 3; round++) {
          await Promise.all(
            bodies.map((body) =>
              t.put("f", chunked(inChunksOf(new TextEncoder().encode(body), [50_001]))),
            ),
          );
          ok(bodies.includes(await t.get("f")), "the content is one writer's");
        }
      },
    },
    {
      name: "says exactly what each of several overwrites replaced",
      needs: ["exactReplace"],
      run: async (t) => {
        const answers = await Promise.all(
          times(24, (i) => t.put(`d/f${i % 3}`, "x".repeat(i * 10 + 1), {}, slowly())),
        );
        const added = answers.reduce((sum, one) => sum + one.size - (one.replaced?.size ?? 0), 0);
        same(answers.filter((one) => one.created).length, 3, "files that were created");
        same(
          added,
          Object.values(await t.tree()).join("").length,
          "sizes added less sizes replaced",
        );
      },
    },
    {
      name: "never shows a reader a mixture",
      run: async (t) => {
        const versions = times(4, (i) => String(i).repeat(300_000));
        await t.put("f", versions[0] ?? "");
        let ended = false;
        const writer = (async () => {
          for (let i = 1; i <= 16; i++) await t.put("f", versions[i % 4] ?? "");
          ended = true;
        })();
        let looks = 0;
        for (; !ended; looks++) {
          const content = await t.get("f");
          ok(
            versions.includes(content),
            `content of ${content.length} characters is one version's`,
          );
        }
        await writer;
        ok(looks > 0, "a reader looked");
      },
    },
    {
      name: "never shows a file gone while it is overwritten",
      run: async (t) => {
        await t.put("f", "0");
        let ended = false;
        const writer = (async () => {
          for (let i = 1; i <= 60; i++) await t.put("f", String(i));
          ended = true;
        })();
        while (!ended) {
          await t.stat("f");
          same(await t.keys(""), ["f"], "the listing");
        }
        await writer;
      },
    },
    {
      name: "lets no slow upload hold up another",
      run: async (t) => {
        await t.plant({ "d/f": "old" });
        const hold = gate();
        const slow = t.put("d/f", chunked(["slow ", () => hold.passed, "content"]));
        await t.put("d/f", "quick");
        await t.put("d/other", "1");
        await t.move("d/other", "d/moved");
        same(await t.get("d/f"), "quick", "while the slow one runs");
        hold.open();
        await slow;
        await t.expectTree({ "d/f": "slow content", "d/moved": "1" }, "afterwards");
      },
    },
    {
      name: "keeps parallel large uploads apart",
      run: async (t) => {
        const bodies = times(4, (i) => pattern(700_000 + i, i + 1));
        await Promise.all(
          bodies.map((bytes, i) => t.put(`d/f${i}`, chunked(inChunksOf(bytes, [65_536, 1])))),
        );
        for (const [i, bytes] of bodies.entries()) {
          const stored = await t.bytes(`d/f${i}`);
          ok(
            stored.length === bytes.length && stored.every((byte, j) => byte === bytes[j]),
            `the content of file ${i}`,
          );
        }
      },
    },
  ],
};
