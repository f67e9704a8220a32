// The long run: the suites of `npm test` that draw, race or kill, so often that a page would be too short for them.
// `npm run test:long -- --seed S [--only model,kills] [--sequences N] [--kills N] [--share N] [--minutes N]`
// Each stage is bounded, and kept: a run that was cut off goes on with `--only`. Writes docs/reports/long.md.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs, stripVTControlCharacters } from "node:util";
import { type Done, report } from "./long/report.ts";
import { type Stage, stages } from "./long/stages.ts";

const root = join(import.meta.dirname, "..");
const cache = join(root, "node_modules", ".cache", "bulkhead", "long");

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    only: { type: "string" },
    sequences: { type: "string", default: "100000" },
    kills: { type: "string", default: "1000" },
    share: { type: "string", default: "1000" },
    minutes: { type: "string", default: "600" },
  },
});
const numberOf = (name: "sequences" | "kills" | "share" | "minutes"): number => {
  const value = Number(values[name]);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} is a number above 0.`);
  return value;
};
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
if (!Number.isInteger(seed)) throw new Error("--seed is a whole number.");

const commit = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" });
const table = join(cache, "coverage.md");
const kept = join(cache, `${seed}.json`);
mkdirSync(cache, { recursive: true });
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written below
const before = existsSync(kept) ? (JSON.parse(readFileSync(kept, "utf8")) as Done[]) : [];
const done = new Map(before.map((one) => [one.name, one]));

/** Runs a stage, for so long at most. */
const run = async (stage: Stage, minutes: number): Promise<Done> => {
  const began = performance.now();
  const file = join(cache, `${stage.name}.json`);
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const lines: string[] = [];
  const child = spawn(
    process.execPath,
    // What a test gets by default is meant for its usual size.
    [vitest, "run", ...reporters, `--testTimeout=${minutes * 60_000}`, ...stage.files],
    { cwd: root, env: { ...process.env, ...stage.env }, stdio: ["ignore", "pipe", "inherit"] },
  );
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    process.stdout.write(text);
    lines.push(text);
  });
  let stopped = false;
  const timer = setTimeout(() => {
    stopped = true;
    child.kill("SIGTERM");
  }, minutes * 60_000);
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  const output = stripVTControlCharacters(lines.join(""));
  return {
    name: stage.name,
    does: stage.does,
    seed: stage.seeded ? seed : undefined,
    commit: commit.stdout.trim(),
    at: new Date().toISOString(),
    seconds: Math.round((performance.now() - began) / 1000),
    outcome: stopped ? `cut off after ${minutes} minutes` : status === 0 ? "passed" : "failed",
    counted: /Tests {2}(.*)/.exec(output)?.[1] ?? "no test ended",
    said: output
      .split("\n")
      .filter((line) => /BULKHEAD_TEST_SEED=|^without the sync|^Counterexample|^Error/.test(line)),
    table: stage.name === "model" && existsSync(table) ? readFileSync(table, "utf8") : undefined,
  };
};

const size = {
  seed,
  sequences: numberOf("sequences"),
  kills: numberOf("kills"),
  share: numberOf("share"),
};
const all = stages(size, table);
const wanted = values.only?.split(",") ?? all.map(({ name }) => name);
for (const name of wanted)
  if (!all.some((stage) => stage.name === name)) throw new Error(`There is no stage ${name}.`);
for (const stage of all) {
  if (!wanted.includes(stage.name)) continue;
  process.stdout.write(`\n== ${stage.name}: ${stage.does} (seed ${seed})\n`);
  done.set(stage.name, await run(stage, numberOf("minutes")));
  const ordered = all.flatMap(({ name }) => done.get(name) ?? []);
  writeFileSync(kept, JSON.stringify(ordered));
  writeFileSync(
    join(root, "docs", "reports", "long.md"),
    report(
      ordered,
      all.map(({ name }) => name),
    ),
  );
}
process.exit(wanted.every((name) => done.get(name)?.outcome === "passed") ? 0 : 1);
