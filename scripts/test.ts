// Runs the tests and ends with the line `N passed, N failed, N skipped`. Further arguments go to vitest:
// `npm test -- packages/vfs`.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { countLine, type Summary, summarize, verdict } from "./test-report.ts";

const root = join(import.meta.dirname, "..");

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** Runs vitest once; its report lies outside the repository and is gone afterwards. */
const runVitest = (
  options: readonly string[],
): { readonly status: number; readonly summary: Summary | undefined } => {
  const folder = mkdtempSync(join(tmpdir(), "bulkhead-test-"));
  const report = join(folder, "report.json");
  try {
    const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const { status } = spawnSync(process.execPath, [vitest, "run", ...reporters, ...options], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
    });
    try {
      return { status: status ?? 1, summary: summarize(readFileSync(report, "utf8")) };
    } catch (error) {
      print(`No usable test report: ${error instanceof Error ? error.message : String(error)}`);
      return { status: status ?? 1, summary: undefined };
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

// Tests run from sources, but some start the server as a newcomer does, which builds. They run side by side: what they
// would both build is built before.
const wanted = process.argv.slice(2);
if (wanted.length === 0)
  spawnSync(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-b"], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
  });

const { status, summary } = runVitest(wanted);
if (summary === undefined) {
  print("0 passed, 1 failed, 0 skipped");
  process.exit(1);
}
for (const skip of summary.skips) print(`skipped (${skip.reason}): ${skip.name}`);
for (const fault of summary.faults) print(`fault: ${fault}`);
let problem = verdict(summary, process.env["CI"] === "true");
// Unhandled errors leave no trace in the report; vitest's exit status knows of them.
if (problem === undefined && status !== 0)
  problem = `vitest ended with status ${status}: see its errors above`;
if (problem !== undefined) print(`The run is not good: ${problem}.`);
print(countLine(summary, problem));
process.exit(problem === undefined ? 0 : 1);
