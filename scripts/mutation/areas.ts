/** A part of the product that decides, and the tests that have to notice every change of it. */
export interface Area {
  readonly name: string;
  readonly sources: readonly string[];
  readonly tests: readonly string[];
}

/** What is mutated. */
export const areas: readonly Area[] = [
  {
    name: "path",
    sources: ["packages/contract/src/path.ts"],
    tests: ["packages/contract/src/path.test.ts"],
  },
  {
    name: "mount",
    sources: ["packages/vfs/src/mount-table.ts", "packages/vfs/src/storage-roots.ts"],
    tests: ["packages/vfs/src/mount-table.test.ts"],
  },
  {
    name: "scope",
    sources: ["packages/vfs/src/scope.ts", "packages/vfs/src/scoped.ts"],
    tests: ["packages/vfs/src/scope.test.ts"],
  },
  {
    name: "policy",
    sources: [
      "packages/policy/src/decision.ts",
      "packages/policy/src/decided.ts",
      "packages/policy/src/namespace.ts",
      "packages/policy/src/narrow.ts",
      "packages/policy/src/relations-allow.ts",
      "packages/policy/src/tenant-gate.ts",
    ],
    tests: [
      "packages/policy/src/decision.test.ts",
      "packages/policy/src/relations-allow.test.ts",
      "packages/policy/src/tenant-gate.test.ts",
    ],
  },
  {
    name: "quota",
    sources: ["packages/policy/src/quota/quota.ts"],
    tests: ["packages/policy/src/quota/quota.test.ts"],
  },
  {
    name: "rebac",
    sources: [
      "packages/rebac/src/graph/asking.ts",
      "packages/rebac/src/graph/blocks.ts",
      "packages/rebac/src/graph/change.ts",
      "packages/rebac/src/graph/verdict.ts",
    ],
    tests: [
      "packages/rebac/src/graph/rules.test.ts",
      "packages/rebac/src/graph/moments.test.ts",
      "packages/rebac/src/graph/graph-random.test.ts",
    ],
  },
];
