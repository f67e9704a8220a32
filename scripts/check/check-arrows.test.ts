import { describe, expect, it } from "vitest";
import type { Room } from "./arrows.ts";
import { checkArrows, type PackageFacts } from "./check-arrows.ts";
import { parseSource } from "./source.ts";

const table: Readonly<Record<string, Room>> = {
  low: { mayImport: [], platform: "any" },
  high: { mayImport: ["low"], platform: "node" },
};

const low: PackageFacts = {
  folder: "low",
  name: "@x/low",
  dependencies: [],
  devDependencies: [],
  references: [],
  testReferences: [],
  hasNodeTypes: false,
  sources: [],
};
const high: PackageFacts = {
  ...low,
  folder: "high",
  name: "@x/high",
  dependencies: ["@x/low", "pg"],
  references: ["low"],
  testReferences: ["low"],
  hasNodeTypes: true,
};

const importing = (facts: PackageFacts, text: string, file = "a.ts"): PackageFacts => ({
  ...facts,
  sources: [parseSource(`packages/${facts.folder}/src/${file}`, text)],
});
const faults = (...packages: readonly PackageFacts[]): readonly string[] =>
  checkArrows(packages, ["vitest"], table);

describe("the check of arrows", () => {
  it("accepts packages that keep to the table", () => {
    const text =
      'import { a } from "@x/low"; import pg from "pg"; import "node:fs"; import { b } from "./b.ts";';
    expect(faults(low, importing(high, text))).toEqual([]);
  });

  it.each([
    ["an import against the arrow", importing(low, 'import { a } from "@x/high";'), high],
    [
      "a type import that is not declared",
      importing(low, 'import type { a } from "left-pad";'),
      high,
    ],
    ["a dynamic import that is not declared", importing(low, 'await import("left-pad");'), high],
    ["a re-export that is not declared", importing(low, 'export * from "left-pad";'), high],
    [
      "an inline type import that is not declared",
      importing(low, 'type A = import("left-pad").A;'),
      high,
    ],
    ["a dev dependency of the root in a source", importing(low, 'import "vitest";'), high],
    ["a node: module where browsers run it", importing(low, 'import "node:fs";'), high],
    ["a bare builtin where browsers run it", importing(low, 'import "fs";'), high],
    [
      "a relative import of another package",
      low,
      importing(high, 'import "../../low/src/index.ts";'),
    ],
    ["Node's types where browsers run it", { ...low, hasNodeTypes: true }, high],
    ["a project reference that is missing", low, { ...high, references: [] }],
    ["a project reference without a dependency", { ...low, references: ["high"] }, high],
    ["a test project's reference that is missing", low, { ...high, testReferences: [] }],
  ])("refuses %s", (_what, first, second) => {
    expect(faults(first, second)).toHaveLength(1);
  });

  it("refuses a dependency against the arrow", () => {
    const upward = { dependencies: ["@x/high"], references: ["high"], testReferences: ["high"] };
    expect(faults({ ...low, ...upward }, high)).toEqual([
      "packages/low/package.json: depends on high, an arrow that is not in the table",
    ]);
  });

  it("refuses a package without a row, and a row without a package", () => {
    expect(faults(low, high, { ...low, folder: "new", name: "@x/new" })).toHaveLength(1);
    expect(faults(low)).toHaveLength(1);
  });

  it("lets tests use what the root and the package's tests declare", () => {
    expect(
      faults(importing(low, 'import { it } from "vitest"; import "node:fs";', "a.test.ts"), high),
    ).toEqual([]);
  });

  it("lets no package import one that is for tests only", () => {
    const rows: Readonly<Record<string, Room>> = {
      low: { mayImport: ["suite"], platform: "any" },
      suite: { mayImport: [], platform: "any", testsOnly: true },
    };
    expect(
      checkArrows([low, { ...low, folder: "suite", name: "@x/suite" }], [], rows),
    ).toHaveLength(1);
  });
});
