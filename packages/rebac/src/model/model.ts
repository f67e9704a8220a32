/** How a relation is computed from tuples and from other relations. */
export type Rewrite =
  | { readonly kind: "direct" }
  | { readonly kind: "computed"; readonly relation: string }
  | { readonly kind: "from"; readonly tupleset: string; readonly relation: string }
  | { readonly kind: "union" | "intersection"; readonly children: readonly Rewrite[] }
  | { readonly kind: "difference"; readonly base: Rewrite; readonly subtract: Rewrite };

/** One entry between the brackets of a relation: `user`, `user:*`, `group#member`, each perhaps `with` a condition. */
export interface Restriction {
  readonly type: string;
  readonly relation?: string;
  readonly wildcard?: true;
  readonly condition?: string;
}

export interface RelationDefinition {
  readonly rewrite: Rewrite;
  readonly restrictions: readonly Restriction[];
}

export const parameterTypeNames = [
  "any",
  "bool",
  "string",
  "int",
  "uint",
  "double",
  "duration",
  "timestamp",
  "ipaddress",
  "map",
  "list",
] as const;
export type ParameterTypeName = (typeof parameterTypeNames)[number];

/** `of` is what a list or the values of a map hold. */
export interface ParameterType {
  readonly name: ParameterTypeName;
  readonly of?: ParameterType;
}

export interface ConditionDefinition {
  /** CEL. */
  readonly expression: string;
  readonly parameters: Readonly<Record<string, ParameterType>>;
}

/**
 * An authorization model of OpenFGA's schema 1.1 or 1.2. Plain data: it may be kept as JSON and used again without
 * being parsed. Only `parseModel` makes one that is known to be valid.
 */
export interface Model {
  readonly types: Readonly<Record<string, Readonly<Record<string, RelationDefinition>>>>;
  readonly conditions: Readonly<Record<string, ConditionDefinition>>;
}

/** The relations of a type; undefined if there is no such type. */
export const relationsOf = (
  model: Model,
  type: string,
): Readonly<Record<string, RelationDefinition>> | undefined =>
  Object.hasOwn(model.types, type) ? model.types[type] : undefined;

/** A relation of a type; undefined if either is missing. */
export const relationOf = (
  model: Model,
  type: string,
  relation: string,
): RelationDefinition | undefined => {
  const relations = relationsOf(model, type);
  return relations !== undefined && Object.hasOwn(relations, relation)
    ? relations[relation]
    : undefined;
};

/** A condition by its name; undefined if there is none. */
export const conditionOf = (model: Model, name: string): ConditionDefinition | undefined =>
  Object.hasOwn(model.conditions, name) ? model.conditions[name] : undefined;

/** The operands of a rewrite, in their order. */
export const operandsOf = (rewrite: Rewrite): readonly Rewrite[] => {
  switch (rewrite.kind) {
    case "union":
    case "intersection":
      return rewrite.children;
    case "difference":
      return [rewrite.base, rewrite.subtract];
    case "direct":
    case "computed":
    case "from":
      return [];
    default:
      return rewrite satisfies never;
  }
};
