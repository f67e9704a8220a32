import { describe, expect, it } from "vitest";
import { countLine, summarize, verdict } from "./test-report.ts";

const report = (
  tests: readonly (readonly [name: string, status: string])[],
  file: { readonly status?: string; readonly message?: string } = {},
): string =>
  JSON.stringify({
    testResults: [
      {
        name: "a.test.ts",
        status: file.status ?? "passed",
        message: file.message ?? "",
        assertionResults: tests.map(([fullName, status]) => ({ fullName, status })),
      },
    ],
  });

describe("the count of a test run", () => {
  it("sums what passed, failed and was skipped", () => {
    const summary = summarize(
      report(
        [
          ["a", "passed"],
          ["b", "passed"],
          ["c", "failed"],
          ["d [only on macOS]", "skipped"],
        ],
        { status: "failed" },
      ),
    );
    expect(countLine(summary, undefined)).toBe("2 passed, 1 failed, 1 skipped");
    expect(verdict(summary, false)).toBe("1 failed");
    expect(summary.skips[0]).toMatchObject({ kind: "only", reason: "only on macOS" });
  });

  it("counts a file that did not load as a failure", () => {
    const summary = summarize(
      report([["a", "passed"]], { status: "failed", message: "Cannot find module" }),
    );
    expect(countLine(summary, undefined)).toBe("1 passed, 1 failed, 0 skipped");
    expect(verdict(summary, false)).toContain("fault");
  });

  it("counts a test without a body, or one that never ended, as a failure", () => {
    expect(
      verdict(
        summarize(
          report([
            ["a", "passed"],
            ["b", "todo"],
          ]),
        ),
        false,
      ),
    ).toContain("fault");
    expect(
      verdict(
        summarize(
          report([
            ["a", "passed"],
            ["b", "pending"],
          ]),
        ),
        false,
      ),
    ).toContain("fault");
  });

  it("is no success when nothing passed", () => {
    expect(verdict(summarize(report([])), false)).toBe("nothing passed");
    expect(verdict(summarize(report([["a [only on macOS]", "skipped"]])), false)).toBe(
      "nothing passed",
    );
  });

  it.each([
    ["b [needs an S3 server]", "1 skipped that must run here"],
    ["b", "1 skipped that must run here"],
    ["b [only on macOS]", undefined],
  ])("judges the skip of '%s' in continuous integration", (name, expected) => {
    const summary = summarize(
      report([
        ["a", "passed"],
        [name, "skipped"],
      ]),
    );
    expect(verdict(summary, true)).toBe(expected);
    expect(verdict(summary, false)).toBeUndefined();
  });

  it("counts a failure where all tests passed and the run is not good all the same", () => {
    const summary = summarize(report([["a", "passed"]]));
    expect(countLine(summary, "an unhandled error")).toBe("1 passed, 1 failed, 0 skipped");
  });

  it("refuses what is no report", () => {
    expect(() => summarize("{}")).toThrow(/format/);
    expect(() => summarize('{"testResults":[{"name":"a"}]}')).toThrow(/format/);
    expect(() => summarize("")).toThrow(/JSON/);
  });
});
