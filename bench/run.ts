// Measures: `npm run bench`, or only some groups: `npm run bench -- versioned-writes`. `--rounds N` (5 by default),
// `--commit-delay µs` (0 by default), `--json FILE`. Prints each number beside its baseline, measured in the same run,
// and its goals, missed ones too. Ends with 0 unless something could not be measured: a goal that is missed is a
// finding, not a failure.
import { writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { type Goal, meets, type Row } from "./row.ts";
import { benches } from "./rows/index.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    "commit-delay": { type: "string", default: "0" },
    json: { type: "string" },
  },
});

const chosen =
  positionals.length === 0 ? benches : benches.filter(({ name }) => positionals.includes(name));
const unknown = positionals.filter((name) => benches.every((bench) => bench.name !== name));
if (unknown.length > 0) {
  process.stderr.write(
    `No such group: ${unknown.join(", ")}. There are: ${benches.map(({ name }) => name).join(", ")}.\n`,
  );
  process.exit(2);
}

const round = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);

const goalText = (row: Row, goal: Goal): string => {
  const sign = goal.bound === "least" ? "≥" : "≤";
  const unit = goal.of === "ratio" ? "of the baseline" : row.unit;
  return `${meets(row, goal) ? "met" : "MISSED"} ${sign} ${goal.number} ${unit}`;
};

const line = (row: Row): string =>
  [
    `  ${row.name}: ${round(row.value)} ${row.unit}`,
    row.baseline === undefined
      ? ""
      : ` (${round(row.baseline.value)} ${row.baseline.name}; ratio ${(row.ratio ?? 0).toFixed(2)})`,
    row.goals.map((goal) => ` · ${goalText(row, goal)}`).join(""),
    row.note === undefined ? "" : ` · ${row.note}`,
  ].join("");

const options = { rounds: Number(values.rounds), commitDelay: Number(values["commit-delay"]) };
const report: { group: string; rows: readonly Row[] }[] = [];
let failed = 0;
for (const bench of chosen) {
  process.stdout.write(`${bench.name}\n`);
  try {
    const rows = await bench.run(options);
    report.push({ group: bench.name, rows });
    for (const row of rows) process.stdout.write(`${line(row)}\n`);
  } catch (error) {
    failed += 1;
    process.stderr.write(
      `  not measured: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
  }
}
const goals = report.flatMap(({ rows }) =>
  rows.flatMap((row) => row.goals.map((goal) => meets(row, goal))),
);
process.stdout.write(
  `${goals.filter(Boolean).length} goals met, ${goals.filter((met) => !met).length} missed, ${failed} groups not measured\n`,
);
if (values.json !== undefined)
  await writeFile(
    values.json,
    `${JSON.stringify(
      {
        ...options,
        node: process.version,
        cpus: cpus().length,
        memoryGiB: Math.round(totalmem() / 2 ** 30),
        report,
      },
      undefined,
      2,
    )}\n`,
  );
process.exitCode = failed === 0 ? 0 : 1;
