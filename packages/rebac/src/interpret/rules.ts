import type { Condition } from "../condition/compile-condition.ts";
import { compileCondition } from "../condition/compile-condition.ts";
import type { Model } from "../model/model.ts";
import { relationOf, relationsOf } from "../model/model.ts";
import { QuestionError } from "../question-error.ts";
import type { ModelTuple, SubjectParts } from "./model-tuple.ts";
import { parseSubject, typeOfObject } from "./model-tuple.ts";

/** What a model says about tuples and questions. */
export interface Rules {
  readonly model: Model;
  /** Whether the model, as it is now, lets this tuple count. One that it does not is as if it were absent. */
  readonly allows: (tuple: ModelTuple) => boolean;
  /** Whether the tuple's condition holds. Throws `QuestionError` where that cannot be told. */
  readonly holds: (
    tuple: ModelTuple,
    context: Readonly<Record<string, unknown>> | undefined,
  ) => boolean;
  /** Throws `QuestionError` of the fault `tuple` for a tuple that the model does not allow to be given. */
  readonly checkTuple: (tuple: ModelTuple) => void;
  /** Throws `QuestionError` of the fault `invalid` for a context that is too large. */
  readonly checkContext: (context: Readonly<Record<string, unknown>> | undefined) => void;
  /** Throws `QuestionError` of the fault `invalid` for a subject that the model does not know. */
  readonly checkSubject: (subject: string) => void;
  /** The type of an object. Throws `QuestionError` of the faults `invalid` and `type`. */
  readonly checkObject: (object: string) => string;
  /** Throws `QuestionError` of the fault `type`. */
  readonly checkType: (type: string) => void;
  /** Throws `QuestionError` of the faults `type` and `relation`. */
  readonly checkRelation: (type: string, relation: string) => void;
}

const shapeOf = ({ type, id, relation }: SubjectParts): string => {
  if (id === "*") return `${type}:*`;
  return relation === undefined ? type : `${type}#${relation}`;
};

/** Which shapes of subjects each relation may be given to, each with the condition it must name. */
const allowances = (model: Model): ReadonlyMap<string, ReadonlySet<string>> =>
  new Map(
    Object.entries(model.types).flatMap(([type, relations]) =>
      Object.entries(relations).map(([relation, { restrictions }]) => [
        `${type}#${relation}`,
        new Set(
          restrictions.map(
            (entry) =>
              `${shapeOf({ type: entry.type, id: entry.wildcard ? "*" : "", relation: entry.relation })} ${entry.condition ?? ""}`,
          ),
        ),
      ]),
    ),
  );

const fault = (kind: "type" | "relation" | "tuple" | "invalid", detail: string): QuestionError =>
  new QuestionError(kind, detail);

/** Of the context of a question or of a tuple, written as JSON, in UTF-16 code units. */
const maxContext = 32 * 1024;

const checkContext: Rules["checkContext"] = (context) => {
  if (context !== undefined && JSON.stringify(context).length > maxContext)
    throw fault("invalid", `A context may have at most ${maxContext} characters.`);
};

export const rulesOf = (model: Model): Rules => {
  const allowed = allowances(model);
  const conditions = new Map<string, Condition>(
    Object.entries(model.conditions).map(([name, condition]) => [
      name,
      compileCondition(name, condition),
    ]),
  );
  const allows = (tuple: ModelTuple): boolean => {
    const type = typeOfObject(tuple.object);
    const subject = parseSubject(tuple.subject);
    return (
      type !== undefined &&
      subject !== undefined &&
      (allowed
        .get(`${type}#${tuple.relation}`)
        ?.has(`${shapeOf(subject)} ${tuple.condition?.name ?? ""}`) ??
        false)
    );
  };
  const checkType = (type: string): void => {
    if (relationsOf(model, type) === undefined)
      throw fault("type", `The model has no type ${type}.`);
  };
  const checkRelation = (type: string, relation: string): void => {
    checkType(type);
    if (relationOf(model, type, relation) === undefined)
      throw fault("relation", `The type ${type} has no relation ${relation}.`);
  };
  const checkObject = (object: string): string => {
    const type = typeOfObject(object);
    if (type === undefined) throw fault("invalid", `${object} is not an object such as type:id.`);
    checkType(type);
    return type;
  };
  return {
    model,
    allows,
    checkContext,
    checkObject,
    checkType,
    checkRelation,
    holds: ({ condition }, context) => {
      if (condition === undefined) return true;
      const judge = conditions.get(condition.name);
      if (judge === undefined) throw fault("invalid", `There is no condition ${condition.name}.`);
      return judge(condition.context, context);
    },
    checkSubject: (subject) => {
      const parts = parseSubject(subject);
      if (parts === undefined)
        throw fault("invalid", `${subject} is not a subject such as user:alice.`);
      const { type, relation } = parts;
      if (relationsOf(model, type) === undefined)
        throw fault("invalid", `The model has no type ${type}.`);
      if (relation !== undefined && relationOf(model, type, relation) === undefined)
        throw fault("invalid", `The type ${type} has no relation ${relation}.`);
    },
    checkTuple: (tuple) => {
      const spelt = `${tuple.subject} ${tuple.relation} ${tuple.object}`;
      if (!allows(tuple))
        throw fault(
          "tuple",
          tuple.condition === undefined
            ? `The model does not allow ${spelt}.`
            : `The model does not allow ${spelt} under the condition ${tuple.condition.name}.`,
        );
      checkContext(tuple.condition?.context);
      const given = Object.keys(tuple.condition?.context ?? {});
      const known = tuple.condition && model.conditions[tuple.condition.name]?.parameters;
      const unknown = given.find((key) => known === undefined || !Object.hasOwn(known, key));
      if (unknown !== undefined)
        throw fault("tuple", `The condition ${tuple.condition?.name} has no parameter ${unknown}.`);
    },
  };
};
