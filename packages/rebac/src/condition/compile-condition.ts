import type { ASTNode } from "@marcbachmann/cel-js";
import { Environment, serialize } from "@marcbachmann/cel-js";
import { RE2JS } from "re2js";
import type { ConditionDefinition, ParameterType, ParameterTypeName } from "../model/model.ts";
import { modelError } from "../model/model-error.ts";
import { modelLimits } from "../model/model-limits.ts";
import { QuestionError } from "../question-error.ts";
import { convertParameter } from "./convert-parameter.ts";
import { IpAddress } from "./ip-address.ts";

/** Whether a condition holds. Throws `QuestionError` where what was given does not decide it. */
export type Condition = (
  tupleContext: Readonly<Record<string, unknown>> | undefined,
  requestContext: Readonly<Record<string, unknown>> | undefined,
) => boolean;

const celTypes = {
  any: "dyn",
  bool: "bool",
  string: "string",
  int: "int",
  uint: "uint",
  double: "double",
  duration: "google.protobuf.Duration",
  timestamp: "google.protobuf.Timestamp",
  ipaddress: "ipaddress",
  map: "map",
  list: "list",
} as const satisfies Record<ParameterTypeName, string>;

const celType = ({ name, of }: ParameterType): string => {
  const inner = of === undefined ? "dyn" : celType(of);
  if (name === "map") return `map<string, ${inner}>`;
  return name === "list" ? `list<${inner}>` : celTypes[name];
};

/** Comprehensions over lists, each of which multiplies the work by the length of its list. */
const macros: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "filter", "map"]);
const maxLoops = 1;

const isNode = (value: unknown): value is ASTNode =>
  typeof value === "object" && value !== null && "op" in value && "args" in value;

type Called = Extract<ASTNode, { op: "rcall" }>;

/** How deep comprehensions stand in one another below a node, and the calls of `matches`, collected on the way. */
const survey = (value: unknown, matches: Called[]): number => {
  if (Array.isArray(value))
    return value.reduce<number>((most, part) => Math.max(most, survey(part, matches)), 0);
  if (!isNode(value)) return 0;
  const below = survey(value.args, matches);
  if (value.op !== "rcall") return below;
  if (value.args[0] === "matches") matches.push(value);
  return below + (macros.has(value.args[0]) ? 1 : 0);
};

const patterns = (): ((text: string, pattern: string) => boolean) => {
  const compiled = new Map<string, RE2JS>();
  return (text, pattern) => {
    let expression = compiled.get(pattern);
    if (expression === undefined) {
      expression = RE2JS.compile(pattern);
      if (compiled.size >= 16) compiled.clear();
      compiled.set(pattern, expression);
    }
    return expression.matcher(text).find();
  };
};

/** The environment of a condition. Its limits bound the work together with the size of the context. */
const environmentOf = (condition: ConditionDefinition): Environment => {
  const environment = new Environment({
    limits: { maxAstNodes: 500, maxDepth: 32, maxListElements: 100, maxMapEntries: 100 },
  })
    .registerType("ipaddress", IpAddress)
    .registerFunction("ipaddress(string): ipaddress", (text: string) => new IpAddress(text))
    .registerFunction("ipaddress.in_cidr(string): bool", (address: IpAddress, cidr: string) =>
      address.isIn(cidr),
    )
    .registerOperator("ipaddress == ipaddress", (one: IpAddress, other: IpAddress) =>
      one.equals(other),
    )
    .registerFunction("string.matchesLinear(string): bool", patterns());
  for (const [name, type] of Object.entries(condition.parameters))
    environment.registerVariable(name, celType(type));
  return environment;
};

type Expression = (context: Record<string, unknown>) => unknown;

const parseExpression = (condition: ConditionDefinition): Expression => {
  const environment = environmentOf(condition);
  const parsed = environment.parse(condition.expression);
  const matches: Called[] = [];
  if (survey(parsed.ast, matches) > maxLoops)
    throw new RangeError("all, exists, filter and map may not stand in one another");
  const checked = parsed.check();
  if (!checked.valid) throw checked.error ?? new TypeError("it has no type");
  if (checked.type !== "bool") throw new TypeError(`it must be a bool and is ${checked.type}`);
  if (matches.length === 0) return parsed;
  // The library's own `matches` backtracks: a pattern of a dozen characters could hold up the process.
  for (const { args } of matches) args[0] = "matchesLinear";
  return environment.parse(serialize(parsed.ast));
};

const summary = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";

const checkParameters = (name: string, condition: ConditionDefinition, line?: number): void => {
  const parameters = Object.keys(condition.parameters);
  if (condition.expression.length > modelLimits.expression)
    throw modelError(
      `the condition ${name} has more than ${modelLimits.expression} characters`,
      line,
    );
  if (parameters.length > modelLimits.parameters)
    throw modelError(
      `the condition ${name} has more than ${modelLimits.parameters} parameters`,
      line,
    );
};

/** Compiles a condition's CEL. Throws `invalid-request` that names the line if it does not compile to a bool. */
export const compileCondition = (
  name: string,
  condition: ConditionDefinition,
  line?: number,
): Condition => {
  checkParameters(name, condition, line);
  let expression: Expression;
  try {
    expression = parseExpression(condition);
  } catch (error) {
    throw modelError(`the condition ${name} does not compile: ${summary(error)}`, line);
  }
  const refuse = (detail: string): QuestionError =>
    new QuestionError("invalid", `The condition ${name} cannot be judged: ${detail}.`);
  return (tupleContext, requestContext) => {
    const given: Record<string, unknown> = {};
    for (const [parameter, type] of Object.entries(condition.parameters)) {
      // What was stored with the relation wins: a request may not replace it.
      const source = [tupleContext, requestContext].find(
        (context) => context !== undefined && Object.hasOwn(context, parameter),
      );
      if (source === undefined) continue;
      try {
        given[parameter] = convertParameter(source[parameter], type);
      } catch (error) {
        throw refuse(`${parameter} ${summary(error)}`);
      }
    }
    // Even where the rest would decide: a forgotten parameter is a mistake of the caller, and shows at once.
    const missing = Object.keys(condition.parameters).filter((key) => !Object.hasOwn(given, key));
    if (missing.length > 0) throw refuse(`the context lacks ${missing.join(", ")}`);
    try {
      return expression(given) === true;
    } catch (error) {
      throw refuse(summary(error));
    }
  };
};
