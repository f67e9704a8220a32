// Plants each defect of test/defects in a copy of the checkout and runs the suites that ought to notice it:
// `npm run check:defects`, or only some of them: `npm run check:defects -- prefix-without-slash family-lives-on`.
// `--jobs N` works on N at a time. Ends with 1 if one survives; a run of all writes docs/reports/defects.md.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parseSync } from "oxc-parser";
import { type Defect, defects } from "../test/defects/index.ts";
import { planted } from "../test/defects/planted.ts";
import { type Caught, defectsReport } from "./defects/report.ts";
import { endRuns, runSuites } from "./defects/run-suites.ts";
import { type Scratch, scratchCopy } from "./defects/scratch.ts";

const root = join(import.meta.dirname, "..");
/** Ten times what a suite takes on a machine that does nothing else. */
const longestMs = 200_000;

const { values, positionals } = parseArgs({
  options: { jobs: { type: "string", default: "1" } },
  allowPositionals: true,
});
const jobs = Number(values.jobs);
const unknown = positionals.filter((name) => !defects.some((defect) => defect.name === name));
if (unknown.length > 0 || !Number.isInteger(jobs) || jobs < 1) {
  process.stderr.write(
    unknown.length > 0
      ? `No such defect: ${unknown.join(", ")}.\n`
      : "--jobs is a number from 1.\n",
  );
  process.exit(2);
}
const chosen = defects.filter(({ name }) => positionals.length === 0 || positionals.includes(name));

/** A text that is not even read by its language proves nothing by failing. */
const isNonsense = (message: string): boolean => /syntax error|does not exist/.test(message);

const checkParses = ({ name, file }: Defect, text: string): void => {
  const [fault] = parseSync(file, text).errors;
  if (fault !== undefined) throw new Error(`${name}: ${file} does not parse: ${fault.message}`);
};

const sound = new Map<string, Promise<void>>();

/** Rejects for a suite that is red without any defect: it notices nothing. Each is asked once; a machine may stumble. */
const checkSound = (scratch: Scratch, suite: string): Promise<void> => {
  const check = async (): Promise<void> => {
    for (let i = 0; ; i++) {
      const { passed, red } = await runSuites(scratch.root, [suite], longestMs);
      if (red.length === 0 && passed > 0) return;
      if (i > 0)
        throw new Error(`${suite} is red, or empty, without any defect: ${red[0]?.message ?? ""}`);
    }
  };
  const known = sound.get(suite) ?? check();
  sound.set(suite, known);
  return known;
};

const tryOne = async (scratch: Scratch, defect: Defect): Promise<Caught> => {
  const file = join(scratch.root, defect.file);
  const whole = readFileSync(file, "utf8");
  const text = planted(defect, whole);
  checkParses(defect, text);
  let seconds = 0;
  try {
    for (const suite of defect.suites) {
      writeFileSync(file, whole);
      await checkSound(scratch, suite);
      writeFileSync(file, text);
      const ran = await runSuites(scratch.root, [suite], longestMs);
      seconds += ran.seconds;
      const [red] = ran.red;
      if (red !== undefined && isNonsense(red.message))
        throw new Error(`${defect.name}: ${red.message}`);
      if (red !== undefined) return { defect, by: red, seconds: ran.seconds };
    }
    return { defect, by: undefined, seconds };
  } finally {
    writeFileSync(file, whole);
  }
};

const scratches: Scratch[] = [];
const clear = (): void => {
  endRuns();
  for (const { remove } of scratches.splice(0)) remove();
};
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    clear();
    process.exit(130);
  });

const outcomes = new Map<Defect, Caught>();
let failed = false;
try {
  for (let i = 0; i < Math.min(jobs, chosen.length); i++) scratches.push(scratchCopy(root));
  const queue = [...chosen];
  const work = async (scratch: Scratch): Promise<void> => {
    for (let defect = queue.shift(); defect !== undefined; defect = queue.shift()) {
      const caught = await tryOne(scratch, defect).catch((error: unknown) => {
        process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`);
        return undefined;
      });
      if (caught?.by === undefined) failed = true;
      if (caught === undefined) continue;
      outcomes.set(defect, caught);
      process.stdout.write(
        `${caught.by === undefined ? "SURVIVED" : "caught  "} ${defect.name.padEnd(32)} ${caught.seconds.toFixed(1).padStart(6)} s  ${caught.by?.file ?? defect.suites.join(" ")}${caught.by === undefined ? "" : `: ${caught.by.test}: ${caught.by.message}`}\n`,
      );
    }
  };
  await Promise.all(scratches.map(work));
} finally {
  clear();
}
const list = defects.flatMap((defect) => outcomes.get(defect) ?? []);
const caughtCount = list.filter(({ by }) => by !== undefined).length;
if (positionals.length === 0 && list.length === defects.length) {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], {
    cwd: root,
    encoding: "utf8",
  }).trim();
  writeFileSync(join(root, "docs", "reports", "defects.md"), defectsReport(list, commit));
}
process.stdout.write(`${caughtCount} of ${chosen.length} caught\n`);
process.exit(failed ? 1 : 0);
