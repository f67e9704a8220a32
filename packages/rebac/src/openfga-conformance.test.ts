import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { Interpreter } from "./interpret/interpreter.ts";
import { interpreter } from "./interpret/interpreter.ts";
import type { ModelTuple } from "./interpret/model-tuple.ts";
import type { TupleReader } from "./interpret/tuple-set.ts";
import { tupleSet } from "./interpret/tuple-set.ts";
import { parseModel } from "./model/parse-model.ts";
import type { QuestionFault } from "./question-error.ts";
import { QuestionError } from "./question-error.ts";

interface Tuple extends Omit<ModelTuple, "subject"> {
  readonly user: string;
}
interface Common {
  readonly contextualTuples?: readonly Tuple[];
  readonly context?: Readonly<Record<string, unknown>>;
  readonly errorCode?: number;
}
interface CheckAssertion extends Common {
  readonly tuple: Tuple;
  readonly expectation?: boolean;
}
interface ObjectsAssertion extends Common {
  readonly request: { readonly user: string; readonly type: string; readonly relation: string };
  readonly expectation?: readonly string[] | null;
}
interface UsersAssertion extends Common {
  readonly request: {
    readonly filters: readonly string[];
    readonly object: string;
    readonly relation: string;
  };
  readonly expectation?: readonly string[] | null;
}
interface Stage {
  readonly model: string;
  readonly tuples?: readonly Tuple[];
  readonly checkAssertions?: readonly CheckAssertion[];
  readonly listObjectsAssertions?: readonly ObjectsAssertion[];
  readonly listUsersAssertions?: readonly UsersAssertion[];
}

const files = ["consolidated_1_1_tests.yaml", "abac_tests.yaml"];
const folder = new URL("../conformance/openfga/", import.meta.url);
const suites = files.flatMap((file) => {
  const { tests }: { tests: readonly { name: string; stages: readonly Stage[] }[] } = parse(
    readFileSync(new URL(file, folder), "utf8"),
  );
  return tests;
});

/** What OpenFGA's error codes are here. */
const faults: Readonly<Record<number, readonly QuestionFault[]>> = {
  // Checks and the users of lists answer the one code for everything that a model does not know.
  2000: ["invalid", "type", "relation"],
  2021: ["type"],
  2022: ["relation"],
  2027: ["tuple"],
};
const tooComplex = 2002;

const tuple = ({ user, ...rest }: Tuple): ModelTuple => ({ subject: user, ...rest });

let judged = 0;

/** Says what came of a question: its answer, or the code of its refusal. */
const outcome = (ask: () => unknown, expected: number | undefined): unknown => {
  judged += 1;
  try {
    return ask();
  } catch (error) {
    if (!(error instanceof QuestionError)) throw error;
    if (expected !== undefined && faults[expected]?.includes(error.fault))
      return { code: expected };
    return { fault: error.fault, detail: error.message };
  }
};

const judge = (
  own: Interpreter,
  stage: Stage,
  reader: TupleReader,
  passed: readonly ModelTuple[],
): void => {
  const given = ({ contextualTuples = [], context }: Common) => ({
    contextual: [...passed, ...contextualTuples.map(tuple)],
    context,
  });
  for (const assertion of stage.checkAssertions ?? []) {
    const { errorCode, expectation } = assertion;
    const { subject, relation, object } = tuple(assertion.tuple);
    const answer = outcome(() => {
      const { allowed, reason } = own.check(reader, {
        subject,
        relation,
        object,
        ...given(assertion),
      });
      return reason === "indeterminate" ? { code: tooComplex } : allowed;
    }, errorCode);
    expect(answer, JSON.stringify(assertion)).toEqual(
      errorCode === undefined ? expectation : { code: errorCode },
    );
  }
  for (const assertion of stage.listObjectsAssertions ?? []) {
    const { errorCode, expectation, request } = assertion;
    const { relation, type, user: subject } = request;
    const question = { subject, relation, ...given(assertion) };
    const answer = outcome(() => {
      const { found, indeterminate } = own.listObjects(reader, { ...question, type });
      for (const object of found)
        expect(own.check(reader, { ...question, object }).allowed, object).toBe(true);
      return indeterminate ? { code: tooComplex } : found;
    }, errorCode);
    expect(answer, JSON.stringify(assertion)).toEqual(
      errorCode === undefined ? (expectation ?? []).toSorted() : { code: errorCode },
    );
  }
  for (const assertion of stage.listUsersAssertions ?? []) {
    const { errorCode, expectation, request } = assertion;
    const { relation, object } = request;
    const [filter = ""] = request.filters;
    expect(request.filters).toHaveLength(1);
    const question = { relation, object, ...given(assertion) };
    const answer = outcome(() => {
      const { found, indeterminate } = own.listSubjects(reader, { ...question, filter });
      for (const subject of found)
        expect(own.check(reader, { ...question, subject }).allowed, subject).toBe(true);
      return indeterminate ? { code: tooComplex } : found;
    }, errorCode);
    expect(answer, JSON.stringify(assertion)).toEqual(
      errorCode === undefined ? (expectation ?? []).toSorted() : { code: errorCode },
    );
  }
};

// OpenFGA's own limit of depth, which one of the tests runs into.
const limits = { depth: 25, time: 60_000 };

describe("OpenFGA's cases", () => {
  // One name occurs twice: tests are told apart by their place.
  const cases = suites.map((suite, index) => ({ ...suite, index }));

  it.each(cases)("$index $name, stored", async ({ stages }) => {
    const stored: ModelTuple[] = [];
    for (const stage of stages) {
      stored.push(...(stage.tuples ?? []).map(tuple));
      const own = interpreter(await parseModel(stage.model), { limits });
      judge(own, stage, tupleSet(stored), []);
    }
  });

  it.each(cases.filter(({ stages }) => stages.length === 1))(
    "$index $name, contextual",
    async ({ stages }) => {
      for (const stage of stages) {
        const own = interpreter(await parseModel(stage.model), { limits });
        judge(own, stage, tupleSet([]), (stage.tuples ?? []).map(tuple));
      }
    },
  );

  // A case that was skipped or lost shows here.
  it("are all judged", () => {
    expect(suites).toHaveLength(160);
    expect(judged).toBe(2_225);
  });
});
