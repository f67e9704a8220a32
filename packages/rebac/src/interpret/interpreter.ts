import type { ExpandNode } from "@bulkhead/contract";
import type { Model, Rewrite } from "../model/model.ts";
import { operandsOf, relationOf } from "../model/model.ts";
import type { Allowance, QuestionLimits } from "./allowance.ts";
import { allowanceOf } from "./allowance.ts";
import { expandRelation } from "./expand.ts";
import type { ModelTuple } from "./model-tuple.ts";
import { parseSubject, typeOfObject } from "./model-tuple.ts";
import type { Rules } from "./rules.ts";
import { rulesOf } from "./rules.ts";
import type { Answer, Mode, Solver } from "./solver.ts";
import { solver, stepsOfCondition } from "./solver.ts";
import type { TupleReader } from "./tuple-set.ts";
import { overlay } from "./tuple-set.ts";

interface Given {
  /** Relations that hold for this question alone. */
  readonly contextual?: readonly ModelTuple[] | undefined;
  /** What conditions are judged with, as JSON. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

export interface CheckQuestion extends Given {
  readonly subject: string;
  readonly relation: string;
  readonly object: string;
}

export interface ObjectsQuestion extends Given {
  readonly subject: string;
  readonly relation: string;
  readonly type: string;
}

export interface SubjectsQuestion extends Given {
  readonly relation: string;
  readonly object: string;
  /** `user`, or `group#member` for usersets. */
  readonly filter: string;
}

export interface Checked {
  readonly allowed: boolean;
  /** Why it is denied where the facts alone do not say so; absent otherwise. */
  readonly reason?: "cycle" | "indeterminate";
}

export interface Listed {
  /** In byte order of the UTF-16 code units. */
  readonly found: readonly string[];
  /** A limit was hit: there may be more. */
  readonly indeterminate: boolean;
}

/**
 * Answers questions to a model from tuples in memory, synchronously. All members throw `QuestionError`
 * (`invalid-request`) for questions that the model does not know and for conditions that cannot be judged.
 * What is not certain is denied: a cycle or a limit inside `but not` too.
 */
export interface Interpreter {
  readonly check: (reader: TupleReader, question: CheckQuestion) => Checked;
  /** In the order of the questions; those of one subject share their work. */
  readonly checkBatch: (
    reader: TupleReader,
    questions: readonly CheckQuestion[],
  ) => readonly Checked[];
  readonly expand: (
    reader: TupleReader,
    question: {
      readonly object: string;
      readonly relation: string;
      readonly contextual?: readonly ModelTuple[] | undefined;
    },
  ) => ExpandNode;
  readonly listObjects: (reader: TupleReader, question: ObjectsQuestion) => Listed;
  /** All who may. Where everybody may, that is `user:*` and beside it those alone whom a tuple names as well. */
  readonly listSubjects: (reader: TupleReader, question: SubjectsQuestion) => Listed;
  /** Throws `QuestionError` for a tuple that the model does not allow to be given. */
  readonly checkTuple: (tuple: ModelTuple) => void;
}

/** How far a question goes where nothing else is said: meanwhile the process does nothing else. */
export const questionLimits: QuestionLimits = { depth: 1_000, steps: 250_000, time: 250 };

const checked = (answer: Answer): Checked => {
  if (answer === "allowed" || answer === "denied") return { allowed: answer === "allowed" };
  return { allowed: false, reason: answer };
};

/**
 * Those of the filter's shape that are named anywhere below a relation; a superset of who has it. A condition that cannot
 * be judged throws here, wherever it stands: without it nobody knows whether the list is complete.
 */
const candidates = (
  rules: Rules,
  reader: TupleReader,
  { object, relation, filter, context }: SubjectsQuestion,
  allowance: Allowance,
): ReadonlySet<string> => {
  const found = new Set<string>();
  const [wantedType, wantedRelation] = filter.split("#");
  const seen = new Set<string>();
  const open: (readonly [string, string])[] = [];
  const visit = (on: string, of: string): void => {
    const key = `${on}#${of}`;
    const type = typeOfObject(on);
    if (type === undefined || seen.has(key)) return;
    seen.add(key);
    if (type === wantedType && of === wantedRelation) found.add(key);
    open.push([on, of]);
  };
  const live = (on: string, of: string): Iterable<ModelTuple> =>
    reader
      .group(on, of)
      .all.values()
      .filter(
        (tuple) =>
          allowance.spend(tuple.condition === undefined ? 1 : stepsOfCondition) &&
          rules.allows(tuple) &&
          rules.holds(tuple, context),
      );
  const descend = (on: string, of: string, rewrite: Rewrite): void => {
    if (rewrite.kind === "computed") visit(on, rewrite.relation);
    if (rewrite.kind === "from")
      for (const { subject } of live(on, rewrite.tupleset)) visit(subject, rewrite.relation);
    if (rewrite.kind === "direct")
      for (const { subject } of live(on, of)) {
        const parts = parseSubject(subject);
        if (parts === undefined) continue;
        if (parts.relation !== undefined) visit(`${parts.type}:${parts.id}`, parts.relation);
        else if (wantedRelation === undefined && parts.type === wantedType) found.add(subject);
      }
    for (const operand of operandsOf(rewrite)) descend(on, of, operand);
  };
  visit(object, relation);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (!allowance.spend()) break;
    const definition = relationOf(rules.model, typeOfObject(next[0]) ?? "", next[1]);
    if (definition !== undefined) descend(...next, definition.rewrite);
  }
  return found;
};

/** Makes the interpreter of a valid model; its conditions are compiled once. */
export const interpreter = (
  model: Model,
  options: { readonly limits?: Partial<QuestionLimits> | undefined } = {},
): Interpreter => {
  const rules = rulesOf(model);
  const limits = { ...questionLimits, ...options.limits };
  const withContextual = (reader: TupleReader, { contextual, context }: Given): TupleReader => {
    rules.checkContext(context);
    for (const tuple of contextual ?? []) rules.checkTuple(tuple);
    return overlay(reader, contextual);
  };
  const solverOf = (reader: TupleReader, subject: string, { context }: Given): Solver =>
    solver(rules, reader, subject, context, limits.depth);
  const validate = ({ subject, relation, object }: CheckQuestion): void => {
    const type = rules.checkObject(object);
    rules.checkRelation(type, relation);
    rules.checkSubject(subject);
  };
  const collect = (
    names: Iterable<string>,
    ask: (name: string) => Answer,
    allowance: Allowance,
  ): Listed => {
    const found: string[] = [];
    let indeterminate = false;
    for (const name of names) {
      if (allowance.spent()) break;
      const answer = ask(name);
      if (answer === "allowed") found.push(name);
      if (answer === "indeterminate") indeterminate = true;
    }
    return { found: found.toSorted(), indeterminate: indeterminate || allowance.spent() };
  };
  return {
    checkTuple: rules.checkTuple,
    check: (reader, question) => {
      validate(question);
      const tuples = withContextual(reader, question);
      const solve = solverOf(tuples, question.subject, question);
      return checked(solve.ask(question.object, question.relation, allowanceOf(limits)));
    },
    checkBatch: (reader, questions) => {
      const shared = new Map<string, Solver>();
      return questions.map((question) => {
        validate(question);
        const { subject } = question;
        const tuples = withContextual(reader, question);
        const alone = (question.contextual ?? []).length > 0 || question.context !== undefined;
        const solve =
          (alone ? undefined : shared.get(subject)) ?? solverOf(tuples, subject, question);
        const allowance = allowanceOf(limits);
        const answer = solve.ask(question.object, question.relation, allowance);
        if (allowance.spent()) shared.delete(subject);
        else if (!alone) shared.set(subject, solve);
        return checked(answer);
      });
    },
    expand: (reader, { object, relation, contextual }) =>
      expandRelation(rules, withContextual(reader, { contextual }), object, relation),
    listObjects: (reader, question) => {
      rules.checkRelation(question.type, question.relation);
      rules.checkSubject(question.subject);
      const tuples = withContextual(reader, question);
      const allowance = allowanceOf(limits);
      const solve = solverOf(tuples, question.subject, question);
      // An object without any tuple has no relations, but that a userset is in itself.
      const itself = parseSubject(question.subject);
      const objects = new Set<string>(tuples.objects());
      if (itself?.relation !== undefined) objects.add(`${itself.type}:${itself.id}`);
      const ofType = objects.values().filter((object) => typeOfObject(object) === question.type);
      return collect(
        ofType,
        (object) => solve.ask(object, question.relation, allowance),
        allowance,
      );
    },
    listSubjects: (reader, question) => {
      const type = rules.checkObject(question.object);
      rules.checkRelation(type, question.relation);
      const [filterType = "", filterRelation] = question.filter.split("#");
      if (filterRelation === undefined) rules.checkType(filterType);
      else rules.checkRelation(filterType, filterRelation);
      const tuples = withContextual(reader, question);
      const allowance = allowanceOf(limits);
      const named = candidates(rules, tuples, question, allowance);
      const ask = (subject: string, mode: Mode): Answer =>
        solverOf(tuples, subject, question).ask(
          question.object,
          question.relation,
          allowance,
          mode,
        );
      const everybody = `${question.filter}:*`;
      // Whom the wildcard stands for need not be named beside it; without it, whoever may must be.
      const mode =
        named.has(everybody) && ask(everybody, "holds") === "allowed" ? "named" : "holds";
      return collect(named, (subject) => ask(subject, mode), allowance);
    },
  };
};
