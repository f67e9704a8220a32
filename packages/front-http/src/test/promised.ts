import { isDeepStrictEqual } from "node:util";
import { problemSchema, problemType } from "@bulkhead/wire";
import type { z } from "zod";
import type { Route } from "../call.ts";
import type { Answered } from "../describe.ts";
import { answerHeadersOf, pathOf, problemHeadersOf } from "../openapi/operation.ts";
import { problemsOf } from "../openapi/problems.ts";
import { routes } from "../routes/index.ts";
import { isFileRoute, parseTarget } from "../target.ts";

/** One exchange as a client saw it. */
export interface Exchanged {
  readonly method: string;
  readonly target: string;
  readonly status: number;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  /** The text of the body; undefined where nobody has read it. */
  readonly body: string | undefined;
}

/** What every answer may have, whatever it is about, and what belongs to the connection. */
const transport: ReadonlySet<string> = new Set([
  "cache-control",
  "connection",
  "content-length",
  "content-type",
  "date",
  "keep-alive",
  "referrer-policy",
  "transfer-encoding",
  "vary",
  "x-content-type-options",
]);

/** Statuses of requests that are refused before their route is known. */
const beforeRoutes: ReadonlySet<number> = new Set([400, 405, 408, 413, 417, 431]);

const patterns = routes.map((route) => ({
  route,
  pattern: new RegExp(
    isFileRoute(route.url) ? `^${route.url}(/.*)?$` : `^${route.url.replaceAll(/:\w+/g, "[^/]+")}$`,
    "s",
  ),
}));

/** The route that answers; one without parameters before one with them. */
export const routeOf = (method: string, target: string): Route | undefined => {
  const { path } = parseTarget(target);
  const asked = method === "HEAD" ? "GET" : method;
  const found = patterns
    .filter(({ route, pattern }) => route.method === asked && pattern.test(path))
    .map(({ route }) => route);
  return found.find(({ url }) => !url.includes(":")) ?? found[0];
};

const parsed = (schema: z.ZodType, body: string): string | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return "is no JSON";
  }
  const result = schema.safeParse(value);
  if (!result.success)
    return result.error.issues
      .map(({ path, message }) => `${path.join(".")}: ${message}`)
      .join("; ");
  // What no schema names was left out.
  return isDeepStrictEqual(result.data, value) ? undefined : "has members that no schema names";
};

const headerFaults = ({ headers }: Exchanged, declared: readonly string[]): readonly string[] => {
  const known = declared.map((name) => name.toLowerCase().replace(/\{\w+\}$/, ""));
  return [...headers.keys()]
    .filter((name) => !transport.has(name) && !name.startsWith("access-control-"))
    .filter(
      (name) => !known.some((one) => (one.endsWith("-") ? name.startsWith(one) : name === one)),
    )
    .map((name) => `the header '${name}' is not declared`);
};

const typeOf = ({ headers }: Exchanged): string =>
  (headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "";

const successFaults = (given: Exchanged, route: Route, answer: Answered): readonly string[] => {
  const faults = [...headerFaults(given, [...answerHeadersOf(route), ...(answer.headers ?? [])])];
  const { json, types = [] } = answer;
  if (given.method === "HEAD" || given.status === 204 || given.status === 304) return faults;
  const type = typeOf(given);
  if (json === undefined && types.length === 0)
    return type === "" ? faults : [...faults, `it has a body of ${type}`];
  if (json !== undefined && type === "application/json") {
    const fault = given.body === undefined ? undefined : parsed(json, given.body);
    return fault === undefined ? faults : [...faults, `its body: ${fault}`];
  }
  if (types.includes("*/*") || types.includes(type)) return faults;
  return [...faults, `its content type '${type}' is not declared`];
};

const problemFaults = (given: Exchanged, route: Route | undefined): readonly string[] => {
  const { status, body, method } = given;
  const codes = route === undefined ? undefined : problemsOf(route).get(status);
  const declared = codes !== undefined || route === undefined || beforeRoutes.has(status);
  const faults = [
    ...(declared ? [] : ["the status is not declared"]),
    ...headerFaults(given, [...problemHeadersOf(status), "Allow"]),
    ...(typeOf(given) === problemType ? [] : [`its content type is '${typeOf(given)}'`]),
  ];
  if (method === "HEAD" || body === undefined) return faults;
  const fault = parsed(problemSchema, body);
  if (fault !== undefined) return [...faults, `its body: ${fault}`];
  const { code, status: told } = problemSchema.parse(JSON.parse(body));
  return [
    ...faults,
    ...(told === status ? [] : [`its body says ${told}`]),
    ...(codes === undefined || codes.includes(code) || beforeRoutes.has(status)
      ? []
      : [`its code '${code}' is not declared`]),
  ];
};

/** Names what an answer does otherwise than the document says of its operation. */
const faultsOf = (given: Exchanged): readonly string[] => {
  const route = routeOf(given.method, given.target);
  const answer = route?.answers[given.status];
  if (route !== undefined && answer !== undefined) return successFaults(given, route, answer);
  if (given.status < 400) return ["the status is not declared"];
  return problemFaults(given, route);
};

/** Throws where an answer is another than the document says. */
export const checkPromised = (given: Exchanged): void => {
  const faults = faultsOf(given);
  if (faults.length === 0) return;
  const { method, target, status, body } = given;
  const route = routeOf(method, target);
  const name = route === undefined ? target : pathOf(route);
  throw new Error(
    `${method} ${name} answered ${status}, and the document says otherwise: ${faults.join("; ")}\n${body?.slice(0, 2000) ?? ""}`,
  );
};
