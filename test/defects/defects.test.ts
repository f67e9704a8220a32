import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { defects } from "./index.ts";
import { misfit } from "./planted.ts";

const root = join(import.meta.dirname, "..", "..");

describe("planted defects", () => {
  it("fit the sources as they are, and name suites that are there", () => {
    const faults = defects.flatMap((defect) => {
      const fault = misfit(defect, readFileSync(join(root, defect.file), "utf8"));
      const missing = defect.suites.filter((suite) => !existsSync(join(root, suite)));
      return [
        ...(fault === undefined ? [] : [`${defect.name}: ${fault}`]),
        ...missing.map((suite) => `${defect.name}: there is no ${suite}`),
      ];
    });
    expect(faults).toEqual([]);
    expect(new Set(defects.map(({ name }) => name)).size).toBe(defects.length);
    expect(defects.length).toBeGreaterThanOrEqual(30);
  });

  it("are found out where they no longer fit", () => {
    const [defect] = defects;
    if (defect === undefined) throw new Error("There are none.");
    expect(misfit(defect, "")).toContain("not there");
    expect(misfit(defect, defect.before.repeat(2))).toContain("2 times");
    expect(misfit({ ...defect, after: defect.before }, defect.before)).toContain("nothing");
  });
});
