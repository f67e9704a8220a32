import { compileCondition } from "../condition/compile-condition.ts";
import { hasEntryPoints } from "./entry-points.ts";
import type { Lines } from "./lines.ts";
import type { Model, RelationDefinition, Restriction, Rewrite } from "./model.ts";
import { conditionOf, operandsOf, relationOf, relationsOf } from "./model.ts";
import { modelError } from "./model-error.ts";
import { modelLimits } from "./model-limits.ts";

const typeName = /^[^:#@*\s]{1,254}$/u;
const relationName = /^[^:#@*\s]{1,50}$/u;
const conditionName = /^[^*\s]{1,50}$/u;
/** Words of the language, which may not be names in it. */
const keywords: ReadonlySet<string> = new Set(["self", "this"]);

const leavesOf = (rewrite: Rewrite): readonly Rewrite[] => {
  const operands = operandsOf(rewrite);
  return operands.length === 0 ? [rewrite] : operands.flatMap(leavesOf);
};

const spelt = ({ type, relation, wildcard }: Restriction): string =>
  `${type}${wildcard ? ":*" : ""}${relation === undefined ? "" : `#${relation}`}`;

const checkRestriction = (model: Model, entry: Restriction): string | undefined => {
  if (relationsOf(model, entry.type) === undefined) return `${entry.type} is not a type`;
  if (entry.relation !== undefined && !relationOf(model, entry.type, entry.relation))
    return `${entry.relation} is not a relation of ${entry.type}`;
  if (entry.condition !== undefined && !conditionOf(model, entry.condition))
    return `${entry.condition} is not a condition`;
  return undefined;
};

const checkTupleset = (
  model: Model,
  type: string,
  rewrite: Extract<Rewrite, { kind: "from" }>,
): string | undefined => {
  const tupleset = relationOf(model, type, rewrite.tupleset);
  if (tupleset === undefined) return `${rewrite.tupleset} is not a relation of ${type}`;
  if (tupleset.rewrite.kind !== "direct")
    return `${rewrite.tupleset} must be given directly to be used after "from"`;
  const odd = tupleset.restrictions.find((entry) => entry.wildcard || entry.relation !== undefined);
  if (odd !== undefined)
    return `${rewrite.tupleset} may not allow ${spelt(odd)} to be used after "from"`;
  if (tupleset.restrictions.every(({ type: of }) => !relationOf(model, of, rewrite.relation)))
    return `${rewrite.relation} is not a relation of what ${rewrite.tupleset} may name`;
  return undefined;
};

/** What is named twice where once says the same: a slip, as it is almost surely not what was meant. */
const repeated = (definition: RelationDefinition): string | undefined => {
  const named = [
    ...definition.restrictions.map((entry) =>
      entry.condition === undefined ? spelt(entry) : `${spelt(entry)} with ${entry.condition}`,
    ),
    ...operandsOf(definition.rewrite).flatMap((operand) => {
      if (operand.kind === "computed") return `relation ${operand.relation}`;
      return operand.kind === "from" ? `relation ${operand.relation} from ${operand.tupleset}` : [];
    }),
  ];
  return named.find((name, index) => named.indexOf(name) !== index);
};

const checkRelation = (
  model: Model,
  type: string,
  definition: RelationDefinition,
): string | undefined => {
  const leaves = leavesOf(definition.rewrite);
  const direct = leaves.some(({ kind }) => kind === "direct");
  if (direct && definition.restrictions.length === 0)
    return "a relation that is given directly must name the types it may be given to";
  if (!direct && definition.restrictions.length > 0)
    return "a relation that is not given directly may not name types";
  if (definition.restrictions.length > modelLimits.restrictions)
    return `more than ${modelLimits.restrictions} types between the brackets`;
  const twice = repeated(definition);
  if (twice !== undefined) return `${twice} stands in it twice`;
  for (const entry of definition.restrictions) {
    const wrong = checkRestriction(model, entry);
    if (wrong !== undefined) return wrong;
  }
  for (const leaf of leaves) {
    if (leaf.kind === "computed" && relationOf(model, type, leaf.relation) === undefined)
      return `${leaf.relation} is not a relation of ${type}`;
    const wrong = leaf.kind === "from" ? checkTupleset(model, type, leaf) : undefined;
    if (wrong !== undefined) return wrong;
  }
  return undefined;
};

const checkSize = (model: Model): void => {
  const types = Object.values(model.types);
  if (types.length === 0) throw modelError("the model defines no type");
  if (types.length > modelLimits.types)
    throw modelError(`the model defines more than ${modelLimits.types} types`);
  const relations = types.reduce((sum, of) => sum + Object.keys(of).length, 0);
  if (relations > modelLimits.relations)
    throw modelError(`the model defines more than ${modelLimits.relations} relations`);
  if (Object.keys(model.conditions).length > modelLimits.conditions)
    throw modelError(`the model defines more than ${modelLimits.conditions} conditions`);
};

const checkConditions = (model: Model, lines: Lines): void => {
  const used = new Set(
    Object.values(model.types).flatMap((relations) =>
      Object.values(relations).flatMap(({ restrictions }) =>
        restrictions.flatMap(({ condition }) => condition ?? []),
      ),
    ),
  );
  for (const [name, condition] of Object.entries(model.conditions)) {
    const line = lines.condition(name);
    if (!conditionName.test(name)) throw modelError(`${name} is not a name for a condition`, line);
    if (!used.has(name)) throw modelError(`the condition ${name} is not used`, line);
    compileCondition(name, condition, line);
  }
};

/** Checks what the names of a model mean, its limits and its conditions. Throws `invalid-request` that names the line. */
export const checkModel = (model: Model, lines: Lines): void => {
  checkSize(model);
  for (const [type, relations] of Object.entries(model.types)) {
    if (!typeName.test(type) || keywords.has(type))
      throw modelError(`${type} is not a name for a type`, lines.type(type));
    for (const [relation, definition] of Object.entries(relations)) {
      const line = lines.relation(type, relation);
      if (!relationName.test(relation) || keywords.has(relation))
        throw modelError(`${relation} is not a name for a relation`, line);
      const wrong = checkRelation(model, type, definition);
      if (wrong !== undefined) throw modelError(`${type}#${relation}: ${wrong}`, line);
    }
  }
  const reached = hasEntryPoints(model);
  for (const [type, relations] of Object.entries(model.types))
    for (const relation of Object.keys(relations))
      if (!reached(type, relation))
        throw modelError(
          `${type}#${relation} can never hold: it stands on nothing but itself`,
          lines.relation(type, relation),
        );
  checkConditions(model, lines);
};
