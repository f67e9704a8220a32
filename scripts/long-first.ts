import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take long for their size, the longest first: begun last they would leave one worker busy alone. */
const long = [
  "test/docs/readme",
  "test/model/",
  "/conformance",
  "test/processes/",
  "test/regions/",
  "test/tutorials/concept-migration",
  "backend-local/src/faults",
] as const;

const rank = ({ moduleId }: TestSpecification): number => {
  const found = long.findIndex((part) => moduleId.includes(part));
  return found < 0 ? long.length : found;
};

/** Runs the long files first, and the others in vitest's own order: the largest before the smaller. */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
