import fc from "fast-check";
import type { Api, Answer } from "../support/api.ts";

/** One operation on one or two paths, given as segments below `/`. */
export interface Request {
  readonly operation: keyof typeof operations;
  readonly paths: readonly (readonly string[])[];
}

const spelled = (path: readonly string[]): string => `/${path.map(encodeURIComponent).join("/")}`;
const plain = (path: readonly string[]): string => `/${path.join("/")}`;

interface Shape {
  readonly ends: 1 | 2;
  /** Answered for the strict ancestors of the bounds with the names that lead there. */
  readonly surveys: boolean;
  readonly mutates: boolean;
  readonly send: (api: Api, ...paths: readonly (readonly string[])[]) => Promise<Answer>;
}

const post =
  (route: string) =>
  (api: Api, from: readonly string[] = [], to: readonly string[] = []): Promise<Answer> =>
    api.send("POST", route, { body: { from: plain(from), to: plain(to), mode: "overwrite" } });
const at =
  (method: string, route: string, query = "", body?: string) =>
  (api: Api, path: readonly string[] = []): Promise<Answer> =>
    api.send(method, `${route}${spelled(path)}${query}`, body === undefined ? {} : { body });

/** Every operation that takes a path, over the wire. */
export const operations = {
  read: { ends: 1, surveys: false, mutates: false, send: at("GET", "/v1/files") },
  head: { ends: 1, surveys: false, mutates: false, send: at("HEAD", "/v1/files") },
  stat: { ends: 1, surveys: true, mutates: false, send: at("GET", "/v1/stat") },
  list: { ends: 1, surveys: true, mutates: false, send: at("GET", "/v1/list") },
  listDeep: {
    ends: 1,
    surveys: true,
    mutates: false,
    send: at("GET", "/v1/list", "?recursive=true"),
  },
  write: {
    ends: 1,
    surveys: false,
    mutates: true,
    send: at("PUT", "/v1/files", "", "written by a test"),
  },
  append: { ends: 1, surveys: false, mutates: true, send: at("POST", "/v1/append", "", "+") },
  remove: {
    ends: 1,
    surveys: false,
    mutates: true,
    send: at("DELETE", "/v1/files", "?recursive=true"),
  },
  mkdir: {
    ends: 1,
    surveys: false,
    mutates: true,
    send: (api, path = []) =>
      api.send("POST", "/v1/mkdir", { body: { path: plain(path), parents: true } }),
  },
  glob: {
    ends: 1,
    surveys: true,
    mutates: false,
    send: (api, path = []) =>
      api.send("POST", "/v1/glob", { body: { path: plain(path), pattern: "**" } }),
  },
  grep: {
    ends: 1,
    surveys: true,
    mutates: false,
    send: (api, path = []) =>
      api.send("POST", "/v1/grep", { body: { path: plain(path), pattern: "." } }),
  },
  version: { ends: 1, surveys: false, mutates: false, send: at("GET", "/v1/files", "?version=1") },
  versions: { ends: 1, surveys: false, mutates: false, send: at("GET", "/v1/versions") },
  restore: {
    ends: 1,
    surveys: false,
    mutates: true,
    send: (api, path = []) =>
      api.send("POST", "/v1/restore", { body: { path: plain(path), version: "1" } }),
  },
  copy: { ends: 2, surveys: false, mutates: true, send: post("/v1/copy") },
  move: { ends: 2, surveys: false, mutates: true, send: post("/v1/move") },
} as const satisfies Readonly<Record<string, Shape>>;

export const shapeOf = (request: Request): Shape => operations[request.operation];

const isOperation = (name: string): name is Request["operation"] => Object.hasOwn(operations, name);
export const operationNames: readonly Request["operation"][] =
  Object.keys(operations).filter(isOperation);

/** Draws requests over `paths`, of all operations or of those that may look at ancestors. */
export const requestOf = (
  paths: fc.Arbitrary<readonly string[]>,
  among: "all" | "surveys" = "all",
): fc.Arbitrary<Request> =>
  fc
    .constantFrom(...operationNames.filter((name) => among === "all" || operations[name].surveys))
    .chain((operation) => {
      const { ends } = operations[operation];
      return fc
        .array(paths, { minLength: ends, maxLength: ends })
        .map((drawn) => ({ operation, paths: drawn }));
    });
