import type {
  ConditionDefinition,
  Model,
  ParameterType,
  RelationDefinition,
  Restriction,
  Rewrite,
} from "./model.ts";
import { parameterTypeNames } from "./model.ts";
import type { Lines } from "./lines.ts";
import { modelError } from "./model-error.ts";
import { modelLimits } from "./model-limits.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What is wrong with the shape of a model, before it is known where. */
class ShapeError extends Error {}

const located = <T>(line: number | undefined, decode: () => T): T => {
  try {
    return decode();
  } catch (error) {
    throw error instanceof ShapeError ? modelError(error.message, line) : error;
  }
};

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const fields = (value: unknown, where: string): Fields => {
  if (!isFields(value)) throw new ShapeError(`${where} must be an object`);
  return value;
};

/** Absent and null are the same in the JSON of models. */
const optionalFields = (value: unknown, where: string): Fields =>
  value === undefined || value === null ? {} : fields(value, where);

const list = (value: unknown, where: string): readonly unknown[] => {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new ShapeError(`${where} must be a list`);
  return value;
};

const text = (value: unknown, where: string): string => {
  if (typeof value !== "string" || value === "") throw new ShapeError(`${where} must be a string`);
  return value;
};

const optionalText = (value: unknown, where: string): string | undefined =>
  value === undefined || value === null || value === "" ? undefined : text(value, where);

const decodeRewrite = (value: unknown, where: string, depth: number): Rewrite => {
  if (depth > modelLimits.depth)
    throw new ShapeError(`${where} is nested more than ${modelLimits.depth} deep`);
  const rewrite = fields(value, where);
  const [kind, ...more] = Object.keys(rewrite).filter((key) => rewrite[key] !== undefined);
  if (kind === undefined || more.length > 0)
    throw new ShapeError(`${where} must have exactly one kind of userset`);
  const inner = rewrite[kind];
  const children = (): readonly Rewrite[] => {
    const found = list(fields(inner, where)["child"], where);
    if (found.length === 0) throw new ShapeError(`${where} combines nothing`);
    if (found.length > modelLimits.operands)
      throw new ShapeError(`${where} combines more than ${modelLimits.operands} relations`);
    return found.map((child) => decodeRewrite(child, where, depth + 1));
  };
  switch (kind) {
    case "this":
      return { kind: "direct" };
    case "computedUserset":
      return { kind: "computed", relation: text(fields(inner, where)["relation"], where) };
    case "tupleToUserset": {
      const parts = fields(inner, where);
      return {
        kind: "from",
        tupleset: text(fields(parts["tupleset"], where)["relation"], where),
        relation: text(fields(parts["computedUserset"], where)["relation"], where),
      };
    }
    case "union":
    case "intersection":
      return { kind, children: children() };
    case "difference": {
      const parts = fields(inner, where);
      return {
        kind,
        base: decodeRewrite(parts["base"], where, depth + 1),
        subtract: decodeRewrite(parts["subtract"], where, depth + 1),
      };
    }
    default:
      throw new ShapeError(`${where} has an unknown kind of userset, ${JSON.stringify(kind)}`);
  }
};

const decodeRestriction = (value: unknown, where: string): Restriction => {
  const parts = fields(value, where);
  const relation = optionalText(parts["relation"], where);
  const condition = optionalText(parts["condition"], where);
  const wildcard = parts["wildcard"] !== undefined && parts["wildcard"] !== null;
  if (wildcard && relation !== undefined)
    throw new ShapeError(`${where} allows a wildcard and a relation in one`);
  return {
    type: text(parts["type"], where),
    ...(relation === undefined ? {} : { relation }),
    ...(wildcard ? { wildcard: true } : {}),
    ...(condition === undefined ? {} : { condition }),
  };
};

const decodeType = (
  value: unknown,
  lines: Lines,
): readonly [string, Readonly<Record<string, RelationDefinition>>] => {
  const parts = fields(value, "a type");
  const type = text(parts["type"], "the name of a type");
  const restrictions = optionalFields(
    optionalFields(parts["metadata"], `the metadata of ${type}`)["relations"],
    `the metadata of ${type}`,
  );
  const relations = Object.entries(optionalFields(parts["relations"], `the relations of ${type}`));
  return [
    type,
    Object.fromEntries(
      relations.map(([relation, rewrite]) => {
        const where = `${type}#${relation}`;
        return located(lines.relation(type, relation), () => {
          const metadata = Object.hasOwn(restrictions, relation)
            ? restrictions[relation]
            : undefined;
          const allowed = list(
            optionalFields(metadata, where)["directly_related_user_types"],
            where,
          ).map((entry) => decodeRestriction(entry, where));
          return [relation, { rewrite: decodeRewrite(rewrite, where, 1), restrictions: allowed }];
        });
      }),
    ),
  ];
};

const decodeParameter = (value: unknown, where: string, depth = 1): ParameterType => {
  const parts = fields(value, where);
  const spelt = text(parts["type_name"], where);
  const name = parameterTypeNames.find((known) => spelt === `TYPE_NAME_${known.toUpperCase()}`);
  if (name === undefined) throw new ShapeError(`${where} has an unknown type, ${spelt}`);
  const generic = list(parts["generic_types"], where);
  if (name !== "map" && name !== "list") return { name };
  if (generic.length !== 1 || depth > 4)
    throw new ShapeError(`${where} must name one type that its elements have`);
  return { name, of: decodeParameter(generic[0], where, depth + 1) };
};

const decodeCondition = (name: string, value: unknown): ConditionDefinition => {
  const where = `the condition ${name}`;
  const parts = fields(value, where);
  if (parts["name"] !== undefined && parts["name"] !== name)
    throw new ShapeError(`${where} names itself otherwise`);
  return {
    expression: text(parts["expression"], where),
    parameters: Object.fromEntries(
      Object.entries(optionalFields(parts["parameters"], where)).map(([parameter, type]) => [
        parameter,
        decodeParameter(type, `the parameter ${parameter} of ${where}`),
      ]),
    ),
  };
};

const decode = (value: unknown, lines: Lines): Model => {
  const parts = fields(value, "the model");
  const schema = parts["schema_version"];
  if (schema !== "1.1" && schema !== "1.2")
    throw new ShapeError("schema_version must be 1.1 or 1.2");
  const types = list(parts["type_definitions"], "type_definitions").map((type) =>
    decodeType(type, lines),
  );
  const names = new Set<string>();
  for (const [type] of types) {
    if (names.has(type)) throw new ShapeError(`the type ${type} is defined twice`);
    names.add(type);
  }
  const conditions = Object.entries(optionalFields(parts["conditions"], "conditions"));
  return {
    types: Object.fromEntries(types),
    conditions: Object.fromEntries(
      conditions.map(([name, condition]) => [
        name,
        located(lines.condition(name), () => decodeCondition(name, condition)),
      ]),
    ),
  };
};

/** Reads the JSON of an authorization model. Checks its shape and its nesting, not what its names mean. */
export const decodeModel = (value: unknown, lines: Lines): Model => {
  const { duplicate } = lines;
  if (duplicate !== undefined) throw modelError(duplicate.what, duplicate.line);
  return located(1, () => decode(value, lines));
};
