import type { ErrorCode } from "@bulkhead/contract";
import { errorStatuses, problemType } from "@bulkhead/wire";
import type { z } from "zod";
import type { Route } from "../call.ts";
import type { Answered, QueryParameter } from "../describe.ts";
import { isFileRoute } from "../target.ts";
import {
  type AnswerHeader,
  answerHeaders,
  type RequestHeader,
  requestHeaders,
  requestHeadersOfAll,
  requestHeadersOfAny,
} from "./headers.ts";
import type { JsonSchema, JsonSchemas } from "./json-schemas.ts";
import { isIdempotent, problemsOf } from "./problems.ts";

type Json = Readonly<Record<string, unknown>>;

/** The path of a route as OpenAPI writes it. */
export const pathOf = ({ url }: Pick<Route, "url">): string =>
  isFileRoute(url) ? `${url}/{path}` : url.replaceAll(/:(\w+)/g, "{$1}");

/** What a part of a path is. */
const parts: Readonly<Record<string, readonly [does: string, example: string]>> = {
  path: [
    "A path of the tree without its first `/`, percent-encoded name by name; its `/` stay as they are. Empty for the key's home.",
    "data/report.txt",
  ],
  resource: ["A limit's or counter's name.", "files"],
  token: ["The token of a link.", "t0k3n"],
  user: ["A user's id.", "alice"],
  group: ["A group's id.", "staff"],
  name: ["A model's name.", "documents"],
  id: ["An id.", "acme"],
};

const pathParameters = (path: string): readonly Json[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => {
    const [description, example] = parts[name] ?? ["An id.", "42"];
    return { name, in: "path", required: true, description, schema: { type: "string" }, example };
  });

const queryParameter = (
  { name, does, schema, required }: QueryParameter,
  schemas: JsonSchemas,
): Json => ({
  name,
  in: "query",
  description: does,
  ...(required === true && { required }),
  schema: schemas.of(schema),
});

/** A header that is meant for requests, once for the whole document. */
export const headerParameter = (name: RequestHeader, schemas: JsonSchemas): Json => {
  const { does, schema, example } = requestHeaders[name];
  return { name, in: "header", description: does, schema: schemas.of(schema), example };
};

/** Under which name a header stands among the components: those names have no braces. */
export const componentOf = (header: RequestHeader | AnswerHeader): string =>
  header.replaceAll(/[{}]/g, "");

/** A header of answers, once for the whole document. */
export const answerHeader = (name: AnswerHeader, schemas: JsonSchemas): Json => {
  const { does, schema, example } = answerHeaders[name];
  return { description: does, schema: schemas.of(schema), example };
};

const headersOf = (names: readonly AnswerHeader[]): Json => ({
  headers: Object.fromEntries(
    names.map((name) => [name, { $ref: `#/components/headers/${componentOf(name)}` }]),
  ),
});

/** Headers that an answer may have because of what its request is, not of what it says. */
export const answerHeadersOf = (route: Route): readonly AnswerHeader[] => [
  "X-Request-Id",
  ...(route.open === true ? [] : (["RateLimit", "RateLimit-Policy"] as const)),
  ...(isIdempotent(route) ? (["Idempotency-Replayed"] as const) : []),
];

const bytes: JsonSchema = {};

const answered = (route: Route, answer: Answered, schemas: JsonSchemas): Json => ({
  description: answer.does,
  ...headersOf([...answerHeadersOf(route), ...(answer.headers ?? [])]),
  ...((answer.json !== undefined || answer.types !== undefined) && {
    content: {
      ...(answer.json !== undefined && { "application/json": { schema: schemas.of(answer.json) } }),
      ...Object.fromEntries((answer.types ?? []).map((type) => [type, { schema: bytes }])),
    },
  }),
});

const problemHeaders: Readonly<Record<number, readonly AnswerHeader[]>> = {
  401: ["WWW-Authenticate"],
  409: ["Retry-After"],
  412: ["ETag"],
  416: ["Content-Range"],
  429: ["Retry-After"],
  503: ["Retry-After"],
  504: ["Retry-After"],
};

/** Headers that a problem may have, by its status. */
export const problemHeadersOf = (status: number): readonly AnswerHeader[] => [
  "X-Request-Id",
  "RateLimit",
  "RateLimit-Policy",
  ...(problemHeaders[status] ?? []),
];

/** The name of the answer with one status and these codes among the components. */
export const problemName = (status: number, codes: readonly ErrorCode[]): string =>
  [status, ...codes].join(".");

/** A code has one status but for what HTTP itself asks for; the titles of those are told where they are thrown. */
const otherTitles: Readonly<Record<number, string>> = {
  408: "The body did not arrive in time",
  415: "Content codings are not kept",
};

const titleOfProblem = (status: number, code: ErrorCode): string =>
  otherTitles[status] ?? errorStatuses[code].title;

/** An answer that is a problem. */
export const problemAnswered = (status: number, codes: readonly ErrorCode[]): Json => ({
  description: codes.map((code) => `\`${code}\`: ${titleOfProblem(status, code)}.`).join(" "),
  ...headersOf(problemHeadersOf(status)),
  content: {
    [problemType]: {
      schema: {
        allOf: [
          { $ref: "#/components/schemas/Problem" },
          { properties: { status: { const: status }, code: { enum: codes } } },
        ],
      },
    },
  },
});

/** All schemas that a route needs. */
export const schemasOf = ({ takes, query = [], answers }: Route): readonly z.ZodType[] => [
  ...(takes === undefined || takes === "bytes" ? [] : [takes.json]),
  ...query.map(({ schema }) => schema),
  ...Object.values(answers).flatMap(({ json }) => json ?? []),
];

const bodyOf = ({ takes }: Route, schemas: JsonSchemas): Json => {
  if (takes === undefined) return {};
  if (takes === "bytes")
    return { requestBody: { required: true, content: { "*/*": { schema: bytes } } } };
  const schema = schemas.of(takes.json);
  // No body says as much as one without members.
  const required = takes.json.safeParse({}).success ? {} : { required: true };
  const content = { "application/json": { schema, example: takes.example } };
  return { requestBody: { ...required, content } };
};

/** What the name of an operation says, with spaces. */
const titleOf = (id: string): string => {
  const words = id.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
};

/** Renders a route as an operation. */
export const operationOf = (route: Route, tag: string, schemas: JsonSchemas): Json => {
  const { id, does, headers = [], query = [], answers } = route;
  const named: readonly RequestHeader[] = [
    ...headers,
    ...(isIdempotent(route) ? (["Idempotency-Key"] as const) : []),
    ...(route.open === true ? [] : requestHeadersOfAll),
    ...requestHeadersOfAny,
  ];
  return {
    operationId: id,
    summary: titleOf(id),
    description: does,
    tags: [tag],
    ...(route.open === true && { security: [] }),
    parameters: [
      ...pathParameters(pathOf(route)),
      ...query.map((parameter) => queryParameter(parameter, schemas)),
      ...named.map((name) => ({ $ref: `#/components/parameters/${componentOf(name)}` })),
    ],
    ...bodyOf(route, schemas),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [
          status,
          answered(route, answer, schemas),
        ]),
      ),
      ...Object.fromEntries(
        [...problemsOf(route)].map(([status, codes]) => [
          status,
          { $ref: `#/components/responses/${problemName(status, codes)}` },
        ]),
      ),
    },
  };
};
