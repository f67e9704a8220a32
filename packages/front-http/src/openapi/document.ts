import type { Route } from "../call.ts";
import { answerHeaders, type AnswerHeader, type RequestHeader, requestHeaders } from "./headers.ts";
import { jsonSchemas } from "./json-schemas.ts";
import {
  answerHeader,
  componentOf,
  headerParameter,
  operationOf,
  pathOf,
  problemAnswered,
  problemName,
  schemasOf,
} from "./operation.ts";
import { problemsOf } from "./problems.ts";

/** An OpenAPI document, as JSON has it. */
export type OpenApiDocument = Readonly<Record<string, unknown>> & {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
};

const about = `One file tree for many tenants.

Paths of files begin at the key's home, or are absolute under \`/workspace\` and \`/tenants\`. Every error is
\`application/problem+json\` (RFC 9457); programs look at its \`code\`. Times are RFC 3339 in UTC, sizes bytes; a limit that is
\`null\` is none. \`next\` of a page goes into \`?after=\` as it is. GET routes answer HEAD as well.

Requests that are refused before a route is known: 400 where they are no HTTP, 405 for a method that a place does not
have, 408 where the headers took too long, 417 for an \`Expect\` other than \`100-continue\`, 431 where headers are too large.`;

/** The groups of operations, in the order in which they are read. */
const tags = {
  files: "Files and directories by their paths.",
  search: "Looking for files by name and content.",
  history: "Earlier contents, and what changed.",
  keys: "Who asks, and how far that reaches.",
  relations: "Who may do what, on which file.",
  shares: "Files for other tenants, and links.",
  tenants: "Tenants, their users, limits, usage and bills.",
  mounts: "Storages and their places in the tree.",
  regions: "Where tenants and their files are.",
  records: "The audit log, and work that outlives its request.",
  server: "How the server is.",
} as const;

type Tag = keyof typeof tags;

const tagsOf: Readonly<Record<string, Tag>> = {
  glob: "search",
  grep: "search",
  search: "search",
  versions: "history",
  restore: "history",
  changes: "history",
  keys: "keys",
  whoami: "keys",
  relations: "relations",
  check: "relations",
  expand: "relations",
  "list-objects": "relations",
  "list-subjects": "relations",
  explain: "relations",
  models: "relations",
  shares: "shares",
  links: "shares",
  tenants: "tenants",
  mounts: "mounts",
  directory: "regions",
  residency: "regions",
  jobs: "records",
  audit: "records",
  health: "server",
};

const tagOf = ({ url }: Route): Tag => {
  if (!url.startsWith("/v1/")) return "server";
  const [, , first = "", , third = ""] = url.split("/");
  const inTenant: Tag | undefined = ["mounts", "audit", "residency"].includes(third)
    ? tagsOf[third]
    : undefined;
  return inTenant ?? tagsOf[first] ?? "files";
};

const keysOf = <K extends string>(table: Readonly<Record<K, unknown>>): readonly K[] =>
  Object.keys(table).filter((key): key is K => Object.hasOwn(table, key));

/**
 * Renders routes as an OpenAPI 3.1 document: every place, parameter, body and answer from the schemas that validate and
 * shape them. The same routes and version give the same text.
 */
export const openApiDocument = (routes: readonly Route[], version: string): OpenApiDocument => {
  const headers = [...Object.values(requestHeaders), ...Object.values(answerHeaders)];
  const schemas = jsonSchemas([
    ...routes.flatMap(schemasOf),
    ...headers.map(({ schema }) => schema),
  ]);
  const paths: Record<string, Record<string, unknown>> = {};
  const responses: Record<string, unknown> = {};
  for (const route of routes) {
    const here = (paths[pathOf(route)] ??= {});
    here[route.method.toLowerCase()] = operationOf(route, tagOf(route), schemas);
    for (const [status, codes] of problemsOf(route))
      responses[problemName(status, codes)] ??= problemAnswered(status, codes);
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Bulkhead",
      version,
      description: about,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    jsonSchemaDialect: "https://json-schema.org/draft/2020-12/schema",
    servers: [{ url: "/", description: "This server." }],
    security: [{ key: [] }],
    tags: keysOf(tags).map((name) => ({ name, description: tags[name] })),
    paths,
    components: {
      securitySchemes: {
        key: {
          type: "http",
          scheme: "bearer",
          description: "A key: the platform's, or one that `POST /v1/keys` minted.",
        },
      },
      schemas: schemas.components,
      parameters: Object.fromEntries(
        keysOf<RequestHeader>(requestHeaders).map((name) => [
          componentOf(name),
          headerParameter(name, schemas),
        ]),
      ),
      headers: Object.fromEntries(
        keysOf<AnswerHeader>(answerHeaders).map((name) => [
          componentOf(name),
          answerHeader(name, schemas),
        ]),
      ),
      responses: Object.fromEntries(Object.entries(responses).sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  };
};
