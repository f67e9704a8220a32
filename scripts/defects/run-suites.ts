import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { z } from "zod";

/** What a run of some files of tests came to. */
export interface Ran {
  readonly passed: number;
  /** The files in which something failed, each with its first failure. */
  readonly red: readonly {
    readonly file: string;
    readonly test: string;
    readonly message: string;
  }[];
  readonly seconds: number;
  /** It was ended, or left no report. */
  readonly broken: boolean;
}

const report = z.object({
  numPassedTests: z.number(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().optional(),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
});

const running = new Set<ChildProcess>();

/** Ends what runs, with all it started. */
export const endRuns = (): void => {
  for (const { pid } of running)
    try {
      if (pid !== undefined) process.kill(-pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
};

const ended = (child: ChildProcess, longestMs: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => {
      // First as a person would, so that it takes its database with it.
      child.kill("SIGINT");
      setTimeout(() => child.kill("SIGKILL"), 10_000).unref();
    }, longestMs);
    child.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });

const firstLine = (text: string | undefined): string =>
  stripVTControlCharacters(text ?? "").split("\n", 1)[0] ?? "";

/** Runs files of tests in a checkout, each until its first failure. */
export const runSuites = async (
  root: string,
  suites: readonly string[],
  longestMs: number,
): Promise<Ran> => {
  const output = join(root, "node_modules", "suites.json");
  rmSync(output, { force: true });
  const begun = performance.now();
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const { CI: _, ...env } = process.env;
  const child = spawn(
    process.execPath,
    [
      vitest,
      "run",
      "--reporter=json",
      `--outputFile.json=${output}`,
      "--bail=1",
      "--testTimeout=120000",
      ...suites,
    ],
    { cwd: root, env, stdio: "ignore", detached: true },
  );
  running.add(child);
  await ended(child, longestMs);
  running.delete(child);
  const seconds = (performance.now() - begun) / 1000;
  try {
    const { numPassedTests: passed, testResults } = report.parse(
      JSON.parse(readFileSync(output, "utf8")),
    );
    const red = testResults
      .filter(({ status }) => status === "failed")
      .map(({ name, message, assertionResults }) => {
        const failed = assertionResults.find(({ status }) => status === "failed");
        return {
          file: name.slice(root.length + 1),
          test: failed?.fullName ?? "",
          message: firstLine(failed?.failureMessages?.[0] ?? message),
        };
      });
    // What took too long tells of the machine.
    return {
      passed,
      red: red.filter(({ message }) => !message.includes("timed out")),
      seconds,
      broken: false,
    };
  } catch {
    return { passed: 0, red: [], seconds, broken: true };
  }
};
