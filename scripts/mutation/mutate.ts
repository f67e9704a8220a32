import { parseSync } from "oxc-parser";

/** One change of a source. */
export interface Mutant {
  readonly id: number;
  readonly line: number;
  readonly operator: string;
  readonly was: string;
  readonly became: string;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && "start" in value;

/** Types are gone before anything runs; what follows `as`, `satisfies` and `!` is not. */
const isType = ({ type }: Node): boolean =>
  type.startsWith("TS") &&
  !["TSAsExpression", "TSSatisfiesExpression", "TSNonNullExpression"].includes(type);

const childrenOf = (node: Node): readonly Node[] =>
  Object.entries(node)
    .filter(([key]) => !/^type(?:Annotation|Parameters|Arguments)$|^returnType$/.test(key))
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]))
    .filter(isNode)
    .filter((child) => !isType(child))
    .toSorted((a, b) => a.start - b.start);

const swaps: Readonly<Record<string, readonly string[]>> = {
  "===": ["!=="],
  "!==": ["==="],
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "&": ["|"],
  "|": ["&"],
  "&&": ["||"],
  "||": ["&&"],
};
const methods: Readonly<Record<string, string>> = {
  some: "every",
  every: "some",
  min: "max",
  max: "min",
  startsWith: "endsWith",
  slice: "at",
};
const isFunction = ({ type }: Node): boolean =>
  ["ArrowFunctionExpression", "FunctionExpression", "FunctionDeclaration"].includes(type);

/**
 * Puts every change of a source into it at once, each behind a switch: `__mutant(id)`. What is evaluated when the module is
 * loaded is left alone, since it is loaded once; so are texts, which people read, and types, which nothing runs.
 */
export const mutate = (
  file: string,
  source: string,
  first: number,
): { readonly code: string; readonly mutants: readonly Mutant[] } => {
  const mutants: Mutant[] = [];
  const raw = (node: Node): string => source.slice(node.start, node.end);
  const add = (node: Node, operator: string, became: string): number => {
    const id = first + mutants.length;
    const line = source.slice(0, node.start).split("\n").length;
    const short = (text: string): string => text.replaceAll(/\s+/g, " ");
    mutants.push({ id, line, operator, was: short(raw(node)), became: short(became) });
    return id;
  };

  /** What an expression may become, beside what becomes of its parts. */
  const alternatives = (
    node: Node,
    isCondition: boolean,
  ): readonly (readonly [string, string])[] => {
    const found: (readonly [string, string])[] = [];
    const { left, right, operator, argument, callee } = node;
    if (isCondition) found.push(["condition", "true"], ["condition", "false"]);
    if (isNode(left) && isNode(right) && typeof operator === "string") {
      const isTyped = node.type === "BinaryExpression" || node.type === "LogicalExpression";
      for (const other of isTyped ? (swaps[operator] ?? []) : [])
        found.push([operator, `(${raw(left)}) ${other} (${raw(right)})`]);
      if (node.type === "LogicalExpression" && operator === "??") found.push(["??", raw(left)]);
    }
    if (node.type === "UnaryExpression" && operator === "!" && isNode(argument) && !isCondition)
      found.push(["!", raw(argument)]);
    if (node.type === "Literal" && typeof node["value"] === "boolean")
      found.push(["boolean", String(!node["value"])]);
    if (
      node.type === "ArrayExpression" &&
      Array.isArray(node["elements"]) &&
      node["elements"].length > 0
    )
      found.push(["array", "[]"]);
    if (node.type === "CallExpression" && isNode(callee) && callee.type === "MemberExpression") {
      const { object, property } = callee;
      const name = isNode(property) ? raw(property) : "";
      if (isNode(object) && isNode(property)) {
        if (name === "filter") found.push(["filter", raw(object)]);
        else if (Object.hasOwn(methods, name))
          found.push([
            name,
            `${raw(object)}.${methods[name] ?? ""}${source.slice(property.end, node.end)}`,
          ]);
      }
    }
    return found;
  };

  const render = (node: Node, inside: boolean, isCondition: boolean): string => {
    const within = inside || isFunction(node);
    let text = "";
    let at = node.start;
    for (const child of childrenOf(node)) {
      if (child.start < at) continue;
      const tested = node["test"] === child && node.type !== "SwitchCase";
      text += source.slice(at, child.start) + render(child, within, tested);
      at = child.end;
    }
    text += source.slice(at, node.end);
    if (!inside) return text;
    if (node.type === "ExpressionStatement") {
      const { expression } = node;
      const called =
        isNode(expression) && expression.type === "AwaitExpression"
          ? expression["argument"]
          : expression;
      if (isNode(called) && called.type === "CallExpression")
        return `{ if (!__mutant(${add(node, "call", "")})) ${text} }`;
      return text;
    }
    if (node.type === "ThrowStatement")
      return `{ if (!__mutant(${add(node, "throw", "")})) ${text} }`;
    const chosen = alternatives(node, isCondition)
      .map(([operator, became]) => `__mutant(${add(node, operator, became)}) ? (${became}) : `)
      .join("");
    return chosen === "" ? text : `(${chosen}${text})`;
  };

  const { program, errors } = parseSync(file, source);
  if (errors.length > 0 || !isNode(program)) throw new Error(`${file} does not parse.`);
  const whole: Node = { ...program, start: 0, end: source.length };
  return { code: render(whole, false, false), mutants };
};
