/** What one test run amounts to. */
export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly skips: readonly Skip[];
  /** What went wrong apart from a failed test: a file that did not load, a test left as `todo` or unfinished. */
  readonly faults: readonly string[];
}

/** A skipped test, and why its title says it was skipped. */
export interface Skip {
  readonly file: string;
  readonly name: string;
  /** `needs`: a real part is missing. `only`: it holds elsewhere, on another platform or for another capability. `unexplained`: the title does not say. */
  readonly kind: "needs" | "only" | "unexplained";
  readonly reason: string;
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

// A title says why its test may be skipped: `writes twice [needs an S3 server]`, `folds names [only on macOS]`.
const tag = /\[(needs|only) ([^\]]+)\]/;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isReport = (value: unknown): value is Report =>
  isRecord(value) &&
  Array.isArray(value["testResults"]) &&
  value["testResults"].every(
    (file: unknown) =>
      isRecord(file) &&
      typeof file["name"] === "string" &&
      typeof file["status"] === "string" &&
      typeof file["message"] === "string" &&
      Array.isArray(file["assertionResults"]) &&
      file["assertionResults"].every(
        (test: unknown) =>
          isRecord(test) &&
          typeof test["fullName"] === "string" &&
          typeof test["status"] === "string",
      ),
  );

const skipOf = (file: string, name: string): Skip => {
  const found = tag.exec(name);
  if (found === null) return { file, name, kind: "unexplained", reason: "no reason in the title" };
  return {
    file,
    name,
    kind: found[1] === "needs" ? "needs" : "only",
    reason: `${found[1]} ${found[2]}`,
  };
};

/** Sums the text of vitest's JSON report. Throws if it is not one: a run without a report counts nothing. */
export const summarize = (json: string): Summary => {
  const report: unknown = JSON.parse(json);
  if (!isReport(report)) throw new Error("The test report is not in vitest's JSON format.");
  let passed = 0;
  let failed = 0;
  const skips: Skip[] = [];
  const faults: string[] = [];
  for (const file of report.testResults) {
    let failedHere = 0;
    for (const test of file.assertionResults) {
      if (test.status === "passed") passed += 1;
      else if (test.status === "failed") failedHere += 1;
      else if (test.status === "skipped") skips.push(skipOf(file.name, test.fullName));
      else faults.push(`${file.name}: '${test.fullName}' is ${test.status}`);
    }
    failed += failedHere;
    if (file.status === "failed" && failedHere === 0)
      faults.push(
        `${file.name}: ${file.message === "" ? "failed outside its tests" : file.message}`,
      );
  }
  return { passed, failed, skips, faults };
};

/**
 * Says why a run is not good enough, or undefined if it is. `strict` is for continuous integration: there a missing
 * real part, or a skip that nobody explained, is a failure.
 */
export const verdict = (summary: Summary, strict: boolean): string | undefined => {
  if (summary.failed > 0) return `${summary.failed} failed`;
  if (summary.faults.length > 0) return `${summary.faults.length} faults outside tests`;
  if (summary.passed === 0) return "nothing passed";
  const missing = summary.skips.filter((skip) => skip.kind !== "only");
  if (strict && missing.length > 0) return `${missing.length} skipped that must run here`;
  return undefined;
};

/** The one line that machines read. A run with a `problem` counts a failure, even where every test passed. */
export const countLine = (summary: Summary, problem: string | undefined): string => {
  const failed = Math.max(summary.failed + summary.faults.length, problem === undefined ? 0 : 1);
  return `${summary.passed} passed, ${failed} failed, ${summary.skips.length} skipped`;
};
